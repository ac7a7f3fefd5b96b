//! Engine.IO over a WebSocket.

use super::dial::Stream;
use super::frames::{Frames, ReadOutcome};
use super::keys::fresh_key;
use super::upgrade::upgrade;
use super::{Address, Broken, Incoming, Outbox, Outgoing};
use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wingbeat_protocol::packet::Opcode;
use wingbeat_protocol::ws::{masked_close, masked_pong, write_masked};

/// An open WebSocket. An idle one owns no buffers.
pub(crate) struct WebSocket {
    stream: Stream,
    max_payload: usize,
    frames: Frames,
    /// Frames of which the server has taken the first `taken` bytes.
    unsent: Vec<u8>,
    taken: usize,
    /// Whether all that was written has left this process.
    flushed: bool,
}

/// Memory that the turns of all clients on one thread share.
struct Scratch {
    read: Box<[u8]>,
    out: Vec<u8>,
}

const READ: usize = 64 * 1024;
/// One write takes about so much of what waits; more than four times that is given back afterwards.
const WRITE: usize = 64 * 1024;

thread_local! {
    static SCRATCH: Cell<Option<Scratch>> = const { Cell::new(None) };
}

impl WebSocket {
    /// Opens a WebSocket, of a new session or of the given one.
    pub(crate) async fn open(address: &Address, sid: Option<&str>) -> Result<WebSocket, Broken> {
        let uri = address.uri("ws", "websocket", sid)?;
        let mut stream = address.dialer.dial(&uri).await.map_err(Broken::connect)?;
        let frames = Frames::new(upgrade(&mut stream, &uri, address).await?);
        let max_payload = address.max_payload;
        Ok(WebSocket { stream, max_payload, frames, unsent: Vec::new(), taken: 0, flushed: true })
    }

    /// Opens a WebSocket for a session that lives on polling, and asks whether it works.
    pub(crate) async fn probe(address: &Address, sid: &str) -> Result<WebSocket, Broken> {
        let mut socket = WebSocket::open(address, Some(sid)).await?;
        let mut outbox = Outbox::default();
        outbox.text("2probe");
        let works = socket.receive(&mut outbox, |incoming| matches!(incoming, Incoming::Text("3probe"))).await?;
        works.then_some(socket).ok_or_else(|| Broken::protocol("the probe was not answered"))
    }

    /// Sends what waits, and reads the next packet.
    pub(crate) async fn receive<T>(
        &mut self,
        outbox: &mut Outbox,
        mut read: impl FnMut(Incoming<'_>) -> T,
    ) -> Result<T, Broken> {
        let mut first = None;
        while first.is_none() {
            poll_fn(|cx| {
                self.poll(cx, outbox, &mut |incoming, _| {
                    first = Some(read(incoming));
                    false
                })
            })
            .await?;
        }
        first.ok_or_else(Broken::closed)
    }

    /// Sends what waits, reads once, and hands over what has come, until `each` says no.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &mut Outbox,
        each: &mut dyn FnMut(Incoming<'_>, &mut Outbox) -> bool,
    ) -> Poll<Result<(), Broken>> {
        // Taken out, not borrowed: what `each` does is not ours.
        let mut scratch = SCRATCH.take().unwrap_or_else(|| Scratch { read: vec![0; READ].into(), out: Vec::new() });
        let polled = self.turn(cx, outbox, &mut scratch, each);
        if scratch.out.capacity() > 4 * WRITE {
            scratch.out = Vec::new();
        }
        SCRATCH.set(Some(scratch));
        polled
    }

    fn turn(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &mut Outbox,
        scratch: &mut Scratch,
        each: &mut dyn FnMut(Incoming<'_>, &mut Outbox) -> bool,
    ) -> Poll<Result<(), Broken>> {
        let Scratch { read, out } = scratch;
        // What cannot be written now must not keep us from reading.
        self.write(cx, outbox, out)?;
        let mut read = ReadBuf::new(read);
        if !self.frames.has_unseen() {
            match Pin::new(&mut self.stream).poll_read(cx, &mut read) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Broken::lost(error))),
                Poll::Ready(Ok(())) if read.filled().is_empty() => return Poll::Ready(Err(Broken::closed())),
                Poll::Ready(Ok(())) => {}
            }
        }
        let seen = self.frames.hand_over(read.filled_mut(), self.max_payload, |incoming| each(incoming, outbox));
        let (code, broken) = match seen {
            Ok(ReadOutcome::Packets) => return Poll::Ready(Ok(())),
            Ok(ReadOutcome::Close(code)) => (code, Broken::closed_with(code)),
            Err(violation) => (Some(violation.code()), Broken::lost(violation)),
        };
        self.say_goodbye(cx, code);
        Poll::Ready(Err(broken))
    }

    /// Tells the server that it is heard or what it did wrong, if it takes that at once.
    fn say_goodbye(&mut self, cx: &mut Context<'_>, code: Option<u16>) {
        if self.unsent.is_empty()
            && let Ok(key) = fresh_key()
        {
            masked_close(&mut self.unsent, code, key);
            let _ = self.write(cx, &mut Outbox::default(), &mut Vec::new());
        }
    }

    /// Writes what waits. What the server does not take is kept, and nothing is added to it before it is gone.
    fn write(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox, out: &mut Vec<u8>) -> Result<(), Broken> {
        loop {
            if self.unsent.is_empty() {
                out.clear();
                self.frame(outbox, out).map_err(Broken::lost)?;
                if out.is_empty() {
                    break;
                }
                self.flushed = false;
                let Some(taken) = self.write_some(cx, out)? else {
                    self.unsent = std::mem::take(out);
                    return Ok(());
                };
                if taken < out.len() {
                    (self.unsent, self.taken) = (std::mem::take(out), taken);
                }
            } else {
                let unsent = std::mem::take(&mut self.unsent);
                let taken = self.write_some(cx, &unsent[self.taken..]);
                self.taken += taken.as_ref().ok().copied().flatten().unwrap_or(0);
                if self.taken < unsent.len() {
                    self.unsent = unsent;
                } else {
                    self.taken = 0;
                }
                if taken?.is_none() {
                    return Ok(());
                }
            }
        }
        if !self.flushed {
            // Streams that buffer what is written (TLS does) have to be told when to send it.
            match Pin::new(&mut self.stream).poll_flush(cx) {
                Poll::Ready(flushed) => self.flushed = flushed.map(|()| true).map_err(Broken::lost)?,
                Poll::Pending => {}
            }
        }
        Ok(())
    }

    /// Appends the frames of what waits, up to about [`WRITE`] bytes.
    fn frame(&mut self, outbox: &mut Outbox, out: &mut Vec<u8>) -> io::Result<()> {
        if let Some(payload) = self.frames.take_ping() {
            masked_pong(out, &payload, fresh_key()?);
        }
        while out.len() < WRITE
            && let Some(outgoing) = outbox.front()
        {
            match outgoing {
                Outgoing::Text(text) => write_masked(out, Opcode::Text, text, fresh_key()?),
                Outgoing::Binary(bytes) => write_masked(out, Opcode::Binary, bytes, fresh_key()?),
            }
            outbox.pop();
        }
        Ok(())
    }

    /// How much the server took; `None` if it takes nothing now.
    fn write_some(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Result<Option<usize>, Broken> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Pending => Ok(None),
            Poll::Ready(Ok(0)) => Err(Broken::closed()),
            Poll::Ready(Ok(taken)) => Ok(Some(taken)),
            Poll::Ready(Err(error)) => Err(Broken::lost(error)),
        }
    }

    /// Writes what waits, says goodbye, and waits for the server's.
    pub(crate) async fn close(&mut self, outbox: &mut Outbox) {
        let written = poll_fn(|cx| match self.write(cx, outbox, &mut Vec::new()) {
            Ok(()) if !self.unsent.is_empty() || !self.flushed => Poll::Pending,
            written => Poll::Ready(written),
        });
        if written.await.is_err() {
            return;
        }
        poll_fn(|cx| {
            self.say_goodbye(cx, None);
            Poll::Ready(())
        })
        .await;
        while self.receive(&mut Outbox::default(), |_| ()).await.is_ok() {}
    }
}
