//! Frames for many sessions, together in one piece of memory.

use super::Ledger;
use bytes::Bytes;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How many frames a segment has: one bit each in the entry of a queue.
const FRAMES: u8 = 64;
/// When a segment has so many bytes, the next begins: whoever waits for one frame of it keeps all of them.
const BYTES: usize = 256 * 1024;

/// Up to 64 frames that several sessions wait for. An entry for all of them takes as much as one for a single frame:
/// ten thousand events would take each of the sessions that read nothing 400 KB.
pub(crate) struct Segment {
    frames: [OnceLock<Bytes>; FRAMES as usize],
    bytes: AtomicUsize,
    ledger: Arc<Ledger>,
}

impl Segment {
    fn new(ledger: Arc<Ledger>) -> Segment {
        Segment { frames: [const { OnceLock::new() }; FRAMES as usize], bytes: AtomicUsize::new(0), ledger }
    }

    /// The frame at a place that was given out.
    pub(super) fn frame(&self, at: u32) -> &Bytes {
        self.frames[at as usize].get_or_init(Bytes::new)
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.ledger.remove(*self.bytes.get_mut());
    }
}

/// Where a frame waits.
#[derive(Clone)]
pub(crate) struct SegmentFrame {
    pub(super) segment: Arc<Segment>,
    pub(super) at: u8,
}

/// The segment that is being filled.
pub(crate) struct Segments(Mutex<Option<SegmentFrame>>);

impl Segments {
    pub(crate) fn new() -> Segments {
        Segments(Mutex::new(None))
    }

    /// Puts a frame where sessions can wait for it.
    pub(crate) fn place(&self, frame: Bytes, ledger: &Arc<Ledger>) -> SegmentFrame {
        let most = BYTES.min(ledger.fraction());
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |place: &SegmentFrame| place.segment.bytes.load(Ordering::Relaxed) + frame.len() <= most;
        let open = next.take().filter(fits);
        let place = open.unwrap_or_else(|| SegmentFrame { segment: Arc::new(Segment::new(ledger.clone())), at: 0 });
        ledger.add(frame.len());
        place.segment.bytes.fetch_add(frame.len(), Ordering::Relaxed);
        let _ = place.segment.frames[usize::from(place.at)].set(frame);
        // A full one is kept by those who wait for it only.
        *next = (place.at + 1 < FRAMES).then(|| SegmentFrame { segment: place.segment.clone(), at: place.at + 1 });
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: usize) -> Bytes {
        vec![b'x'; bytes].into()
    }

    #[test]
    fn a_segment_ends_with_64_frames_or_with_its_bytes() {
        let (ledger, segments) = (Ledger::new(usize::MAX), Segments::new());
        let places: Vec<SegmentFrame> = (0..65).map(|_| segments.place(frame(10), &ledger)).collect();
        assert!(places[..64].iter().all(|place| Arc::ptr_eq(&place.segment, &places[0].segment)));
        assert_eq!((places[63].at, places[64].at), (63, 0));
        let places: Vec<SegmentFrame> = (0..17).map(|_| segments.place(frame(16 * 1024), &ledger)).collect();
        assert!(!Arc::ptr_eq(&places[0].segment, &places[16].segment));
    }

    #[test]
    fn frames_are_counted_as_long_as_anybody_waits_for_their_segment() {
        let (ledger, segments) = (Ledger::new(usize::MAX), Segments::new());
        let places: Vec<SegmentFrame> = (0..128).map(|_| segments.place(frame(100), &ledger)).collect();
        assert_eq!(ledger.bytes(), 12_800);
        let one = places[5].clone();
        drop(places);
        assert_eq!((ledger.bytes(), one.segment.frame(5).len()), (6400, 100));
        drop(one);
        assert_eq!(ledger.bytes(), 0);
        segments.place(frame(100), &ledger);
        assert_eq!(ledger.bytes(), 100);
        drop(segments);
        assert_eq!(ledger.bytes(), 0);
    }
}
