//! A WebSocket that nobody wants.

use super::{Item, Read, Violation, WebSocket, close_frame};
use crate::out::Out;
use crate::outbox::Outbox;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

/// Closes a WebSocket politely: sends a close frame and waits a moment for the client's.
pub(crate) async fn refuse(mut ws: WebSocket) {
    let (mut out, outbox) = (Out::default(), Outbox::new());
    outbox.count(ws.unsent());
    close_frame(&mut out.bytes, None);
    let mut buf = vec![0; 1024];
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
            if closed || items.is_err() {
                return Poll::Ready(());
            }
        }
    });
    let _ = tokio::time::timeout(Duration::from_secs(5), closed).await;
}
