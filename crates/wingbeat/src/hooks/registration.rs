//! Which hooks are registered for which methods.

use super::{Around, ErrorWords, Hook};
use crate::service::ClientRules;
use std::sync::Arc;
use wingbeat_core::{Method, Result};

/// Registers a hook for all methods, custom ones included: `.around(All, hook)`.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a word, written as it is")]
pub struct All;

/// For which methods a hook is registered: [`All`], one method, a custom method's name, a list of either, or a tuple of
/// both.
///
/// ```
/// use wingbeat::{hooks::sync, prelude::*, store::Memory};
///
/// let rooms = Mount::new(Memory::new())
///     .method("enter", async |room: String, _: &Params| { Ok(room) })
///     .before((Create, "enter"), sync(|context| {
///         tracing::info!(method = %context.method(), "somebody comes");
///         Ok(())
///     }));
/// ```
#[derive(Clone, Debug)]
pub struct Methods(Selection);

#[derive(Clone, Debug)]
enum Selection {
    All,
    Some(Vec<Method>),
}

impl Methods {
    pub(crate) fn named(&self) -> &[Method] {
        match &self.0 {
            Selection::All => &[],
            Selection::Some(methods) => methods,
        }
    }

    pub(crate) fn are_all(&self) -> bool {
        matches!(self.0, Selection::All)
    }

    fn include(&self, method: &Method) -> bool {
        self.named().contains(method)
    }

    fn and(self, more: Methods) -> Methods {
        match (self.0, more.0) {
            (Selection::Some(methods), Selection::Some(more)) => Methods(Selection::Some([methods, more].concat())),
            _ => All.into(),
        }
    }
}

impl From<All> for Methods {
    fn from(_: All) -> Methods {
        Methods(Selection::All)
    }
}

impl From<Method> for Methods {
    fn from(method: Method) -> Methods {
        Methods(Selection::Some(vec![method]))
    }
}

impl From<&str> for Methods {
    fn from(name: &str) -> Methods {
        Method::named(name).into()
    }
}

impl<const N: usize> From<[Method; N]> for Methods {
    fn from(methods: [Method; N]) -> Methods {
        Methods(Selection::Some(methods.into()))
    }
}

impl<const N: usize> From<[&str; N]> for Methods {
    fn from(names: [&str; N]) -> Methods {
        Methods(Selection::Some(names.map(Method::named).into()))
    }
}

macro_rules! from_tuples {
    ($(($first:ident $($more:ident)+))+) => {$(
        impl<$first: Into<Methods>, $($more: Into<Methods>),+> From<($first, $($more),+)> for Methods {
            #[allow(non_snake_case, reason = "the values are named like their types")]
            fn from(($first, $($more),+): ($first, $($more),+)) -> Methods {
                $first.into()$(.and($more.into()))+
            }
        }
    )+};
}

from_tuples! { (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }

impl From<&[Method]> for Methods {
    fn from(methods: &[Method]) -> Methods {
        Methods(Selection::Some(methods.into()))
    }
}

/// Hooks of one kind in the order of their registration.
pub(crate) struct Registered<H: ?Sized>(Vec<(Methods, Arc<H>)>);

impl<H: ?Sized> Default for Registered<H> {
    fn default() -> Registered<H> {
        Registered(Vec::new())
    }
}

impl<H: ?Sized> Registered<H> {
    pub(crate) fn add(&mut self, methods: Methods, hook: Arc<H>) {
        self.0.push((methods, hook));
    }

    /// Those for all methods.
    pub(crate) fn for_all(&self) -> impl Iterator<Item = Arc<H>> {
        self.0.iter().filter(|(methods, _)| methods.are_all()).map(|(_, hook)| hook.clone())
    }

    /// Those for this method.
    pub(crate) fn for_method(&self, method: &Method) -> impl Iterator<Item = Arc<H>> {
        self.0.iter().filter(|(methods, _)| methods.include(method)).map(|(_, hook)| hook.clone())
    }

    /// Those for all methods, then those for this one.
    pub(crate) fn all_first(&self, method: &Method) -> Vec<Arc<H>> {
        self.for_all().chain(self.for_method(method)).collect()
    }

    /// Those that say what clients may not ask of this method. What is hidden in one standard method is hidden in all:
    /// they are about the same records.
    fn ruling(&self, method: &Method) -> impl Iterator<Item = &Arc<H>> {
        let standard = |methods: &Methods| methods.named().iter().any(|named| Method::STANDARD.contains(named));
        let ruling = move |methods: &Methods| methods.are_all() || methods.include(method) || standard(methods);
        self.0.iter().filter(move |(methods, _)| ruling(methods)).map(|(_, hook)| hook)
    }

    fn hooks(&self) -> impl Iterator<Item = &Arc<H>> {
        self.0.iter().map(|(_, hook)| hook)
    }

    fn named(&self) -> impl Iterator<Item = &Method> {
        self.0.iter().flat_map(|(methods, _)| methods.named())
    }
}

/// The hooks of a service, or of the application.
#[derive(Default)]
pub(crate) struct HookSet {
    /// Outermost: what Feathers registers as plain arrays and method maps.
    pub(crate) wrap: Registered<dyn Around>,
    pub(crate) around: Registered<dyn Around>,
    pub(crate) before: Registered<dyn Hook>,
    pub(crate) after: Registered<dyn Hook>,
    pub(crate) error: Registered<dyn Hook>,
    pub(crate) words: ErrorWords,
}

impl HookSet {
    /// Asks every hook whether it can work.
    pub(crate) fn check(&self) -> Result<()> {
        self.wrap.hooks().chain(self.around.hooks()).try_for_each(|hook| hook.check())?;
        let mut hooks = self.before.hooks().chain(self.after.hooks()).chain(self.error.hooks());
        hooks.try_for_each(|hook| hook.check())
    }

    /// What the hooks say that clients may not ask of a method.
    pub(crate) fn rules(&self, method: &Method) -> impl Iterator<Item = ClientRules> {
        let around = self.wrap.ruling(method).chain(self.around.ruling(method)).map(|hook| hook.rules());
        let plain = self.before.ruling(method).chain(self.after.ruling(method)).chain(self.error.ruling(method));
        around.chain(plain.map(|hook| hook.rules())).filter(|rules| !rules.is_empty())
    }

    /// Every method that some hook names.
    pub(crate) fn named(&self) -> impl Iterator<Item = &Method> {
        let around = self.wrap.named().chain(self.around.named());
        around.chain(self.before.named()).chain(self.after.named()).chain(self.error.named())
    }
}
