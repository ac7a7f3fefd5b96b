//! From the bytes of a WebSocket to packets.

use super::Incoming;
use bytes::Bytes;
use wingbeat_protocol::ws::{Fragments, Item, Sender, Violation, next_item};

/// The reading half of a WebSocket. It keeps only what is incomplete.
#[derive(Default)]
pub(crate) struct Frames {
    /// What was read of a frame whose rest has yet to come, or of what nobody has wanted yet.
    part: Vec<u8>,
    /// Whether the part has not been looked at since it was read.
    unseen: bool,
    fragments: Fragments,
    ping: Option<Box<[u8]>>,
}

/// What the bytes meant, beside packets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReadOutcome {
    /// Nothing that ends the connection.
    Packets,
    /// The server closes, for the reason that this code stands for.
    Close(Option<u16>),
}

impl Frames {
    /// Begins with what came behind the handshake.
    pub(super) fn new(part: Vec<u8>) -> Frames {
        Frames { unseen: !part.is_empty(), part, ..Frames::default() }
    }

    /// Whether there are bytes that need no reading.
    pub(super) fn has_unseen(&self) -> bool {
        self.unseen
    }

    /// The server's last ping that waits for its pong: one answer is enough, however many it sends (RFC 6455, 5.5.3).
    pub(super) fn take_ping(&mut self) -> Option<Box<[u8]>> {
        self.ping.take()
    }

    /// Hands every packet to `each`, until that says no: the rest is for the next time.
    pub(crate) fn hand_over(
        &mut self,
        read: &mut [u8],
        max: usize,
        mut each: impl FnMut(Incoming<'_>) -> bool,
    ) -> Result<ReadOutcome, Violation> {
        let mut part = std::mem::take(&mut self.part);
        let is_part = !part.is_empty();
        let bytes = if is_part {
            part.extend_from_slice(read);
            &mut part[..]
        } else {
            read
        };
        self.unseen = false;
        let mut at = 0;
        while let Some((used, item)) = next_item(Sender::Server, &mut self.fragments, &mut bytes[at..], max)? {
            at += used;
            let goes_on = match item {
                Item::Text(text) => each(Incoming::Text(&text)),
                Item::Binary(bytes) => each(Incoming::Binary(Bytes::from(bytes.into_owned()))),
                Item::Ping(payload) => {
                    self.ping = Some(payload.into());
                    true
                }
                Item::Close(code) => return Ok(ReadOutcome::Close(code)),
                Item::Nothing => true,
            };
            if !goes_on {
                self.unseen = at < bytes.len();
                break;
            }
        }
        if is_part {
            if at < part.len() {
                part.drain(..at);
                self.part = part;
            }
        } else if at < bytes.len() {
            self.part = bytes[at..].to_vec();
        }
        Ok(ReadOutcome::Packets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(frames: &mut Frames, bytes: &[u8]) -> Result<(Vec<String>, ReadOutcome), Violation> {
        let mut texts = Vec::new();
        let seen = frames.hand_over(&mut bytes.to_vec(), 100, |incoming| {
            if let Incoming::Text(text) = incoming {
                texts.push(text.to_owned());
            }
            true
        })?;
        Ok((texts, seen))
    }

    #[test]
    fn a_frame_that_comes_byte_by_byte_is_one_packet_and_leaves_nothing_behind() {
        let mut frames = Frames::default();
        let stream = b"\x81\x03abc\x01\x01d\x89\x01p\x80\x01e\x88\x02\x03\xe8";
        let mut seen = Vec::new();
        for byte in &stream[..14] {
            seen.extend(texts(&mut frames, &[*byte]).unwrap().0);
        }
        assert_eq!(
            (seen, frames.part.capacity(), frames.take_ping()),
            (vec!["abc".into(), "de".into()], 0, Some((*b"p").into()))
        );
        assert_eq!(texts(&mut frames, &stream[14..]).unwrap().1, ReadOutcome::Close(Some(1000)));
    }

    #[test]
    fn what_is_not_wanted_yet_is_kept() {
        let mut frames = Frames::new(b"\x81\x01a\x81\x01b\x81".to_vec());
        assert!(frames.has_unseen());
        let mut first = Vec::new();
        let seen = frames.hand_over(&mut [], 10, |incoming| {
            first.extend(matches!(incoming, Incoming::Text("a")).then_some(()));
            false
        });
        assert_eq!((seen, first.len(), frames.has_unseen()), (Ok(ReadOutcome::Packets), 1, true));
        assert_eq!(texts(&mut frames, b"").unwrap().0, ["b"]);
        assert!(!frames.has_unseen());
        assert_eq!(texts(&mut frames, b"\x01c").unwrap().0, ["c"]);
    }

    #[test]
    fn what_a_server_may_not_send_is_refused() {
        for (bytes, violation) in [
            (&b"\x81\x81\0\0\0\0a"[..], Violation::Protocol),
            (b"\x81\x7f\0\0\0\x01\0\0\0\0", Violation::TooBig),
            (b"\x81\x7e\x01\0", Violation::TooBig),
            (b"\x81\x01\xff", Violation::NotUtf8),
            (b"\x88\x02\x03\xee", Violation::Protocol),
            (b"\x88\x01\x03", Violation::Protocol),
            (b"\x80\x00", Violation::Protocol),
        ] {
            assert_eq!(texts(&mut Frames::default(), bytes), Err(violation), "{bytes:?}");
        }
    }
}
