//! From Engine.IO messages to Socket.IO packets: what a receiver that keeps nothing but its limits needs.

use super::arguments::Arguments;
use super::socket::{AckId, Malformed, Packet, PacketKind};
use bytes::Bytes;
use wingbeat_core::json::within_depth;

/// How much of a packet is accepted.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most elements that the JSON array of an event or an answer may have.
    pub arguments: usize,
    /// The most attachments of one packet.
    pub attachments: usize,
    /// The most bytes that a packet may have together with its attachments.
    pub bytes: usize,
}

/// A packet with everything that belongs to it.
#[derive(Clone, Debug)]
pub struct Whole {
    /// What it is for.
    pub kind: PacketKind,
    /// The namespace; `None` for the main one, `/`.
    pub namespace: Option<Box<str>>,
    /// What an answer has to name, or which event this answers.
    pub id: Option<AckId>,
    /// What it carries.
    pub content: Content,
    /// The binary attachments, in the order of their numbers.
    pub attachments: Vec<Bytes>,
}

/// What a packet carries.
#[derive(Clone, Debug)]
pub enum Content {
    /// The elements of an event or of an answer.
    Arguments(Arguments<'static>),
    /// The JSON text of CONNECT and CONNECT_ERROR, unparsed but not too deep; empty if there is none.
    Json(Box<str>),
}

/// Puts packets and their attachments together. Memory is bounded by the limits, whatever comes.
#[derive(Debug)]
pub struct Assembly {
    limits: Limits,
    // A packet that waits for attachments: how many are missing, and the bytes so far.
    unfinished: Option<(Whole, usize, usize)>,
}

impl Assembly {
    /// Starts empty.
    pub fn new(limits: Limits) -> Assembly {
        Assembly { limits, unfinished: None }
    }

    /// Whether an attachment has to come next.
    pub fn is_waiting(&self) -> bool {
        self.unfinished.is_some()
    }

    /// Takes the content of a text message. `None` means that attachments have to follow.
    ///
    /// # Errors
    /// If it is not a packet, exceeds a limit, or comes where an attachment belongs.
    pub fn text(&mut self, text: &str) -> Result<Option<Whole>, Malformed> {
        if self.unfinished.is_some() || text.len() > self.limits.bytes {
            return Err(Malformed);
        }
        let packet = Packet::decode(text)?;
        if packet.attachments > self.limits.attachments {
            return Err(Malformed);
        }
        let content = match packet.kind {
            PacketKind::Connect | PacketKind::ConnectError | PacketKind::Disconnect => {
                if !within_depth(packet.json.as_bytes()) {
                    return Err(Malformed);
                }
                Content::Json(packet.json.into())
            }
            _ => {
                let arguments = Arguments::parse(packet.json, self.limits.arguments).ok_or(Malformed)?;
                Content::Arguments(arguments.into_owned())
            }
        };
        let missing = packet.attachments;
        let namespace = (packet.namespace != "/").then(|| packet.namespace.into());
        let whole = Whole { kind: packet.kind, namespace, id: packet.id, content, attachments: Vec::new() };
        if missing == 0 {
            return Ok(Some(whole));
        }
        self.unfinished = Some((whole, missing, text.len()));
        Ok(None)
    }

    /// Takes a binary message.
    ///
    /// # Errors
    /// If no attachment is missing, or together they exceed the limit.
    pub fn binary(&mut self, bytes: Bytes) -> Result<Option<Whole>, Malformed> {
        let (mut whole, missing, total) = self.unfinished.take().ok_or(Malformed)?;
        let total = total.saturating_add(bytes.len());
        if total > self.limits.bytes {
            return Err(Malformed);
        }
        whole.attachments.push(bytes);
        if missing == 1 {
            return Ok(Some(whole));
        }
        self.unfinished = Some((whole, missing - 1, total));
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assembly() -> Assembly {
        Assembly::new(Limits { arguments: 10, attachments: 3, bytes: 1000 })
    }

    #[test]
    fn a_packet_is_whole_when_its_last_attachment_is_there() {
        let mut assembly = assembly();
        let text = r#"52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
        assert!(assembly.text(text).unwrap().is_none());
        assert!(assembly.binary(Bytes::from_static(b"x")).unwrap().is_none());
        let whole = assembly.binary(Bytes::from_static(b"yz")).unwrap().unwrap();
        assert_eq!(whole.attachments, [Bytes::from_static(b"x"), Bytes::from_static(b"yz")]);
        assert!(assembly.text("2[\"b\"]").unwrap().is_some());
    }

    #[test]
    fn attachments_without_a_packet_and_packets_among_attachments_are_refused() {
        assert!(assembly().binary(Bytes::new()).is_err());
        let mut assembly = assembly();
        assembly.text("51-[\"a\"]").unwrap();
        assert!(assembly.text("2[\"b\"]").is_err());
    }

    #[test]
    fn limits_hold() {
        assert!(assembly().text(&format!("2[{}1]", "1,".repeat(10))).is_err());
        assert!(assembly().text("54-[\"a\"]").is_err());
        assert!(assembly().text(&format!("2[\"{}\"]", "x".repeat(1000))).is_err());
        assert!(assembly().text(&format!("0{}", "[".repeat(300))).is_err());
        let mut assembly = assembly();
        assembly.text("52-[\"a\"]").unwrap();
        assert!(assembly.binary(vec![0; 995].into()).is_err());
    }

    proptest! {
        #[test]
        fn no_sequence_of_messages_makes_it_panic(
            messages in prop::collection::vec(prop_oneof!["[0-6]{0,3}[-/a,]{0,3}[0-9]{0,2}[\\[{\"a,}\\]]{0,12}".prop_map(Ok), prop::collection::vec(any::<u8>(), 0..20).prop_map(Err)], 0..20)
        ) {
            let mut assembly = assembly();
            for message in messages {
                let _ = match message {
                    Ok(text) => assembly.text(&text),
                    Err(bytes) => assembly.binary(bytes.into()),
                };
            }
        }
    }
}
