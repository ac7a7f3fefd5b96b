//! Connections whose client has to take what is sent.

use super::Switch;
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
pub(crate) struct Patient<I> {
    io: I,
    patience: Duration,
    switch: Switch,
    switched: bool,
    /// Runs while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Patient<I> {
    pub(super) fn new(io: I, patience: Duration, switch: Switch) -> Patient<I> {
        Patient { io, patience, switch, switched: false, stalled: None }
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
        self.switch.written(written.saturating_sub(own));
        Poll::Ready(Ok(written.min(own)))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Patient<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = match self.switch.behind() {
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
        let written = match self.switch.behind() {
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
        self.switched |= flushed.is_ready() && self.switch.is_done();
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.io).poll_shutdown(cx);
        self.watch(cx, ended)
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
            let switch = Switch::default();
            let mut patient = Patient::new(ours, Duration::from_secs(10), switch.clone());
            switch.say(Bytes::from_static(b"open"));
            switch.done();
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
            connection.write_all(&switch.take()).await.unwrap();
            drop(connection);
            assert_eq!(reading.await.unwrap(), b"answeropen", "{capacity} {vectored}");
        }
    }
}
