//! Connections under WebSockets.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Anything that is not a plain TCP stream: TLS, Unix sockets, a user's own.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection. The usual kind is not boxed and not called through a table.
pub(crate) enum Io {
    Tcp(TcpStream),
    Other(Box<dyn Stream>),
}

impl Io {
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Io::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Io::Other(other) => Pin::new(other).poll_read(cx, buf),
        }
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match (self, slices) {
            // Nearly always there is room: to try first saves asking for a wake-up (a tenth of a delivery's instructions).
            (Io::Tcp(tcp), [one]) => match tcp.try_write(one) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Pin::new(tcp).poll_write(cx, one),
                done => Poll::Ready(done),
            },
            (Io::Tcp(tcp), _) => Pin::new(tcp).poll_write_vectored(cx, slices),
            (Io::Other(other), _) if other.is_write_vectored() => Pin::new(other).poll_write_vectored(cx, slices),
            (Io::Other(other), _) => {
                let first = slices.iter().find(|slice| !slice.is_empty());
                first.map_or(Poll::Ready(Ok(0)), |first| Pin::new(&mut **other).poll_write(cx, first))
            }
        }
    }

    /// Ends the direction to the peer.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Io::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Io::Other(other) => Pin::new(other).poll_shutdown(cx),
        }
    }

    /// Streams that buffer what is written (TLS does) have to be told when to send it.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Io::Tcp(_) => Poll::Ready(Ok(())),
            Io::Other(other) => Pin::new(other).poll_flush(cx),
        }
    }
}
