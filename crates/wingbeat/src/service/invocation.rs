//! A call as it is asked for, whoever asks and whatever it came through.

use super::Params;
use crate::realtime::{Connection, Headers};
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use wingbeat_core::{Error, IdArg, Payload, Result};

/// What is asked, and who asks: what a transport makes of its wire, for a [`Dispatcher`](crate::transport::Dispatcher).
///
/// ```
/// use serde_json::json;
/// use wingbeat::{Connection, Params, transport::{Arguments, Caller, Invocation}};
///
/// fn find_all(connection: &Connection) -> Invocation<'_> {
///     let arguments = Params::new().with_query(json!({"$sort": {"id": 1}})).map(Arguments::from);
///     Invocation::new("messages", "find", Caller::Connection(connection), arguments)
/// }
/// ```
#[non_exhaustive]
pub struct Invocation<'a> {
    /// The service's path as the caller wrote it.
    pub path: Cow<'a, str>,
    /// The method's name.
    pub method: &'a str,
    /// Who asks.
    pub caller: Caller<'a>,
    /// With what.
    pub arguments: Arguments,
    /// Why the arguments cannot be read, if they cannot: the error that the caller receives, unless there is no such service or
    /// method.
    // Beside the arguments: what is wrapped has to be moved to be looked at.
    pub unreadable: Option<Error>,
}

/// The arguments of a call.
#[derive(Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "what a method of Feathers takes: id, data, params")]
pub struct Arguments {
    /// The id; absent for methods that take none.
    pub id: IdArg,
    /// The data; absent for methods that take none, and where the caller gave none.
    pub data: Option<Payload>,
    /// The query, and what the transport has to say besides. Who calls is filled in from the [`Caller`].
    pub params: Params,
}

/// Who asks.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Caller<'a> {
    /// The server itself. It may call every method, and ask anything unless its params name a provider.
    Internal,
    /// A client with a connection, which events reach.
    Connection(&'a Connection),
    /// A client of which nothing lasts longer than its request.
    Request {
        /// The transport, for example `"rest"`.
        provider: &'static str,
        /// The request's headers.
        headers: &'a Headers,
        /// Where the client is, if that is known.
        address: Option<IpAddr>,
    },
}

impl<'a> Invocation<'a> {
    /// A call of a method of the service at a path. An error says why the arguments cannot be read.
    pub fn new(
        path: impl Into<Cow<'a, str>>,
        method: &'a str,
        caller: Caller<'a>,
        arguments: Result<Arguments>,
    ) -> Invocation<'a> {
        let path = path.into();
        match arguments {
            Ok(arguments) => Invocation { path, method, caller, arguments, unreadable: None },
            Err(error) => {
                let arguments = Arguments::default();
                Invocation { path, method, caller, arguments, unreadable: Some(error) }
            }
        }
    }
}

impl Caller<'_> {
    /// Whether it is the server itself.
    pub fn is_internal(&self) -> bool {
        matches!(self, Caller::Internal)
    }

    /// Writes into params who calls.
    #[inline]
    pub(crate) fn introduce(self, params: &mut Params) {
        match self {
            Caller::Internal => {}
            Caller::Connection(connection) => {
                params.provider = Some(connection.provider());
                params.connection = Some(connection.clone());
            }
            Caller::Request { provider, headers, address } => params.set_request(provider, headers.clone(), address),
        }
    }
}

impl From<Params> for Arguments {
    fn from(params: Params) -> Arguments {
        Arguments { params, ..Arguments::default() }
    }
}

impl fmt::Debug for Invocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Invocation { path, method, caller, arguments, unreadable } = self;
        let mut shown = f.debug_struct("Invocation");
        shown.field("path", path).field("method", method).field("caller", caller);
        shown.field("arguments", arguments).field("unreadable", unreadable).finish()
    }
}

/// Without the data, which may be a password.
impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Arguments { id, params, .. } = self;
        f.debug_struct("Arguments").field("id", id).field("params", params).finish_non_exhaustive()
    }
}

/// Without the headers, which may hold a token.
impl fmt::Debug for Caller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caller::Internal => f.write_str("Internal"),
            Caller::Connection(connection) => connection.fmt(f),
            Caller::Request { provider, address, .. } => {
                f.debug_struct("Request").field("provider", provider).field("address", address).finish_non_exhaustive()
            }
        }
    }
}
