//! A packet to send, encoded once for all its receivers.

use bytes::Bytes;
use wingbeat_core::RawJson;

/// The kind of a WebSocket frame that carries a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// Text.
    Text,
    /// Bytes.
    Binary,
}

/// A packet with its attachments, as the WebSocket frames that carry it.
///
/// A server's frames are not masked, so these bytes are the same for every receiver and are shared by all of them.
/// Sessions on HTTP long-polling take the [packets](Frame::packets) out again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    /// A text packet, given in pieces.
    pub fn text(pieces: &[&[u8]]) -> Frame {
        let len = pieces.iter().map(|piece| piece.len()).sum();
        let mut out = Vec::with_capacity(len + 10);
        write_header(&mut out, Opcode::Text, len);
        for piece in pieces {
            out.extend_from_slice(piece);
        }
        Frame(out.into())
    }

    /// An event: `42["name",…]`. Arguments are JSON texts.
    pub fn event(namespace: &str, name: &str, args: &[&[u8]]) -> Frame {
        Frame::request(namespace, None, name, args, &[])
    }

    /// An event with attachments, which placeholders in the arguments name: `451-["name",{"_placeholder":true,"num":0}]`.
    pub fn binary_event(namespace: &str, name: &str, args: &[&[u8]], attachments: &[Bytes]) -> Frame {
        Frame::request(namespace, None, name, args, attachments)
    }

    /// An event that may ask for an answer, by a number of its own, and may have attachments.
    pub fn request(namespace: &str, id: Option<u64>, name: &str, args: &[&[u8]], attachments: &[Bytes]) -> Frame {
        let json: usize = args.iter().map(|arg| arg.len() + 1).sum();
        let binary: usize = attachments.iter().map(|bytes| bytes.len() + 10).sum();
        // The length is known only once the name is escaped: the header goes in front afterwards.
        let mut packet = Vec::with_capacity(json + name.len() + namespace.len() + 32);
        packet.push(b'4');
        if attachments.is_empty() {
            packet.push(b'2');
        } else {
            packet.extend_from_slice(format!("5{}-", attachments.len()).as_bytes());
        }
        write_namespace(&mut packet, namespace);
        if let Some(id) = id {
            super::AckId::from(id).write(&mut packet);
        }
        packet.push(b'[');
        write_text(&mut packet, name);
        for arg in args {
            packet.push(b',');
            packet.extend_from_slice(arg);
        }
        packet.push(b']');
        let mut out = Vec::with_capacity(packet.len() + 10 + binary);
        write_header(&mut out, Opcode::Text, packet.len());
        out.extend_from_slice(&packet);
        for bytes in attachments {
            write_header(&mut out, Opcode::Binary, bytes.len());
            out.extend_from_slice(bytes);
        }
        Frame(out.into())
    }

    /// An event with values as arguments, which may have [`Binary`](wingbeat_core::Binary) in them.
    pub fn with_values(namespace: &str, id: Option<u64>, name: &str, args: &[RawJson]) -> Frame {
        if args.iter().all(|arg| arg.attachments().is_empty()) {
            let args: Vec<&[u8]> = args.iter().map(RawJson::as_bytes).collect();
            return Frame::request(namespace, id, name, &args, &[]);
        }
        let (texts, attachments) = RawJson::join(args);
        let args: Vec<&[u8]> = texts.iter().map(|text| &**text).collect();
        Frame::request(namespace, id, name, &args, &attachments)
    }

    /// Takes bytes that are whole, unmasked WebSocket frames.
    pub fn from_encoded(bytes: Bytes) -> Frame {
        Frame(bytes)
    }

    /// Several packets one after the other, as one piece.
    pub fn join<'a>(frames: impl IntoIterator<Item = &'a Frame> + Clone) -> Frame {
        let mut out = Vec::with_capacity(frames.clone().into_iter().map(Frame::len).sum());
        frames.into_iter().for_each(|frame| out.extend_from_slice(&frame.0));
        Frame(out.into())
    }

    /// The bytes as a WebSocket carries them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as a WebSocket carries them, to keep.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// How many bytes a WebSocket carries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The packets without WebSocket headers: the text, then the attachments.
    pub fn packets(&self) -> impl Iterator<Item = (Opcode, &[u8])> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (opcode, start, len) = header(rest)?;
            let payload = rest.get(start..start + len)?;
            rest = &rest[start + len..];
            Some((opcode, payload))
        })
    }
}

/// Appends `<namespace>,` unless it is the main one.
fn write_namespace(out: &mut Vec<u8>, namespace: &str) {
    if namespace != "/" {
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
    }
}

/// Appends text as JSON has it.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}

/// Appends the header of an unmasked, final WebSocket frame.
#[inline]
pub fn write_header(out: &mut Vec<u8>, opcode: Opcode, len: usize) {
    out.push(match opcode {
        Opcode::Text => 0x81,
        Opcode::Binary => 0x82,
    });
    if len < 126 {
        out.push(len as u8);
    } else if len <= usize::from(u16::MAX) {
        out.push(126);
        out.extend_from_slice(&(len as u16).to_be_bytes());
    } else {
        out.push(127);
        out.extend_from_slice(&(len as u64).to_be_bytes());
    }
}

/// Reads a header that [`write_header`] wrote: kind, where the payload starts, and its length.
pub fn header(bytes: &[u8]) -> Option<(Opcode, usize, usize)> {
    let opcode = match *bytes.first()? {
        0x81 => Opcode::Text,
        0x82 => Opcode::Binary,
        _ => return None,
    };
    match *bytes.get(1)? {
        126 => Some((opcode, 4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)))),
        127 => Some((opcode, 10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?)),
        len if len < 126 => Some((opcode, 2, usize::from(len))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_text_frame() {
        let frame = Frame::event("/", "messages created", &[b"{\"a\":1}", b"2"]);
        assert_eq!(frame.as_bytes()[..2], [0x81, frame.len() as u8 - 2]);
        assert_eq!(&frame.as_bytes()[2..], br#"42["messages created",{"a":1},2]"#);
        assert_eq!(&Frame::event("/x", "a\"b\n", &[]).as_bytes()[2..], br#"42/x,["a\"b\n"]"#);
    }

    #[test]
    fn attachments_follow_their_event() {
        let frame = Frame::request(
            "/",
            Some(12),
            "blob",
            &[br#"{"_placeholder":true,"num":0}"#],
            &[Bytes::from_static(b"\x01\x02")],
        );
        let packets: Vec<_> = frame.packets().collect();
        assert_eq!(
            packets,
            [
                (Opcode::Text, &br#"451-12["blob",{"_placeholder":true,"num":0}]"#[..]),
                (Opcode::Binary, &b"\x01\x02"[..])
            ]
        );
    }

    #[test]
    fn every_width_of_length_is_read_back() {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
            let payload = vec![b'x'; len];
            let frame = Frame::text(&[&payload]);
            assert_eq!(frame.packets().collect::<Vec<_>>(), [(Opcode::Text, &payload[..])]);
        }
    }
}
