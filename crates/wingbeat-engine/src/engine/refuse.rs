//! A WebSocket that is refused.

use super::Shared;
use crate::outbox::{Ledger, Outbox, WriteBuffer};
use crate::ws::{LINGER, ReadOutcome, WebSocket, close_frame};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;
use tokio::time::timeout;

/// How many may be closed politely at a time. They do not count as sessions.
const MOST: usize = 1024;
/// How many bytes a client may send before it ends.
const MOST_BYTES: usize = 256 * 1024;
/// How long a client has to take the close frame.
const PATIENCE: Duration = Duration::from_secs(5);

/// Closes a WebSocket politely: sends a close frame, ends, and waits a moment for the client to do so. Where too many are being closed,
/// it is only dropped.
pub(crate) fn refuse(engine: &Arc<Shared>, ws: WebSocket) {
    if engine.refused.fetch_add(1, Ordering::SeqCst) >= MOST {
        engine.refused.fetch_sub(1, Ordering::SeqCst);
        return;
    }
    let engine = engine.clone();
    tokio::spawn(async move {
        close(ws, &engine.ledger).await;
        engine.refused.fetch_sub(1, Ordering::SeqCst);
    });
}

async fn close(mut ws: WebSocket, ledger: &Ledger) {
    let (mut out, outbox) = (WriteBuffer::default(), Outbox::new());
    outbox.count(ws.unsent());
    close_frame(&mut out.bytes, None);
    let said = poll_fn(|cx| match ws.write(&mut out, &outbox, ledger, cx) {
        Ok(_) if ws.is_flushed() => ws.end(cx),
        Ok(_) => Poll::Pending,
        Err(_) => Poll::Ready(()),
    });
    if timeout(PATIENCE, said).await.is_err() {
        return;
    }
    let mut buf = vec![0; 1024];
    let mut left = MOST_BYTES;
    let ended = poll_fn(|cx| {
        loop {
            match ws.read(&mut buf, false, cx) {
                (ReadOutcome::Nothing, _) => return Poll::Pending,
                (ReadOutcome::Bytes, n) if n < left => left -= n,
                _ => return Poll::Ready(()),
            }
        }
    });
    let _ = timeout(LINGER, ended).await;
}
