//! Which methods a mounted service has, and which of them clients may call.

use super::Mount;
use crate::hooks::Methods;
use crate::service::DynService;
use wingbeat_core::{Error, Method, Result};

/// What clients may call.
#[derive(Default)]
pub(in crate::app) enum Exposed {
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

    pub(in crate::app) fn include(&self, method: &Method) -> bool {
        match (self, method) {
            (Exposed::All, _) | (Exposed::Standard(_), Method::Custom(_)) => true,
            (Exposed::Standard(methods) | Exposed::Only(methods), method) => methods.contains(method),
        }
    }
}

/// Refuses a service that lists methods which it has not written, or the other way round.
pub(super) fn check(service: &dyn DynService, path: &str) -> Result<()> {
    let wrong = |text: String| Err(Error::general(format!("Service '{path}' {text}")));
    let (listed, written) = (service.methods(), service.implemented());
    match listed.iter().find(|method| !written.contains(method)) {
        Some(Method::Custom(name)) => {
            return wrong(format!("lists '{name}' among the standard methods: name it in `fn custom`"));
        }
        Some(method) => {
            return wrong(format!(
                "lists the method '{method}' without implementing it: write `async fn {method}`, or remove it from the list"
            ));
        }
        None => {}
    }
    // Who writes all six may stand for a service that has fewer. Of raw services it is theirs to say, each time anew.
    let forgotten = written.iter().find(|method| !listed.contains(method));
    match forgotten.filter(|_| service.is_typed() && written.len() < Method::STANDARD.len()) {
        Some(method) => wrong(format!("implements the method '{method}' without listing it: add it to `METHODS`")),
        None => Ok(()),
    }
}
