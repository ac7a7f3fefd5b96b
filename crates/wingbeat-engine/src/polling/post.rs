//! A POST: brings packets, and waits until the session's task has read them.

use crate::link::{Link, Via, signal};
use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

/// What became of a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Posted {
    /// Its packets are read.
    Read,
    /// It is too large.
    TooLarge,
    /// It may not be: then the session ends.
    Refused,
    /// Its connection broke.
    Broken,
}

/// The most room that is made for a body before it comes.
const PROMISED: usize = 16 * 1024;

/// Takes in the packets of a POST.
///
/// The answer waits until the calls among them have begun: so a client cannot send more than is worked off.
pub(crate) async fn post<B: Body>(link: Arc<Link>, headers: &HeaderMap, body: B) -> Posted {
    // Binary bodies belong to protocol 3.
    let binary = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/octet-stream");
    if binary || !begin(&link) {
        link.set_via(Via::Nothing);
        link.signal(signal::BROKEN);
        return Posted::Refused;
    }
    let posting = Posting { link: link.clone() };
    let body = match read(&link, headers, body, link.engine.config.max_payload).await {
        Ok(body) => body,
        Err(posted) => return posted,
    };
    if let Some(mut polls) = link.polls() {
        if polls.last.is_some() || polls.over {
            return Posted::Read;
        }
        polls.body = Some(body);
    }
    link.wake();
    poll_fn(|cx| match link.polls() {
        Some(mut polls) if polls.posting => {
            polls.post = Some(cx.waker().clone());
            Poll::Pending
        }
        _ => Poll::Ready(()),
    })
    .await;
    drop(posting);
    if link.polls().is_some_and(|polls| polls.dropped) { Posted::Broken } else { Posted::Read }
}

fn begin(link: &Link) -> bool {
    link.polls().is_some_and(|mut polls| !std::mem::replace(&mut polls.posting, true))
}

async fn read<B: Body>(link: &Link, headers: &HeaderMap, body: B, max: usize) -> Result<Bytes, Posted> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > max) {
        return Err(Posted::TooLarge);
    }
    let mut body = pin!(body);
    // A length is only a promise.
    let mut bytes = BytesMut::with_capacity(length.unwrap_or(0).min(PROMISED));
    // A body may come as slowly as the client likes, but not after the end of its session: who sends it cannot answer
    // pings meanwhile.
    let mut next = poll_fn(|cx| match link.polls() {
        Some(mut polls) if polls.posting => {
            polls.post = Some(cx.waker().clone());
            drop(polls);
            body.as_mut().poll_frame(cx).map(Ok)
        }
        _ => Poll::Ready(Err(Posted::Broken)),
    });
    while let Some(frame) = (&mut next).await? {
        let Ok(mut data) = frame.map_err(|_| Posted::Broken)?.into_data() else { continue };
        if bytes.len() + data.remaining() > max {
            return Err(Posted::TooLarge);
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            bytes.extend_from_slice(chunk);
            let n = chunk.len();
            data.advance(n);
        }
    }
    Ok(bytes.freeze())
}

/// A POST that is under way; no longer, once it is answered or its client gone.
struct Posting {
    link: Arc<Link>,
}

impl Drop for Posting {
    fn drop(&mut self) {
        // A body that the task has not yet taken stays for it: it came whole.
        if let Some(mut polls) = self.link.polls()
            && polls.body.is_none()
        {
            polls.posting = false;
            polls.post = None;
        }
    }
}
