//! Bodies of answers.

use crate::engine::polling::{BodyInFlight, PolledPackets};
use crate::engine::{SessionHandle, TransportState, signal};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// How much of the body is handed over at a time.
const PIECE: usize = 64 * 1024;

/// The body of an answer of the engine.
#[derive(Default)]
pub struct Body {
    pieces: VecDeque<Bytes>,
    packets: Packets,
}

/// The packets of a session in an answer.
#[derive(Default)]
enum Packets {
    #[default]
    None,
    /// They go back to their session if the answer dies unread.
    PolledPackets(PolledPackets),
    BodyInFlight(BodyInFlight),
    /// The packet that begins a session.
    Opening(Unopened),
}

/// A new session whose handshake has not been answered yet. It ends if the answer is dropped.
struct Unopened(Option<Arc<SessionHandle>>);

impl Drop for Unopened {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            handle.set_transport(TransportState::Ended);
            handle.signal(signal::BROKEN);
        }
    }
}

impl Body {
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Body {
        Body::with_packets(vec![bytes.into()], None)
    }

    pub(crate) fn with_packets(pieces: Vec<Bytes>, taken: Option<PolledPackets>) -> Body {
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        Body { pieces, packets: taken.map_or(Packets::None, Packets::PolledPackets) }
    }

    /// The packet that begins this session.
    pub(super) fn opening(packet: Vec<u8>, handle: Arc<SessionHandle>) -> Body {
        Body { pieces: [packet.into()].into(), packets: Packets::Opening(Unopened(Some(handle))) }
    }

    fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(piece) = self.pieces.front_mut() else { return Poll::Ready(None) };
        // A long one bit by bit: so it is seen that the client goes on taking it.
        let piece = piece.split_to(piece.len().min(PIECE));
        if self.pieces.front().is_some_and(Bytes::is_empty) {
            self.pieces.pop_front();
        }
        let carried = match std::mem::take(&mut self.packets) {
            Packets::None => return Poll::Ready(Some(Ok(Frame::data(piece)))),
            Packets::Opening(mut unopened) => {
                unopened.0 = None;
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            Packets::PolledPackets(taken) => taken.carried(),
            Packets::BodyInFlight(carried) => carried,
        };
        let piece = carried.piece(piece);
        // The last piece is the last that knows: what hyper does with the body afterwards plays no part.
        if !self.pieces.is_empty() {
            self.packets = Packets::BodyInFlight(carried);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len() as u64)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("bytes", &self.len()).finish_non_exhaustive()
    }
}
