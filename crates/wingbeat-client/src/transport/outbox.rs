//! What waits for the transport.

use super::TransportKind;
use super::polling::in_base64;
use crate::error::TooLarge;
use bytes::Bytes;
use std::collections::VecDeque;
use wingbeat_protocol::packet::{AckId, Packet, PacketKind, msgpack};

/// An Engine.IO packet to send: the type character and the content, or bytes.
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(crate) enum Outgoing<'a> {
    Text(&'a [u8]),
    Binary(&'a [u8]),
}

/// What waits for the transport. Whoever fills it looks at its size first.
#[derive(Default)]
pub(crate) struct Outbox {
    packets: VecDeque<QueuedPacket>,
    /// The texts behind one another, used up to `at`.
    texts: Vec<u8>,
    at: usize,
    bytes: usize,
    msgpack: bool,
    /// How large a message the server accepts, if it has said so.
    limit: Option<usize>,
    /// Whether bytes travel as base64, which takes more.
    base64: bool,
    pong_waits: bool,
}

enum QueuedPacket {
    /// So many bytes of the texts.
    Text(usize),
    Binary(Bytes),
    /// The session moves to the transport that takes this.
    Upgrade,
}

const PONG: &[u8] = b"3";
const UPGRADE: &[u8] = b"5";

/// What an empty outbox may keep for the next packets.
const KEEP: usize = 1024;

impl Outbox {
    /// Starts empty; packets are encoded as JSON or as MessagePack.
    pub(crate) fn new(msgpack: bool) -> Outbox {
        Outbox { msgpack, ..Outbox::default() }
    }

    /// Keeps to what the server accepts.
    pub(crate) fn set_limit(&mut self, limit: Option<usize>) {
        self.limit = limit;
    }

    /// Counts as this transport does.
    pub(crate) fn set_transport(&mut self, kind: TransportKind) {
        self.base64 = kind == TransportKind::Polling;
    }

    /// Writes a packet and its attachments, or nothing of them.
    ///
    /// # Errors
    /// If one of its messages is larger than the server accepts.
    pub(crate) fn packet(
        &mut self,
        kind: PacketKind,
        namespace: &str,
        id: Option<AckId>,
        json: &[u8],
        attachments: &[Bytes],
    ) -> Result<(), TooLarge> {
        let mut packet = Packet { kind, attachments: attachments.len(), namespace, id, json: "" };
        if self.msgpack {
            // Pieces of texts make a text.
            packet.json = std::str::from_utf8(json).unwrap_or_default();
            let attachments: Vec<&[u8]> = attachments.iter().map(|bytes| &**bytes).collect();
            let bytes = msgpack::encode(&packet, &attachments);
            self.check(self.binary_len(bytes.len()))?;
            self.binary(bytes.into());
            return Ok(());
        }
        let start = self.texts.len();
        self.texts.push(b'4');
        packet.encode(&mut self.texts);
        let text = self.texts.len() - start + json.len();
        let largest = attachments.iter().map(|bytes| self.binary_len(bytes.len())).fold(text, usize::max);
        if let Err(refused) = self.check(largest) {
            self.texts.truncate(start);
            return Err(refused);
        }
        self.texts.extend_from_slice(json);
        self.keep(QueuedPacket::Text(self.texts.len() - start));
        for bytes in attachments {
            self.binary(bytes.clone());
        }
        Ok(())
    }

    fn check(&self, size: usize) -> Result<(), TooLarge> {
        self.limit.filter(|limit| size > *limit).map_or(Ok(()), |limit| Err(TooLarge { size, limit }))
    }

    fn binary_len(&self, len: usize) -> usize {
        if self.base64 { in_base64(len) } else { len }
    }

    /// Answers a heartbeat. One answer that waits is enough, however often a server asks that does not read.
    pub(crate) fn pong(&mut self) {
        if !self.pong_waits {
            self.pong_waits = true;
            self.push(PONG);
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.push(text.as_bytes());
    }

    fn push(&mut self, text: &[u8]) {
        self.texts.extend_from_slice(text);
        self.keep(QueuedPacket::Text(text.len()));
    }

    pub(super) fn binary(&mut self, bytes: Bytes) {
        self.keep(QueuedPacket::Binary(bytes));
    }

    /// In front of all others: tells the server that the session has moved.
    pub(super) fn upgrade_first(&mut self) {
        self.bytes += UPGRADE.len();
        self.packets.push_front(QueuedPacket::Upgrade);
    }

    fn keep(&mut self, packet: QueuedPacket) {
        self.bytes += packet.len();
        self.packets.push_back(packet);
    }

    pub(super) fn front(&self) -> Option<Outgoing<'_>> {
        Some(match self.packets.front()? {
            QueuedPacket::Text(len) => Outgoing::Text(&self.texts[self.at..self.at + len]),
            QueuedPacket::Binary(bytes) => Outgoing::Binary(bytes),
            QueuedPacket::Upgrade => Outgoing::Text(UPGRADE),
        })
    }

    /// Takes the first away.
    pub(super) fn pop(&mut self) {
        let Some(packet) = self.packets.pop_front() else { return };
        self.bytes -= packet.len();
        if let QueuedPacket::Text(len) = packet {
            if &self.texts[self.at..self.at + len] == PONG {
                self.pong_waits = false;
            }
            self.at += len;
        }
        if self.packets.is_empty() {
            self.at = 0;
            self.texts.clear();
            self.texts.shrink_to(KEEP);
            self.packets.shrink_to(KEEP / size_of::<QueuedPacket>());
        } else if self.at > 64 * KEEP {
            self.texts.drain(..self.at);
            self.at = 0;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl QueuedPacket {
    fn len(&self) -> usize {
        match self {
            QueuedPacket::Text(len) => *len,
            QueuedPacket::Binary(bytes) => bytes.len(),
            QueuedPacket::Upgrade => UPGRADE.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_asks_and_does_not_read_is_answered_once() {
        let mut outbox = Outbox::new(false);
        (0..1000).for_each(|_| outbox.pong());
        assert_eq!(outbox.bytes(), 1);
        outbox.pop();
        assert!(outbox.is_empty());
        outbox.pong();
        assert_eq!(outbox.bytes(), 1);
    }

    #[test]
    fn packets_are_json_or_messagepack() {
        for (msgpack, len) in [(false, 15), (true, 32)] {
            let mut outbox = Outbox::new(msgpack);
            outbox.packet(PacketKind::Event, "/", Some(7.into()), br#"["a",[1,2]]"#, &[]).unwrap();
            let is_binary = matches!(outbox.front(), Some(Outgoing::Binary(_)));
            assert_eq!((is_binary, outbox.bytes() <= len), (msgpack, true), "{}", outbox.bytes());
        }
    }

    #[test]
    fn what_is_larger_than_the_server_accepts_leaves_nothing_behind() {
        let attachment = Bytes::from_static(&[0; 30]);
        let packet = |msgpack, limit, kind, json: &str, attachments: &[Bytes]| {
            let mut outbox = Outbox::new(msgpack);
            outbox.set_limit(Some(limit));
            outbox.set_transport(kind);
            let kept = outbox.packet(PacketKind::Event, "/", None, json.as_bytes(), attachments);
            assert_eq!(kept.is_ok(), !outbox.is_empty());
            assert_eq!(outbox.texts.is_empty(), outbox.is_empty() || msgpack);
            kept.map_err(|TooLarge { size, limit }| (size, limit))
        };
        use TransportKind::{Polling, WebSocket};
        // `42["a"]` has 7 bytes.
        assert_eq!(packet(false, 7, WebSocket, r#"["a"]"#, &[]), Ok(()));
        assert_eq!(packet(false, 6, Polling, r#"["a"]"#, &[]), Err((7, 6)));
        assert_eq!(packet(false, 30, WebSocket, r#"["a"]"#, std::slice::from_ref(&attachment)), Ok(()));
        assert_eq!(packet(false, 29, WebSocket, r#"["a"]"#, std::slice::from_ref(&attachment)), Err((30, 29)));
        assert_eq!(packet(false, 40, Polling, r#"["a"]"#, std::slice::from_ref(&attachment)), Err((41, 40)));
        assert!(packet(true, 60, WebSocket, r#"["a"]"#, &[]).is_ok());
        assert!(packet(true, 10, WebSocket, r#"["a"]"#, &[]).is_err());
    }

    #[test]
    fn packets_leave_in_order_and_an_empty_outbox_keeps_little() {
        let mut outbox = Outbox::default();
        for round in 0..3 {
            let large = "x".repeat(100 * KEEP);
            outbox.text(&large);
            outbox.binary(Bytes::from_static(b"b"));
            outbox.text("t");
            outbox.upgrade_first();
            for expected in
                [Outgoing::Text(b"5"), Outgoing::Text(large.as_bytes()), Outgoing::Binary(b"b"), Outgoing::Text(b"t")]
            {
                assert!(outbox.front() == Some(expected), "{round}");
                outbox.pop();
            }
            assert_eq!((outbox.front(), outbox.bytes()), (None, 0));
            assert!(outbox.texts.capacity() <= KEEP);
        }
    }
}
