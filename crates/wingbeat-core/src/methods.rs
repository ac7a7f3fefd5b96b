//! Which methods are meant.

use crate::Method;

/// Registers a hook for all methods, custom ones included: `.around(All, hook)`.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a word, written as it is")]
pub struct All;

/// For which methods a hook is registered: [`All`], one method, a custom method's name, a list of either, or a tuple of
/// both.
///
/// ```
/// use wingbeat_core::{All, Method, Methods};
///
/// assert!(Methods::from((Method::Create, "archive")).include(&Method::named("archive")));
/// assert!(Methods::from(All).include(&Method::Get));
/// assert!(!Methods::from([Method::Find, Method::Get]).include(&Method::Create));
/// ```
#[derive(Clone, Debug)]
pub struct Methods(Selection);

#[derive(Clone, Debug)]
enum Selection {
    All,
    Some(Vec<Method>),
}

impl Methods {
    /// The methods that are named; none for [`All`].
    pub fn named(&self) -> &[Method] {
        match &self.0 {
            Selection::All => &[],
            Selection::Some(methods) => methods,
        }
    }

    /// Whether it is [`All`].
    pub fn are_all(&self) -> bool {
        matches!(self.0, Selection::All)
    }

    /// Whether the method is named, or all are meant.
    pub fn include(&self, method: &Method) -> bool {
        self.are_all() || self.named().contains(method)
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
