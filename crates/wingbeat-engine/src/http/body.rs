//! Bodies of answers.

use crate::polling::Taken;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The body of an answer of the engine.
#[derive(Default)]
pub struct Body {
    bytes: Option<Bytes>,
    /// Packets that go back to their session if the answer dies unread.
    taken: Option<Taken>,
}

impl Body {
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Body {
        Body { bytes: Some(bytes.into()).filter(|bytes| !bytes.is_empty()), taken: None }
    }

    pub(crate) fn with_packets(bytes: Bytes, taken: Option<Taken>) -> Body {
        Body { bytes: Some(bytes), taken }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let taken = self.taken.take();
        let bytes = self.bytes.take().map(|bytes| match taken {
            Some(taken) => taken.carried_by(bytes),
            None => bytes,
        });
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("bytes", &self.bytes.as_ref().map(Bytes::len)).finish_non_exhaustive()
    }
}
