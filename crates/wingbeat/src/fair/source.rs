//! For whom work is done.

use scoped_tls::scoped_thread_local;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use wingbeat_core::{Error, Result};
use wingbeat_protocol::network;

/// Who wants something done: a connection at an address, or the server itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    pub(crate) address: Address,
    /// The connection's number; 0 if there is none.
    pub(crate) connection: u64,
}

/// Where a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Address {
    /// In the server itself.
    Server,
    /// At an address; of IPv6 the network, of which everybody has plenty of addresses.
    Of(IpAddr),
    /// Somewhere: the transport does not know.
    Unknown,
}

/// A [`Source`], and whether it is still there.
#[derive(Debug)]
pub(crate) struct Origin {
    source: Source,
    has_gone: AtomicBool,
}

// A pointer, set and put back at each poll of a call: some instructions for all, and no more for those who do not ask.
scoped_thread_local!(static CURRENT: Origin);

/// For whom the running code works.
pub(crate) fn current() -> Source {
    if CURRENT.is_set() { CURRENT.with(Origin::source) } else { Source::SERVER }
}

/// Whether the client for whom the running code works has gone.
fn has_gone() -> bool {
    CURRENT.is_set() && CURRENT.with(|origin| origin.has_gone.load(Ordering::Relaxed))
}

/// Runs on for whom the running code works, wherever it is polled, and whether or not that client stays.
pub(crate) fn carried<T>(future: impl Future<Output = T>) -> impl Future<Output = T> {
    let origin = Origin::new(current());
    async move { origin.polling(future).await }
}

/// Waits for the beginning of something, unless the client goes meanwhile.
///
/// Its connection's calls are polled once more when it goes, or when what they wait for is there.
///
/// # Errors
/// Gone if nobody waits for the outcome any more, or what the future fails with.
pub(crate) async fn attended<T>(beginning: impl Future<Output = Result<T>>) -> Result<T> {
    let mut beginning = pin!(beginning);
    poll_fn(|cx| match has_gone() {
        true => Poll::Ready(Err(Error::gone("The client has gone"))),
        false => beginning.as_mut().poll(cx),
    })
    .await
}

impl Source {
    /// What the server does of its own accord.
    pub(crate) const SERVER: Source = Source { address: Address::Server, connection: 0 };

    /// A client, with the number of its connection if it has one.
    pub(crate) fn client(address: Option<IpAddr>, connection: Option<u64>) -> Source {
        let address = address.map_or(Address::Unknown, |address| Address::Of(network(address)));
        Source { address, connection: connection.unwrap_or_default() }
    }
}

impl Origin {
    pub(crate) fn new(source: Source) -> Origin {
        Origin { source, has_gone: AtomicBool::new(false) }
    }

    pub(crate) fn source(&self) -> Source {
        self.source
    }

    /// The client has gone.
    pub(crate) fn leave(&self) {
        self.has_gone.store(true, Ordering::Relaxed);
    }

    /// Runs something on its behalf.
    pub(crate) fn scope<T>(&self, run: impl FnOnce() -> T) -> T {
        CURRENT.set(self, run)
    }

    /// Runs a future on its behalf.
    pub(crate) async fn polling<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|cx| self.scope(|| future.as_mut().poll(cx))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::future::pending;

    #[test]
    fn work_is_the_servers_unless_it_is_said_whose_it_is() {
        let ann = Source::client(Some([1, 2, 3, 4].into()), Some(1));
        assert_eq!(current(), Source::SERVER);
        let inner = Origin::new(ann).scope(|| (current(), Origin::new(Source::SERVER).scope(current), current()));
        assert_eq!((inner, current()), ((ann, Source::SERVER, ann), Source::SERVER));
    }

    #[test]
    fn what_is_spawned_goes_on_for_the_same_source() {
        let ann = Source::client(None, Some(1));
        let spawned = Origin::new(ann).scope(|| Box::pin(carried(async { current() })));
        assert_eq!((spawned.now_or_never(), current()), (Some(ann), Source::SERVER));
    }

    #[test]
    fn what_waits_ends_with_its_client() {
        let origin = Origin::new(Source::client(None, Some(1)));
        let mut waiting = Box::pin(attended(pending::<Result<()>>()));
        assert!(origin.scope(|| (&mut waiting).now_or_never()).is_none());
        origin.leave();
        let ended = origin.scope(|| (&mut waiting).now_or_never());
        assert_eq!(ended.expect("it waits on").unwrap_err().code(), 410);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let at = |address: &str| Source::client(Some(address.parse().unwrap()), None);
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:2"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:1.2.3.4"), at("1.2.3.4"));
    }
}
