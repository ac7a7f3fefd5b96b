//! Applications within applications.

use super::Builder;
use crate::app::{Mode, mount::SubApp};
use std::sync::Arc;
use wingbeat_core::Error;

impl Builder {
    /// Mounts all services of another application below a path, each under its own path there: `users` of an application
    /// that is mounted at `v1` is `v1/users`.
    ///
    /// Hooks and publishers of that application go along, for its services alone: its hooks run within this one's and
    /// around those of the service, its publishers are asked before this one's. Its listeners (`on_connection` and so on)
    /// become this one's. There is one application in the end, so services call each other by their whole paths, and
    /// transports, a bus, a fallback, a mode and hooks around setup and teardown are the outer one's: to have set them is an error.
    ///
    /// ```
    /// use wingbeat::{Builder, prelude::*, store::Memory};
    ///
    /// fn v1() -> Builder {
    ///     App::builder().mount("notes", Mount::new(Memory::new())).publish(|_| channel("v1"))
    /// }
    ///
    /// let app = App::builder().sub_app("v1", v1()).configure(SocketIo::new()).build()?;
    /// assert_eq!(app.paths(), ["v1/notes"]);
    /// # Ok::<(), wingbeat::Error>(())
    /// ```
    pub fn sub_app(mut self, path: &str, app: Builder) -> Builder {
        let Builder {
            mounts,
            hooks,
            publishers,
            listeners,
            transports,
            fallback,
            phases,
            mode,
            wrong,
            bus,
            responders,
        } = app;
        let outer_ones = !transports.is_empty()
            || fallback.is_some()
            || !phases.is_empty()
            || mode != Mode::default()
            || bus.is_some();
        let misplaced = outer_ones.then(|| {
            let text = "a transport, a bus, a fallback, a mode, or a hook around setup and teardown: set these on the outer application";
            Error::general(format!("The application mounted at '{path}' has {text}"))
        });
        self.wrong = self.wrong.or(wrong).or(misplaced);
        self.listeners.append(listeners);
        responders.into_iter().for_each(|(question, respond)| self.add_responder(question, respond));
        let within = Arc::new(SubApp { hooks, publishers });
        for (inner, mut mount) in mounts {
            mount.within.insert(0, within.clone());
            self.mounts.push((joined(path, &inner), mount));
        }
        self
    }
}

/// One path below another; either may be the root.
fn joined(outer: &str, inner: &str) -> Box<str> {
    match (outer.trim_matches('/'), inner.trim_matches('/')) {
        ("", "") => "/".into(),
        ("", one) | (one, "") => one.into(),
        (outer, inner) => format!("{outer}/{inner}").into(),
    }
}
