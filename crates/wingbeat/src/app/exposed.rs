//! Which methods of a mounted service clients may call.

use super::Mount;
use crate::hook::Methods;
use wingbeat_core::Method;

/// What clients may call.
#[derive(Default)]
pub(super) enum Exposed {
    #[default]
    All,
    /// Of the standard methods these, and all others.
    Standard(Vec<Method>),
    Only(Vec<Method>),
}

impl Mount {
    /// The methods that clients may call, those of the service's own included; without this, all that there are. The server
    /// itself may call the others too. Said twice, the last one counts.
    ///
    /// ```
    /// use wingbeat::{prelude::*, store::Memory};
    ///
    /// async fn archive(year: u16, params: &Params) -> Result<()> {
    ///     params.service("messages")?.remove(None, Params::query([("year", year)])).await.map(drop)
    /// }
    ///
    /// let messages = Mount::new(Memory::new().multi([Remove])).method("archive", archive).expose((Find, Get, "archive"));
    /// ```
    pub fn expose(mut self, methods: impl Into<Methods>) -> Mount {
        let methods = methods.into();
        self.exposed = if methods.are_all() { Exposed::All } else { Exposed::Only(methods.named().to_vec()) };
        self
    }

    /// Clients may call no method: the service is for the server itself. They still hear its events.
    pub fn internal(mut self) -> Mount {
        self.exposed = Exposed::Only(Vec::new());
        self
    }

    /// The standard methods that clients may call. It says nothing of the service's own methods, which clients may all call;
    /// [`expose`](Mount::expose) is about both.
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Mount {
        self.exposed = Exposed::Standard(methods.into_iter().collect());
        self
    }
}

impl Exposed {
    /// The methods that are named.
    pub(super) fn named(&self) -> &[Method] {
        match self {
            Exposed::All => &[],
            Exposed::Standard(methods) | Exposed::Only(methods) => methods,
        }
    }

    pub(super) fn are_all(&self) -> bool {
        matches!(self, Exposed::All)
    }

    pub(super) fn include(&self, method: &Method) -> bool {
        match (self, method) {
            (Exposed::All, _) | (Exposed::Standard(_), Method::Custom(_)) => true,
            (Exposed::Standard(methods) | Exposed::Only(methods), method) => methods.contains(method),
        }
    }
}
