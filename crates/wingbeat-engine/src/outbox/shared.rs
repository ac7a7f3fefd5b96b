//! A packet for many.

use super::segment::{SegmentFrame, Segments};
use super::{LONG, Ledger};
use bytes::Bytes;
use std::fmt;
use std::sync::{Arc, OnceLock};
use wingbeat_protocol::packet::{Frame, msgpack};

/// A packet for many sockets: encoded once, in MessagePack once more for all who speak that, and in memory once however
/// many wait for it. [`Socket::send_shared`](crate::Socket::send_shared) sends it.
///
/// What waits for a socket is a part of [`Config::outbox_total`](crate::Config::outbox_total) only, and not of its
/// [`outbox_limit`](crate::Config::outbox_limit): that many events were published is no fault of who listens.
pub struct SharedFrame {
    plain: Encoding,
    msgpack: OnceLock<Box<Encoding>>,
}

impl SharedFrame {
    /// A packet that was encoded for a namespace.
    pub fn new(frame: Frame) -> SharedFrame {
        SharedFrame { plain: Encoding::new(frame), msgpack: OnceLock::new() }
    }

    /// The packet.
    pub fn frame(&self) -> &Frame {
        &self.plain.frame
    }

    pub(crate) fn encoding(&self, msgpack: bool) -> &Encoding {
        if !msgpack {
            return &self.plain;
        }
        self.msgpack.get_or_init(|| Box::new(Encoding::new(msgpack::recode(&self.plain.frame))))
    }
}

impl fmt::Debug for SharedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedFrame").field(self.frame()).finish()
    }
}

/// A packet in one encoding.
pub(crate) struct Encoding {
    frame: Frame,
    /// The bytes of a long one, counted once for all who hold them.
    counted: OnceLock<Bytes>,
    /// Where a short one waits with others.
    place: OnceLock<SegmentFrame>,
}

impl Encoding {
    fn new(frame: Frame) -> Encoding {
        Encoding { frame, counted: OnceLock::new(), place: OnceLock::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.frame.len()
    }

    pub(super) fn bytes(&self, ledger: &Arc<Ledger>) -> Bytes {
        let bytes = || self.frame.clone().into_bytes();
        if self.len() <= LONG { bytes() } else { self.counted.get_or_init(|| ledger.count(bytes())).clone() }
    }

    /// Its place in a segment, which it gets from the first who has to wait for it.
    pub(super) fn place(&self, segments: &Segments, ledger: &Arc<Ledger>) -> &SegmentFrame {
        self.place.get_or_init(|| segments.place(self.frame.clone().into_bytes(), ledger))
    }
}
