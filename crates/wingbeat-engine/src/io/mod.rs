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
//! let engine = Engine::new(Config::default(), io.handler())?;
//! # Ok::<(), wingbeat_core::Error>(())
//! ```

mod handler;
mod namespace;
mod raw;
mod relay;
mod socket;
mod target;

pub use namespace::Namespace;
pub use relay::{Action, Relay, Selection};
pub use socket::IoSocket;
pub use target::Target;

use crate::{Handler, Refusal, Socket};
use namespace::{Hooks, NamespaceInner};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use wingbeat_core::RawJson;

/// A Socket.IO server's namespaces: a cheap handle.
#[derive(Clone)]
pub struct Io(Arc<Inner>);

struct Inner {
    main: Arc<NamespaceInner>,
    namespaces: RwLock<Namespaces>,
    relay: OnceLock<Box<dyn Relay>>,
}

#[derive(Default)]
struct Namespaces {
    named: HashMap<Arc<str>, Arc<NamespaceInner>>,
    patterns: Arc<Vec<(Pattern, Arc<Hooks>)>>,
}

type Pattern = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl Io {
    /// Only the main namespace, with nothing in it.
    pub fn new() -> Io {
        let main = Arc::new(NamespaceInner::new("/".into(), Arc::default(), false));
        Io(Arc::new(Inner { main, namespaces: RwLock::default(), relay: OnceLock::new() }))
    }

    /// What runs behind an engine's sockets.
    pub fn handler(&self) -> impl Handler + use<> {
        handler::RawHandler(self.clone())
    }

    /// The same beside another handler, which gets all of the main namespace's events that no socket listens for.
    pub fn beside<H: Handler>(&self, other: H) -> impl Handler + use<H> {
        handler::CombinedHandler { io: self.clone(), other }
    }

    /// A namespace, created if there is none of that name yet. Names begin with a slash; one that is missing is added.
    ///
    /// A name that belongs to [a pattern](Io::of_matching) is that pattern's, whether or not somebody is there: what is
    /// said here is said about all of its namespaces.
    pub fn of(&self, name: &str) -> Namespace {
        let name = if name.starts_with('/') { name.to_owned() } else { format!("/{name}") };
        if let Some(space) = self.known(&name) {
            return Namespace::new(self.clone(), space);
        }
        let name: Arc<str> = name.into();
        // It comes to be with its first socket.
        let child = self.child(&name);
        let mut namespaces = self.0.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        let space = match namespaces.named.get(&name) {
            Some(space) => space.clone(),
            None => child.unwrap_or_else(|| {
                let space = Arc::new(NamespaceInner::new(name.clone(), Arc::default(), false));
                namespaces.named.insert(name, space.clone());
                space
            }),
        };
        Namespace::new(self.clone(), space)
    }

    /// All namespaces whose name the function accepts. They come to be as clients join them, share what is said here,
    /// and vanish with their last socket.
    ///
    /// The function may look at namespaces that are there. To ask [for another](Io::of) would be to ask this function.
    pub fn of_matching(&self, pattern: impl Fn(&str) -> bool + Send + Sync + 'static) -> Namespace {
        let hooks = Arc::<Hooks>::default();
        let mut namespaces = self.0.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut namespaces.patterns).push((Arc::new(pattern), hooks.clone()));
        // Nobody is ever in it; emitting to it reaches nobody.
        Namespace::new(self.clone(), Arc::new(NamespaceInner::new("/*".into(), hooks, false)))
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

    /// Tells other servers, by this, what is done to sockets of namespaces and rooms. False if somebody does so already.
    pub fn set_relay(&self, relay: impl Relay) -> bool {
        let is_first = self.0.relay.set(Box::new(relay)).is_ok();
        if let Some(relay) = self.relay().filter(|_| is_first) {
            self.spaces().iter().for_each(|space| space.tell_rooms(relay));
        }
        is_first
    }

    /// Does to the sockets of this server what another one has told of.
    pub fn apply(&self, to: &Selection, action: &Action) {
        let Some(space) = self.known(&to.namespace) else { return };
        let mut target = Target::new(self.clone(), space).local();
        target = to.to.iter().fold(target, |target, room| target.to(room));
        target = to.except.iter().fold(target, |target, room| target.except(room));
        match action {
            Action::Emit { name, args } => target.emit(name, args),
            Action::Join(room) => target.sockets_join(room),
            Action::Leave(room) => target.sockets_leave(room),
            Action::Disconnect { close } => target.disconnect_sockets(*close),
        }
    }

    fn relay(&self) -> Option<&dyn Relay> {
        self.0.relay.get().map(|relay| &**relay)
    }

    fn spaces(&self) -> Vec<Arc<NamespaceInner>> {
        let namespaces = self.0.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        namespaces.named.values().chain([&self.0.main]).cloned().collect()
    }

    /// Whether clients may join this namespace.
    fn has(&self, name: &str) -> bool {
        self.known(name).is_some() || self.hooks(name).is_some()
    }

    /// What was said about the first pattern that accepts a name. Without a lock: patterns may ask for namespaces
    /// themselves.
    fn hooks(&self, name: &str) -> Option<Arc<Hooks>> {
        let patterns = self.0.namespaces.read().unwrap_or_else(PoisonError::into_inner).patterns.clone();
        patterns.iter().find(|(pattern, _)| pattern(name)).map(|(_, hooks)| hooks.clone())
    }

    /// A namespace of a pattern, which is not there yet.
    fn child(&self, name: &Arc<str>) -> Option<Arc<NamespaceInner>> {
        Some(Arc::new(NamespaceInner::new(name.clone(), self.hooks(name)?, true)))
    }

    /// The namespace that a client names, if it may be joined. Of a pattern's, it comes to be.
    fn space(&self, name: &str) -> Option<Arc<NamespaceInner>> {
        if let Some(space) = self.known(name) {
            return Some(space);
        }
        let name: Arc<str> = name.into();
        let child = self.child(&name)?;
        let mut namespaces = self.0.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        Some(namespaces.named.entry(name).or_insert(child).clone())
    }

    /// The namespace, if it is there.
    fn known(&self, name: &str) -> Option<Arc<NamespaceInner>> {
        match name {
            "/" => Some(self.0.main.clone()),
            _ => self.0.namespaces.read().unwrap_or_else(PoisonError::into_inner).named.get(name).cloned(),
        }
    }

    /// The namespace as it is now. One that has vanished is empty, and does not come back because somebody asks for it:
    /// it would be one without middleware.
    fn now(&self, name: &Arc<str>) -> Arc<NamespaceInner> {
        self.known(name).unwrap_or_else(|| Arc::new(NamespaceInner::new(name.clone(), Arc::default(), true)))
    }

    /// A socket has joined its namespace.
    fn enter(&self, socket: &Socket) -> Option<Arc<NamespaceInner>> {
        loop {
            let space = self.space(socket.namespace())?;
            // Others may be leaving: it must not be forgotten between the question and the answer.
            let namespaces = self.0.namespaces.read().unwrap_or_else(PoisonError::into_inner);
            if !space.is_child() || namespaces.named.get(&space.name).is_some_and(|now| Arc::ptr_eq(now, &space)) {
                space.enter(socket);
                return Some(space);
            }
        }
    }

    /// Forgets a pattern's namespace that nobody is in.
    fn forget_if_empty(&self, name: &str) {
        let mut namespaces = self.0.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        if namespaces.named.get(name).is_some_and(|space| space.is_child() && space.is_empty()) {
            namespaces.named.remove(name);
        }
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.0.namespaces.read().unwrap_or_else(PoisonError::into_inner).named.len()
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
    use crate::engine::TransportState;
    use crate::{Config, Engine, Handshake};

    #[test]
    fn names_are_joined_exactly_or_by_pattern_and_forgotten_when_empty() {
        let io = Io::new();
        io.of("chat");
        io.of_matching(|name| name.starts_with("/room-"));
        assert!(io.space("/").is_some() && io.space("/chat").is_some());
        assert!(io.space("/nope").is_none() && io.space("/chat/").is_none());
        assert!(io.space("/room-1").is_some());
        assert_eq!(io.count(), 2);
        io.forget_if_empty("/room-1");
        io.forget_if_empty("/chat");
        assert_eq!(io.count(), 1);
    }

    #[tokio::test]
    async fn a_socket_that_is_gone_brings_no_namespace_back() {
        let io = Io::new();
        io.of_matching(|name| name.starts_with("/room-"));
        let engine = Engine::new(Config::default(), io.handler()).unwrap();
        let parts = http::Request::new(()).into_parts().0;
        let handle = engine.0.register(Handshake::new(&parts, &engine.0.config), TransportState::WebSocket).unwrap();
        let socket = IoSocket::new(io.clone(), Socket::new(handle, "/room-1".into(), None));
        socket.join("x");
        socket.leave("x");
        socket.to("x").emit("late", &[]);
        io.of("/room-1").to("x").emit("late", &[]);
        assert_eq!((io.count(), socket.rooms().len()), (0, 1));
    }
}
