//! Which hooks are registered for which methods.

use super::{Around, ErrorMap, Hook};
use crate::service::ClientRules;
use std::sync::Arc;
use wingbeat_core::{Method, Methods, Result};

/// Hooks of one kind in the order of their registration.
pub(crate) struct HookList<H: ?Sized>(Vec<(Methods, Arc<H>)>);

impl<H: ?Sized> Default for HookList<H> {
    fn default() -> HookList<H> {
        HookList(Vec::new())
    }
}

impl<H: ?Sized> HookList<H> {
    pub(crate) fn add(&mut self, methods: Methods, hook: Arc<H>) {
        self.0.push((methods, hook));
    }

    /// Those for all methods.
    pub(crate) fn for_all(&self) -> impl Iterator<Item = Arc<H>> {
        self.0.iter().filter(|(methods, _)| methods.are_all()).map(|(_, hook)| hook.clone())
    }

    /// Those for this method.
    pub(crate) fn for_method(&self, method: &Method) -> impl Iterator<Item = Arc<H>> {
        self.0.iter().filter(|(methods, _)| methods.named().contains(method)).map(|(_, hook)| hook.clone())
    }

    /// Those for all methods, then those for this one.
    pub(crate) fn all_first(&self, method: &Method) -> Vec<Arc<H>> {
        self.for_all().chain(self.for_method(method)).collect()
    }

    /// Those that say what clients may not ask of this method. What is hidden in one standard method is hidden in all:
    /// they are about the same records.
    fn ruling(&self, method: &Method) -> impl Iterator<Item = &Arc<H>> {
        let standard = |methods: &Methods| methods.named().iter().any(|named| Method::STANDARD.contains(named));
        let ruling = move |methods: &Methods| methods.include(method) || standard(methods);
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
    pub(crate) wrap: HookList<dyn Around>,
    pub(crate) around: HookList<dyn Around>,
    pub(crate) before: HookList<dyn Hook>,
    pub(crate) after: HookList<dyn Hook>,
    pub(crate) error: HookList<dyn Hook>,
    pub(crate) error_map: ErrorMap,
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
