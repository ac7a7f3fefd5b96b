//! Raw Socket.IO, as the reference server has it: namespaces, rooms, middleware, events with acknowledgements.
//!
//! ```
//! use wingbeat_core::RawJson;
//! use wingbeat_engine::{Answer, Config, Engine, Refusal, io::Io};
//!
//! let io = Io::new();
//! io.middleware(|socket| async move {
//!     match socket.handshake().headers().get("x-user") {
//!         Some(_) => Ok(()),
//!         None => Err(Refusal::new("Who are you?")),
//!     }
//! });
//! io.on_connection(|socket| {
//!     socket.join("everybody");
//!     socket.on("say", |socket, event| async move {
//!         let text = event.arg(0).unwrap_or(RawJson::NULL);
//!         socket.to("everybody").emit("said", &[text]);
//!         Some(Answer::args(&[]))
//!     });
//! });
//! let engine = Engine::new(Config::default(), io.handler());
//! ```

mod handler;
mod namespace;
mod raw;
mod socket;
mod target;

pub use namespace::Namespace;
pub(crate) use raw::Raw;
pub use socket::IoSocket;
pub use target::Target;

use crate::{Handler, Refusal};
use namespace::{Hooks, Space};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use wingbeat_core::RawJson;

/// A Socket.IO server's namespaces: a cheap handle.
#[derive(Clone)]
pub struct Io(Arc<Inner>);

struct Inner {
    main: Arc<Space>,
    spaces: RwLock<Spaces>,
}

#[derive(Default)]
struct Spaces {
    named: HashMap<Arc<str>, Arc<Space>>,
    patterns: Vec<(Pattern, Arc<Hooks>)>,
}

type Pattern = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl Io {
    /// Only the main namespace, with nothing in it.
    pub fn new() -> Io {
        let main = Arc::new(Space::new("/".into(), Arc::default(), false));
        Io(Arc::new(Inner { main, spaces: RwLock::default() }))
    }

    /// What runs behind an engine's sockets.
    pub fn handler(&self) -> impl Handler + use<> {
        handler::Alone(self.clone())
    }

    /// The same beside another handler, which gets all of the main namespace's events that no socket listens for.
    pub fn beside<H: Handler>(&self, other: H) -> impl Handler + use<H> {
        handler::Beside { io: self.clone(), other }
    }

    /// A namespace, created if there is none of that name yet. Names begin with a slash; one that is missing is added.
    pub fn of(&self, name: &str) -> Namespace {
        let name = if name.starts_with('/') { name.to_owned() } else { format!("/{name}") };
        if name == "/" {
            return Namespace::new(self.clone(), self.0.main.clone());
        }
        let mut spaces = self.0.spaces.write().unwrap_or_else(PoisonError::into_inner);
        let name: Arc<str> = name.into();
        let space =
            spaces.named.entry(name.clone()).or_insert_with(|| Arc::new(Space::new(name, Arc::default(), false)));
        Namespace::new(self.clone(), space.clone())
    }

    /// All namespaces whose name the function accepts. They come to be as clients join them, share what is said here,
    /// and vanish with their last socket.
    pub fn of_matching(&self, pattern: impl Fn(&str) -> bool + Send + Sync + 'static) -> Namespace {
        let hooks = Arc::<Hooks>::default();
        let mut spaces = self.0.spaces.write().unwrap_or_else(PoisonError::into_inner);
        spaces.patterns.push((Arc::new(pattern), hooks.clone()));
        // Nobody is ever in it; emitting to it reaches nobody.
        Namespace::new(self.clone(), Arc::new(Space::new("/*".into(), hooks, false)))
    }

    /// [`Namespace::middleware`] of the main namespace.
    pub fn middleware<F, A>(&self, middleware: F)
    where
        F: Fn(IoSocket) -> A + Send + Sync + 'static,
        A: Future<Output = Result<(), Refusal>> + Send + 'static,
    {
        self.of("/").middleware(middleware);
    }

    /// [`Namespace::on_connection`] of the main namespace.
    pub fn on_connection(&self, listener: impl Fn(IoSocket) + Send + Sync + 'static) {
        self.of("/").on_connection(listener);
    }

    /// Sends an event to everybody in the main namespace.
    pub fn emit(&self, name: &str, args: &[RawJson]) {
        self.of("/").emit(name, args);
    }

    /// Those in a room of the main namespace.
    pub fn to(&self, room: &str) -> Target {
        self.of("/").to(room)
    }

    /// Whether clients may join this namespace.
    fn has(&self, name: &str) -> bool {
        let spaces = self.0.spaces.read().unwrap_or_else(PoisonError::into_inner);
        name == "/" || spaces.named.contains_key(name) || spaces.patterns.iter().any(|(pattern, _)| pattern(name))
    }

    /// The namespace that a client names, if it may be joined. Of a pattern's, it comes to be.
    fn space(&self, name: &str) -> Option<Arc<Space>> {
        if name == "/" {
            return Some(self.0.main.clone());
        }
        let known = |spaces: &Spaces| spaces.named.get(name).cloned();
        if let Some(space) = known(&self.0.spaces.read().unwrap_or_else(PoisonError::into_inner)) {
            return Some(space);
        }
        let mut spaces = self.0.spaces.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(space) = known(&spaces) {
            return Some(space);
        }
        let hooks = spaces.patterns.iter().find(|(pattern, _)| pattern(name))?.1.clone();
        let space = Arc::new(Space::new(name.into(), hooks, true));
        spaces.named.insert(name.into(), space.clone());
        Some(space)
    }

    /// Forgets a pattern's namespace that nobody is in.
    fn forget_if_empty(&self, name: &str) {
        let mut spaces = self.0.spaces.write().unwrap_or_else(PoisonError::into_inner);
        if spaces.named.get(name).is_some_and(|space| space.is_child() && space.is_empty()) {
            spaces.named.remove(name);
        }
    }

    #[cfg(test)]
    fn known(&self) -> usize {
        self.0.spaces.read().unwrap_or_else(PoisonError::into_inner).named.len()
    }
}

impl Default for Io {
    fn default() -> Io {
        Io::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_joined_exactly_or_by_pattern_and_forgotten_when_empty() {
        let io = Io::new();
        io.of("chat");
        io.of_matching(|name| name.starts_with("/room-"));
        assert!(io.space("/").is_some() && io.space("/chat").is_some());
        assert!(io.space("/nope").is_none() && io.space("/chat/").is_none());
        assert!(io.space("/room-1").is_some());
        assert_eq!(io.known(), 2);
        io.forget_if_empty("/room-1");
        io.forget_if_empty("/chat");
        assert_eq!(io.known(), 1);
    }
}
