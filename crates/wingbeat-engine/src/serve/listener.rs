//! Where connections come from.

use crate::Peer;
use std::future::{Future, Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// Where connections come from: TCP, Unix sockets, or what a user puts around them, such as TLS.
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Send + Unpin + 'static;
    /// Opens a connection (for TLS, its handshake): other connections are accepted meanwhile. A [`TcpStream`] is used as
    /// it comes: that of a [`TcpListener`] has `TCP_NODELAY` set.
    type Opening: Future<Output = io::Result<Self::Io>> + Send + 'static;

    /// Waits for the next connection.
    ///
    /// # Errors
    /// If none can be accepted now.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Opening, Peer)>>;

    /// Where it listens, if that is an internet address.
    fn address(&self) -> Option<SocketAddr> {
        None
    }

    /// Whether the client has agreed to speak HTTP/2, as it does by ALPN in TLS. Else it is HTTP/1.1.
    fn is_http2(connection: &Self::Io) -> bool {
        let _ = connection;
        false
    }
}

impl Listener for TcpListener {
    type Io = TcpStream;
    type Opening = Ready<io::Result<TcpStream>>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Opening, Peer)>> {
        TcpListener::poll_accept(self, cx).map_ok(|(stream, address)| {
            // Answers are written whole; waiting for more to send would only delay them.
            let _ = stream.set_nodelay(true);
            #[cfg(target_os = "linux")]
            keep_little(&stream);
            (ready(Ok(stream)), Peer::new(address))
        })
    }

    fn address(&self) -> Option<SocketAddr> {
        self.local_addr().ok()
    }
}

/// Clients on the same machine have no address; they count as coming from `127.0.0.1`.
#[cfg(unix)]
impl Listener for tokio::net::UnixListener {
    type Io = tokio::net::UnixStream;
    type Opening = Ready<io::Result<tokio::net::UnixStream>>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Opening, Peer)>> {
        let peer = Peer::new(([127, 0, 0, 1], 0).into());
        tokio::net::UnixListener::poll_accept(self, cx).map_ok(|(stream, _)| (ready(Ok(stream)), peer))
    }
}

/// What the system takes of what it cannot send yet: by default megabytes, behind which a ping would stand for minutes where
/// the client reads slowly. What it has sent and the client has not read is not in it, so this slows nobody down.
#[cfg(target_os = "linux")]
const NOT_SENT: u32 = 256 * 1024;

/// Makes the system keep little of what it cannot send yet, so that it is seen whether the client takes it.
#[cfg(target_os = "linux")]
pub(crate) fn keep_little(stream: &TcpStream) {
    // Without it, slow clients only look slower.
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(NOT_SENT);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test]
    async fn what_is_written_to_a_stream_leaves_at_once_and_little_waits_in_the_system() {
        let mut listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (opening, _) = poll_fn(|cx| Listener::poll_accept(&mut listener, cx)).await.unwrap();
        let stream = opening.await.unwrap();
        assert!(stream.nodelay().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(socket2::SockRef::from(&stream).tcp_notsent_lowat().unwrap(), NOT_SENT);
    }
}
