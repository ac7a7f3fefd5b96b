//! What waits for the transport.

use bytes::Bytes;
use std::collections::VecDeque;
use wingbeat_core::packet::{AckId, Packet, PacketKind, msgpack};

/// An Engine.IO packet to send: the type character and the content, or bytes.
pub(crate) enum Outgoing {
    Text(String),
    Binary(Bytes),
}

/// What waits for the transport. Whoever fills it looks at its size first.
#[derive(Default)]
pub(crate) struct Outbox {
    packets: VecDeque<Outgoing>,
    bytes: usize,
    msgpack: bool,
    pong_waits: bool,
    // Whether everything that was taken out has left this process.
    pub(super) flushed: bool,
}

const PONG: &str = "3";

impl Outbox {
    /// Starts empty; packets are encoded as JSON or as MessagePack.
    pub(crate) fn new(msgpack: bool) -> Outbox {
        Outbox { msgpack, ..Outbox::default() }
    }

    /// Writes a packet and its attachments.
    pub(crate) fn packet(
        &mut self,
        kind: PacketKind,
        namespace: &str,
        id: Option<AckId>,
        json: &str,
        attachments: Vec<Bytes>,
    ) {
        let packet = Packet { kind, attachments: attachments.len(), namespace, id, json };
        if self.msgpack {
            let attachments: Vec<&[u8]> = attachments.iter().map(|bytes| &**bytes).collect();
            return self.push(Outgoing::Binary(msgpack::encode(&packet, &attachments).into()));
        }
        let mut text = Vec::with_capacity(json.len() + namespace.len() + 32);
        text.push(b'4');
        packet.encode(&mut text);
        // Pieces of texts make a text.
        self.text(String::from_utf8(text).unwrap_or_default());
        for bytes in attachments {
            self.push(Outgoing::Binary(bytes));
        }
    }

    /// Answers a heartbeat. One answer that waits is enough, however often a server asks that does not read.
    pub(crate) fn pong(&mut self) {
        if !self.pong_waits {
            self.pong_waits = true;
            self.text(PONG);
        }
    }

    pub(super) fn text(&mut self, text: impl Into<String>) {
        self.push(Outgoing::Text(text.into()));
    }

    pub(super) fn push(&mut self, outgoing: Outgoing) {
        self.bytes += outgoing.len();
        self.flushed = false;
        self.packets.push_back(outgoing);
    }

    pub(super) fn push_front(&mut self, outgoing: Outgoing) {
        self.bytes += outgoing.len();
        self.flushed = false;
        self.packets.push_front(outgoing);
    }

    pub(super) fn front(&self) -> Option<&Outgoing> {
        self.packets.front()
    }

    pub(super) fn pop(&mut self) -> Option<Outgoing> {
        let outgoing = self.packets.pop_front()?;
        self.bytes -= outgoing.len();
        if matches!(&outgoing, Outgoing::Text(text) if text == PONG) {
            self.pong_waits = false;
        }
        Some(outgoing)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Outgoing {
    fn len(&self) -> usize {
        match self {
            Outgoing::Text(text) => text.len(),
            Outgoing::Binary(bytes) => bytes.len(),
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
        assert!(outbox.pop().is_some() && outbox.is_empty());
        outbox.pong();
        assert_eq!(outbox.bytes(), 1);
    }

    #[test]
    fn packets_are_json_or_messagepack() {
        for (msgpack, len) in [(false, 15), (true, 32)] {
            let mut outbox = Outbox::new(msgpack);
            outbox.packet(PacketKind::Event, "/", Some(7.into()), r#"["a",[1,2]]"#, Vec::new());
            let is_binary = matches!(outbox.front(), Some(Outgoing::Binary(_)));
            assert_eq!((is_binary, outbox.bytes() <= len), (msgpack, true), "{}", outbox.bytes());
        }
    }
}
