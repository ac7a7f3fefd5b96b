//! A WebSocket that nobody wants.

use super::{Item, Read, Violation, WebSocket, close_frame};
use crate::engine::Shared;
use crate::out::Out;
use crate::outbox::Outbox;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

/// How many may be closed politely at a time. They are no sessions, which are counted.
const MOST: usize = 1024;
/// How many bytes a client may send before it closes.
const MOST_BYTES: usize = 256 * 1024;
/// How long it has for that.
const PATIENCE: Duration = Duration::from_secs(5);

/// Closes a WebSocket politely: sends a close frame and waits a moment for the client's. Where too many are being closed,
/// it is only dropped.
pub(crate) fn refuse(engine: &Arc<Shared>, ws: WebSocket) {
    if engine.refused.fetch_add(1, Ordering::SeqCst) >= MOST {
        engine.refused.fetch_sub(1, Ordering::SeqCst);
        return;
    }
    let engine = engine.clone();
    tokio::spawn(async move {
        close(ws).await;
        engine.refused.fetch_sub(1, Ordering::SeqCst);
    });
}

async fn close(mut ws: WebSocket) {
    let (mut out, outbox) = (Out::default(), Outbox::new());
    ws.count_unsent(&outbox, usize::MAX);
    close_frame(&mut out.bytes, None);
    let mut buf = vec![0; 1024];
    let mut left = MOST_BYTES;
    let closed = poll_fn(|cx| {
        if ws.write(&mut out, &outbox, usize::MAX, cx).is_err() {
            return Poll::Ready(());
        }
        loop {
            let n = match ws.read(&mut buf, false, cx) {
                (Read::Nothing, _) => return Poll::Pending,
                (Read::End, _) => return Poll::Ready(()),
                (Read::Bytes, n) => n,
            };
            let mut closed = false;
            let items = ws.items(&mut buf[..n], 64 * 1024, |item| {
                closed |= matches!(item, Item::Close(_));
                Ok::<_, Violation>(true)
            });
            left = left.saturating_sub(n);
            if closed || items.is_err() || left == 0 {
                return Poll::Ready(());
            }
        }
    });
    let _ = tokio::time::timeout(PATIENCE, closed).await;
}
