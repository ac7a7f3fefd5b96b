//! Connections whose client has to take what is sent.

use super::UpgradeHandoff;
use crate::ws::LINGER;
use bytes::Bytes;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A connection that fails when its client takes nothing for too long.
///
/// An answer that nobody reads would keep its connection for ever: HTTP knows no heartbeat. WebSockets do, so once the
/// connection has become one, and the answer that says so is sent, it waits as long as it has to.
pub(crate) struct WriteTimeout<I> {
    io: I,
    patience: Duration,
    handoff: UpgradeHandoff,
    switched: bool,
    /// Nothing was read yet, and what is read first must not be HTTP/2.
    only_http1: bool,
    /// Runs when all was said: what the client still sends is read and forgotten.
    ended: Option<Pin<Box<Sleep>>>,
    /// Runs while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

/// How HTTP/2 begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";
/// How it is refused, for clients that were told by their configuration to speak it: SETTINGS, which have to come first,
/// then GOAWAY with the error HTTP_1_1_REQUIRED and a text for the log over there.
const HTTP_1_1_REQUIRED: &[u8] =
    b"\0\0\0\x04\0\0\0\0\0\0\0\x25\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0dHTTP/2 only over TLS, by ALPN";

impl<I: AsyncRead + AsyncWrite + Unpin> WriteTimeout<I> {
    pub(super) fn new(io: I, patience: Duration, handoff: UpgradeHandoff) -> WriteTimeout<I> {
        WriteTimeout { io, patience, handoff, switched: false, only_http1: false, ended: None, stalled: None }
    }

    /// HTTP/2 was not negotiated: a client that begins with it receives an error.
    pub(super) fn only_http1(mut self) -> WriteTimeout<I> {
        self.only_http1 = true;
        self
    }

    pub(crate) fn into_inner(self) -> I {
        self.io
    }

    fn watch<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() || self.switched {
            self.stalled = None;
            return done;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.patience)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Writes the end of what HTTP has to say and what is to be said behind it, as one.
    fn poll_last_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        behind: &Bytes,
    ) -> Poll<io::Result<usize>> {
        let own: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut bytes = Vec::with_capacity(own + behind.len());
        slices.iter().for_each(|slice| bytes.extend_from_slice(slice));
        bytes.extend_from_slice(behind);
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, &bytes))?;
        self.handoff.written(written.saturating_sub(own));
        Poll::Ready(Ok(written.min(own)))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for WriteTimeout<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        self.handoff.hear();
        if std::mem::take(&mut self.only_http1) && buf.filled()[before..].starts_with(PREFACE) {
            self.handoff.refuse_http2();
            // Nothing was sent before, so there is room. For HTTP/1.1 it is as if nothing had come.
            ready!(Pin::new(&mut self.io).poll_write(cx, HTTP_1_1_REQUIRED))?;
            buf.set_filled(before);
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WriteTimeout<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = match self.handoff.behind() {
            Some(behind) => self.poll_last_write(cx, &[IoSlice::new(bytes)], &behind),
            None => Pin::new(&mut self.io).poll_write(cx, bytes),
        };
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match self.handoff.behind() {
            Some(behind) => self.poll_last_write(cx, slices, &behind),
            None => Pin::new(&mut self.io).poll_write_vectored(cx, slices),
        };
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.switched |= flushed.is_ready() && self.handoff.is_done();
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let WriteTimeout { io, ended, .. } = &mut *self;
        let Some(patience) = ended else {
            let ended = Pin::new(io).poll_shutdown(cx);
            ready!(self.watch(cx, ended))?;
            if self.switched {
                return Poll::Ready(Ok(()));
            }
            self.ended = Some(Box::pin(tokio::time::sleep(LINGER)));
            return self.poll_shutdown(cx);
        };
        let mut forgotten = [0; 2048];
        loop {
            let mut read = ReadBuf::new(&mut forgotten);
            match Pin::new(&mut *io).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if !read.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return patience.as_mut().poll(cx).map(Ok),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn what_is_said_behind_the_last_answer_follows_it_however_much_fits() {
        for (capacity, vectored) in (1..=12).flat_map(|capacity| [(capacity, false), (capacity, true)]) {
            let (ours, mut theirs) = duplex(capacity);
            let handoff = UpgradeHandoff::default();
            let mut patient = WriteTimeout::new(ours, Duration::from_secs(10), handoff.clone());
            handoff.say(Bytes::from_static(b"open"));
            handoff.done();
            let reading = tokio::spawn(async move {
                let mut all = Vec::new();
                theirs.read_to_end(&mut all).await.unwrap();
                all
            });
            let mut answer = &b"answer"[..];
            while !answer.is_empty() {
                let (first, second) = answer.split_at(answer.len() / 2);
                let slices = [IoSlice::new(first), IoSlice::new(second)];
                let written =
                    if vectored { patient.write_vectored(&slices).await } else { patient.write(answer).await };
                answer = &answer[written.unwrap()..];
            }
            // What did not fit is the session's to send.
            let mut connection = patient.into_inner();
            connection.write_all(&handoff.take()).await.unwrap();
            drop(connection);
            assert_eq!(reading.await.unwrap(), b"answeropen", "{capacity} {vectored}");
        }
    }
}
