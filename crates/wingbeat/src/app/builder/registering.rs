//! What an application and a mounted service take alike: hooks and publishers.

use super::Builder;
use crate::app::mount::Mount;
use crate::hooks::{Around, Hook, Methods};
use crate::realtime::{Audience, IntoAudience, Publication, Publisher};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use wingbeat_core::Error;

macro_rules! hooks_and_publishers {
    (
        $owner:ident
        $(#[$around:meta])+ around
        $(#[$before:meta])+ before
        $(#[$after:meta])+ after
        $(#[$error:meta])+ error
        $(#[$map_error:meta])+ map_error
        $(#[$publish:meta])+ publish
        $(#[$publish_event:meta])+ publish_event
    ) => {
        impl $owner {
            $(#[$around])+
            pub fn around(mut self, methods: impl Into<Methods>, hook: impl Around) -> $owner {
                self.hooks.around.add(methods.into(), Arc::new(hook));
                self
            }

            $(#[$before])+
            pub fn before(mut self, methods: impl Into<Methods>, hook: impl Hook) -> $owner {
                self.hooks.before.add(methods.into(), Arc::new(hook));
                self
            }

            $(#[$after])+
            pub fn after(mut self, methods: impl Into<Methods>, hook: impl Hook) -> $owner {
                self.hooks.after.add(methods.into(), Arc::new(hook));
                self
            }

            $(#[$error])+
            pub fn error(mut self, methods: impl Into<Methods>, hook: impl Hook) -> $owner {
                self.hooks.error.add(methods.into(), Arc::new(hook));
                self
            }

            $(#[$map_error])+
            ///
            /// It is asked about errors of its type that `?` or [`Error::internal`] has taken, and about those below
            /// other errors and contexts of `anyhow`. Error hooks see what comes of it, clients receive that, and the
            /// log has the cause. Around hooks see the error before.
            ///
            /// ```
            #[doc = concat!("use wingbeat::{Error, ", stringify!($owner), "};")]
            ///
            /// #[derive(Debug, thiserror::Error)]
            /// enum BoardError {
            ///     #[error("not a member of team {0}")]
            ///     NotMember(u64),
            ///     #[error("the board is full")]
            ///     Full,
            /// }
            ///
            #[doc = concat!("let mapped = ", stringify!($owner), "::default().map_error(|error: &BoardError| match error {")]
            ///     BoardError::NotMember(_) => Error::forbidden("Only for members"),
            ///     BoardError::Full => Error::conflict(error.to_string()),
            /// });
            /// ```
            pub fn map_error<E>(mut self, map: impl Fn(&E) -> Error + Send + Sync + 'static) -> $owner
            where
                E: std::error::Error + 'static,
            {
                self.hooks.error_map.add(map);
                self
            }

            $(#[$publish])+
            pub fn publish<A>(mut self, publisher: impl Fn(&Publication) -> A + Send + Sync + 'static) -> $owner
            where
                A: IntoAudience,
            {
                self.publishers.set(None, Publisher::ready(publisher));
                self
            }

            #[doc = concat!("As [`publish`](", stringify!($owner), "::publish), with a publisher that sees the record as its type.")]
            /// Nobody hears an event whose data does not fit the type, and the log says why: events that carry something else have a
            /// publisher of their own (`publish_event`).
            ///
            /// ```
            #[doc = concat!("use wingbeat::{", stringify!($owner), ", realtime::channel};")]
            ///
            /// #[derive(serde::Deserialize)]
            /// #[serde(rename_all = "camelCase")]
            /// struct Task {
            ///     team_id: u64,
            /// }
            ///
            #[doc = concat!("let tasks = ", stringify!($owner), "::default().publish_as(|task: Task, _| channel((\"teams\", task.team_id)));")]
            /// ```
            pub fn publish_as<T, A>(mut self, publisher: impl Fn(T, &Publication) -> A + Send + Sync + 'static) -> $owner
            where
                T: DeserializeOwned,
                A: IntoAudience,
            {
                self.publishers.set(None, Publisher::ready(move |publication| -> Audience {
                    match publication.data_as() {
                        Ok(record) => publisher(record, publication).into_audience(),
                        Err(unfit) => Err::<Audience, Error>(unfit).into(),
                    }
                }));
                self
            }

            $(#[$publish_event])+
            pub fn publish_event<A>(
                mut self,
                event: impl Into<Box<str>>,
                publisher: impl Fn(&Publication) -> A + Send + Sync + 'static,
            ) -> $owner
            where
                A: IntoAudience,
            {
                self.publishers.set(Some(event.into()), Publisher::ready(publisher));
                self
            }

            #[doc = concat!("As [`publish`](", stringify!($owner), "::publish), with a publisher that has to wait.")]
            /// Its event may come after the answer to the call. If it takes longer than 60 seconds, nobody hears.
            pub fn publish_async<A, F, Fut>(mut self, publisher: F) -> $owner
            where
                A: IntoAudience,
                F: Fn(Publication) -> Fut + Send + Sync + 'static,
                Fut: Future<Output = A> + Send + 'static,
            {
                self.publishers.set(None, Publisher::waiting(publisher));
                self
            }

            #[doc = concat!("As [`publish_event`](", stringify!($owner), "::publish_event), with a publisher that has to wait.")]
            pub fn publish_event_async<A, F, Fut>(mut self, event: impl Into<Box<str>>, publisher: F) -> $owner
            where
                A: IntoAudience,
                F: Fn(Publication) -> Fut + Send + Sync + 'static,
                Fut: Future<Output = A> + Send + 'static,
            {
                self.publishers.set(Some(event.into()), Publisher::waiting(publisher));
                self
            }
        }
    };
}

hooks_and_publishers! {
    Builder
    /// Runs a hook around the methods of all services, outside of their own hooks.
    around
    /// Runs a hook before the methods of all services, ahead of their own hooks.
    before
    /// Runs a hook after the methods of all services, behind their own hooks.
    after
    /// Runs a hook when a method of any service has failed, behind the service's own hooks.
    error
    /// Says what an error type of the program becomes for clients, in all services.
    map_error
    /// Names the audience of every event whose service has no publisher for it.
    publish
    /// Names the audience of one standard event (`created`, `updated`, `patched`, `removed`) of services that have no
    /// publisher for it.
    publish_event
}

hooks_and_publishers! {
    Mount
    /// Runs a hook around the methods.
    around
    /// Runs a hook before the methods.
    before
    /// Runs a hook after the methods have succeeded.
    after
    /// Runs a hook when the methods, or their before and after hooks, have failed.
    error
    /// Says what an error type of the program becomes for clients; asked before that of the application.
    map_error
    /// Names the audience of all events that have no publisher of their own.
    publish
    /// Names the audience of one event.
    publish_event
}
