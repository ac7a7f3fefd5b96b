//! Frames in the order in which they leave.

use super::segment::{Segment, SegmentFrame};
use super::{LONG, Ledger, SMALL};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

/// Frames in order. One is the usual case, and needs no list.
#[derive(Default)]
pub(super) enum Queue {
    #[default]
    Empty,
    One(Entry),
    Many(Box<LongQueue>),
}

/// One or more frames.
pub(super) enum Entry {
    /// May wait for as long as there is memory: an answer, or what many are sent.
    Frame(Bytes),
    /// What was sent to this session alone: how much of that waits is limited.
    Limited(Bytes),
    /// Some frames of a segment, as bits.
    Run(Arc<Segment>, u64),
}

/// Short frames are counted for everybody in steps, so that a few that wait for a moment cost nothing.
const STEP: usize = 16 * 1024;

#[derive(Default)]
pub(super) struct LongQueue {
    entries: VecDeque<Entry>,
    /// Bytes of the limited ones.
    limited: usize,
    /// The largest of them that alone is more than half of the limit, if there is one.
    oversized: usize,
    /// What the entries take, with their short frames; long ones are counted each for itself.
    own: usize,
    /// How much of that the ledger knows.
    noted: usize,
}

impl Entry {
    fn own(&self) -> usize {
        let short = match self {
            Entry::Frame(bytes) | Entry::Limited(bytes) if bytes.len() <= LONG => bytes.len(),
            _ => 0,
        };
        size_of::<Entry>() + short
    }

    fn limited(&self) -> usize {
        if let Entry::Limited(bytes) = self { bytes.len() } else { 0 }
    }
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Queue::Empty)
    }

    /// Whether a limited frame would be one too many, where so many bytes of the session are on their way. One that is
    /// more than half of the limit by itself is excused: a long record is not a slow client.
    pub(super) fn is_over(&self, frame: usize, on_their_way: usize, limit: usize) -> bool {
        let (limited, oversized) = match self {
            Queue::Empty => (0, 0),
            Queue::One(entry) => (entry.limited(), entry.limited()),
            Queue::Many(many) => (many.limited, many.oversized),
        };
        let largest = oversized.max(frame);
        let excused = if largest > limit / 2 { largest } else { 0 };
        (limited + on_their_way + frame).saturating_sub(excused) > limit
    }

    pub(super) fn push(&mut self, entry: Entry, ledger: &Ledger) {
        if let Queue::Many(many) = self {
            return many.push(entry, ledger);
        }
        *self = match std::mem::take(self) {
            Queue::One(first) => {
                let mut many = Box::<LongQueue>::default();
                // Where there are two there are often more.
                many.entries.reserve(8);
                many.push(first, ledger);
                many.push(entry, ledger);
                Queue::Many(many)
            }
            _ => Queue::One(entry),
        };
    }

    /// Puts a frame of a segment behind all others.
    pub(super) fn push_place(&mut self, place: &SegmentFrame, ledger: &Ledger) {
        if let Queue::Many(many) = self
            && let Some(Entry::Run(segment, bits)) = many.entries.back_mut()
            && Arc::ptr_eq(segment, &place.segment)
            && *bits >> place.at == 0
        {
            *bits |= 1 << place.at;
            return;
        }
        self.push(Entry::Run(place.segment.clone(), 1 << place.at), ledger);
    }

    /// The only frame, if there is one only.
    pub(super) fn take_one(&mut self) -> Option<Bytes> {
        let (Queue::One(Entry::Frame(bytes)) | Queue::One(Entry::Limited(bytes))) = self else { return None };
        let bytes = std::mem::take(bytes);
        *self = Queue::Empty;
        Some(bytes)
    }

    /// Takes frames that have no more bytes than `room` together; `first` may be larger. How many bytes they have.
    pub(super) fn take(&mut self, room: usize, first: bool, ledger: &Ledger, mut each: impl FnMut(Bytes)) -> usize {
        let mut taken = 0;
        while let Some(len) = self.next_len().filter(|len| taken + len <= room || taken == 0 && first) {
            taken += len;
            each(self.pop(ledger));
        }
        taken
    }

    fn next_len(&self) -> Option<usize> {
        let entry = match self {
            Queue::Empty => return None,
            Queue::One(entry) => entry,
            Queue::Many(many) => many.entries.front()?,
        };
        Some(match entry {
            Entry::Frame(bytes) | Entry::Limited(bytes) => bytes.len(),
            Entry::Run(segment, bits) => segment.frame(bits.trailing_zeros()).len(),
        })
    }

    fn pop(&mut self, ledger: &Ledger) -> Bytes {
        match self {
            Queue::Empty => Bytes::new(),
            Queue::One(entry) => {
                let (frame, more) = entry.pop();
                if !more {
                    *self = Queue::Empty;
                }
                frame
            }
            Queue::Many(many) => {
                let frame = many.pop(ledger);
                if many.entries.is_empty() {
                    *self = Queue::Empty;
                }
                frame
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self, ledger: &Ledger) {
        if let Queue::Many(many) = std::mem::take(self) {
            ledger.remove(many.noted);
        }
    }
}

impl Entry {
    /// Its first frame, and whether there are more.
    fn pop(&mut self) -> (Bytes, bool) {
        match self {
            Entry::Frame(bytes) | Entry::Limited(bytes) => (std::mem::take(bytes), false),
            Entry::Run(segment, bits) => {
                let frame = segment.frame(bits.trailing_zeros()).clone();
                *bits &= *bits - 1;
                (frame, *bits != 0)
            }
        }
    }

    /// Appends a short frame to a short one of the same kind: by itself, a pong of two bytes would take fifty. Gives it
    /// back where that cannot be.
    fn append(&mut self, entry: Entry) -> Option<Entry> {
        let (last, more) = match (&mut *self, &entry) {
            (Entry::Frame(last), Entry::Frame(more)) | (Entry::Limited(last), Entry::Limited(more)) => (last, more),
            _ => return Some(entry),
        };
        if last.len() + more.len() > SMALL {
            return Some(entry);
        }
        match std::mem::take(last).try_into_mut() {
            Ok(mut joined) => {
                joined.extend_from_slice(more);
                *last = joined.freeze();
                None
            }
            Err(shared) => {
                *last = shared;
                Some(entry)
            }
        }
    }
}

impl LongQueue {
    fn push(&mut self, entry: Entry, ledger: &Ledger) {
        let limited = entry.limited();
        self.limited += limited;
        self.oversized = self.oversized.max(limited);
        self.own += entry.own();
        let rest = match self.entries.back_mut() {
            Some(last) => last.append(entry),
            None => Some(entry),
        };
        match rest {
            Some(entry) => self.entries.push_back(entry),
            None => self.own -= size_of::<Entry>(),
        }
        if self.own >= self.noted + STEP {
            ledger.add(self.own - self.noted);
            self.noted = self.own;
        }
    }

    fn pop(&mut self, ledger: &Ledger) -> Bytes {
        let Some(first) = self.entries.front_mut() else { return Bytes::new() };
        let (own, limited) = (first.own(), first.limited());
        let (frame, more) = first.pop();
        if !more {
            self.entries.pop_front();
            self.own -= own;
            self.limited -= limited;
            if self.limited == 0 {
                self.oversized = 0;
            }
            if self.noted >= self.own + STEP || self.entries.is_empty() {
                ledger.remove(self.noted - self.own.min(self.noted));
                self.noted = self.own.min(self.noted);
            }
        }
        frame
    }
}
