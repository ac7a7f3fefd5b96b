//! What waits to be written to one connection.

use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::net::tcp::OwnedWriteHalf;

/// How many frames one vectored write takes.
const SLICES: usize = 64;

pub struct Outbox {
    socket: OwnedWriteHalf,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    waker: Option<Waker>,
    dead: bool,
}

impl Outbox {
    pub fn new(socket: OwnedWriteHalf) -> Outbox {
        Outbox { socket, queue: Mutex::default() }
    }

    /// Writes the connection's own answers now if nothing waits, else queues them.
    pub fn answer(&self, frames: &[u8]) {
        let mut queue = self.lock();
        let written = self.write_now(&mut queue, frames);
        if written < frames.len() {
            queue.push(Bytes::copy_from_slice(&frames[written..]));
        }
    }

    /// Queues a frame that all connections share; with `direct`, writes it now if nothing
    /// waits.
    pub fn publish(&self, frame: &Bytes, direct: bool) {
        let mut queue = self.lock();
        let mut frame = frame.clone();
        if direct {
            let written = self.write_now(&mut queue, &frame);
            frame.advance(written);
            if frame.is_empty() {
                return;
            }
        }
        queue.push(frame);
    }

    /// Writes what is queued, for the connection's task; ready when the connection is dead.
    pub fn poll_drain(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.lock();
        loop {
            if queue.dead {
                return Poll::Ready(());
            }
            if queue.frames.is_empty() {
                if !queue.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                    queue.waker = Some(cx.waker().clone());
                }
                return Poll::Pending;
            }
            match self.write_queued(&queue) {
                Ok(written) => queue.advance(written),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    if self.socket.as_ref().poll_write_ready(cx).is_pending() {
                        // The socket will wake the task; a frame that joins the queue need not.
                        queue.waker = None;
                        return Poll::Pending;
                    }
                }
                Err(_) => return Poll::Ready(()),
            }
        }
    }

    fn write_now(&self, queue: &mut Queue, frames: &[u8]) -> usize {
        if !queue.frames.is_empty() {
            return 0;
        }
        match self.socket.try_write(frames) {
            Ok(written) => written,
            Err(e) if e.kind() == ErrorKind::WouldBlock => 0,
            Err(_) => {
                queue.dead = true;
                0
            }
        }
    }

    fn write_queued(&self, queue: &Queue) -> std::io::Result<usize> {
        if queue.frames.len() == 1 {
            return self.socket.try_write(&queue.frames[0]);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        for (slice, frame) in slices.iter_mut().zip(&queue.frames) {
            *slice = IoSlice::new(frame);
        }
        self.socket.try_write_vectored(&slices[..queue.frames.len().min(SLICES)])
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(&mut self, frame: Bytes) {
        self.frames.push_back(frame);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Forgets the first `written` bytes.
    fn advance(&mut self, mut written: usize) {
        while let Some(frame) = self.frames.front_mut() {
            if written < frame.len() {
                frame.advance(written);
                return;
            }
            written -= frame.len();
            self.frames.pop_front();
        }
    }
}
