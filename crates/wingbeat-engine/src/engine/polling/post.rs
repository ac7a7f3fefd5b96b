//! A POST: brings packets, and waits until the session's task has read them.

use crate::engine::{SessionHandle, TransportState, signal};
use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use tokio::sync::oneshot;

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
pub(crate) async fn post<B: Body>(handle: Arc<SessionHandle>, headers: &HeaderMap, body: B) -> Posted {
    // Binary bodies belong to protocol 3.
    let binary = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/octet-stream");
    let Some(mut posted) = handle.polls().filter(|_| !binary).and_then(|mut polls| polls.begin_post()) else {
        handle.set_transport(TransportState::Ended);
        handle.signal(signal::BROKEN);
        return Posted::Refused;
    };
    let body = match read(&mut posted, headers, body, handle.engine.config.max_payload).await {
        Ok(body) => body,
        Err(posted) => return posted,
    };
    if let Some(mut polls) = handle.polls() {
        if polls.last.is_some() || polls.over {
            return Posted::Read;
        }
        polls.body = Some(body);
    }
    handle.wake();
    posted.await.unwrap_or(Posted::Broken)
}

async fn read<B: Body>(
    posted: &mut oneshot::Receiver<Posted>,
    headers: &HeaderMap,
    body: B,
    max: usize,
) -> Result<Bytes, Posted> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > max) {
        return Err(Posted::TooLarge);
    }
    let mut body = pin!(body);
    // A length is only a promise.
    let mut bytes = BytesMut::with_capacity(length.unwrap_or(0).min(PROMISED));
    // A body may come as slowly as the client likes, but not after the end of its session: who sends it cannot answer
    // pings meanwhile.
    let mut next = poll_fn(|cx| match Pin::new(&mut *posted).poll(cx) {
        Poll::Ready(_) => Poll::Ready(Err(Posted::Broken)),
        Poll::Pending => body.as_mut().poll_frame(cx).map(Ok),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Nobody, Shared};
    use crate::{Config, Engine};
    use futures_util::FutureExt;
    use http_body_util::Full;

    #[tokio::test]
    async fn each_post_hears_of_its_own_body() {
        let engine = Engine::new(Config::default(), Nobody).unwrap();
        let parts = http::Request::new(()).into_parts().0;
        let handle =
            Shared::register(&engine.0, crate::Handshake::new(&parts, &engine.0.config), TransportState::Polling)
                .unwrap();
        let headers = HeaderMap::new();
        let post = |body: &'static str| Box::pin(post(handle.clone(), &headers, Full::new(Bytes::from(body))));
        let read = |body: &str| {
            let mut polls = handle.polls().unwrap();
            assert_eq!(polls.body().as_deref(), Some(body.as_bytes()));
            polls.end_post(Posted::Read);
        };
        let mut first = post("first");
        assert_eq!((&mut first).now_or_never(), None);
        read("first");
        // The second comes before the first has noticed.
        let mut second = post("second");
        assert_eq!((&mut second).now_or_never(), None);
        assert_eq!((&mut first).now_or_never(), Some(Posted::Read));
        assert_eq!((&mut second).now_or_never(), None);
        read("second");
        assert_eq!((&mut second).now_or_never(), Some(Posted::Read));
        // What came whole is read, though its client has gone.
        assert_eq!(post("third").now_or_never(), None);
        read("third");
        assert_eq!(handle.transport(), TransportState::Polling);
        let _fourth = post("fourth").now_or_never();
        assert_eq!((post("fifth").now_or_never(), handle.transport()), (Some(Posted::Refused), TransportState::Ended));
    }
}
