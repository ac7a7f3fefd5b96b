//! Socket.IO packets as MessagePack, the way `socket.io-msgpack-parser` has them: one binary packet
//! `{type, nsp, data, id}`, in which attachments lie where they belong.
//!
//! Everything else in this crate speaks JSON with placeholders, so this is a translation at the edge.

mod read;
mod write;

use super::frame::{Frame, Opcode, write_header};
use super::socket::{Packet, PacketKind};
use bytes::Bytes;
use serde_json::{Map, Value};
use wingbeat_core::json;

/// Reads a packet: the text that it would have as JSON, and its attachments. `None` if it is not a packet, or has more
/// than `max_attachments`.
pub fn decode(bytes: &[u8], max_attachments: usize) -> Option<(String, Vec<Bytes>)> {
    let read::Fields { kind, namespace, id, data, attachments } = read::packet(bytes, max_attachments)?;
    let namespace = namespace.filter(|name| name.starts_with('/') && !name.contains(','))?;
    let kind = kind.filter(|kind| *kind <= 4)?;
    let data = data.as_deref().unwrap_or("null");
    // As the reference has it. As text, a bare number would be taken for the id.
    let fits = matches!(
        (kind, data.as_bytes()),
        (0 | 1, b"null") | (0, [b'{', ..]) | (2 | 3, [b'[', ..]) | (4, [b'{' | b'"', ..])
    );
    if !fits {
        return None;
    }
    let mut text = match (kind, attachments.len()) {
        (kind, 0) => kind.to_string(),
        (2, count) => format!("5{count}-"),
        (3, count) => format!("6{count}-"),
        _ => return None,
    };
    if namespace != "/" {
        text.push_str(namespace);
        text.push(',');
    }
    if let Some(id) = id {
        text.push_str(&id.to_string());
    }
    // Absent, or sent as undefined.
    if data != "null" {
        text.push_str(data);
    }
    Some((text, attachments))
}

/// Translates WebSocket frames that hold packets as JSON. Frames of other kinds stay as they are. Lone
/// surrogates become replacement characters.
pub fn recode(frame: &Frame) -> Frame {
    let mut out = Vec::with_capacity(frame.len());
    let mut packets = frame.packets();
    while let Some((opcode, payload)) = packets.next() {
        let packet = match payload {
            [b'4', text @ ..] if opcode == Opcode::Text => {
                std::str::from_utf8(text).ok().and_then(|text| Packet::decode(text).ok())
            }
            _ => None,
        };
        let Some(packet) = packet else {
            write_header(&mut out, opcode, payload.len());
            out.extend_from_slice(payload);
            continue;
        };
        let attachments: Vec<&[u8]> = packets.by_ref().take(packet.attachments).map(|(_, bytes)| bytes).collect();
        let bytes = encode(&packet, &attachments);
        write_header(&mut out, Opcode::Binary, bytes.len());
        out.extend_from_slice(&bytes);
    }
    Frame::from_encoded(out.into())
}

/// Writes a packet, with its attachments where its placeholders are. Lone surrogates become replacement
/// characters: a packet without its data would end the connection of everybody who hears it.
pub fn encode(packet: &Packet<'_>, attachments: &[&[u8]]) -> Vec<u8> {
    let kind = match packet.kind {
        PacketKind::Connect => 0,
        PacketKind::Disconnect => 1,
        PacketKind::Event | PacketKind::BinaryEvent => 2,
        PacketKind::Ack | PacketKind::BinaryAck => 3,
        PacketKind::ConnectError => 4,
    };
    let mut map = Map::new();
    map.insert("type".to_owned(), Value::from(kind));
    map.insert("nsp".to_owned(), Value::from(packet.namespace));
    if !packet.json.is_empty() {
        map.insert("data".to_owned(), json::read(packet.json).unwrap_or(Value::Null));
    }
    if let Some(id) = packet.id.as_ref().and_then(super::AckId::number) {
        map.insert("id".to_owned(), Value::from(id));
    }
    write::write(&Value::Object(map), attachments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(frame: &Frame) -> (String, Vec<Bytes>) {
        let recoded = recode(frame);
        let packets: Vec<_> = recoded.packets().collect();
        assert_eq!((packets.len(), packets[0].0), (1, Opcode::Binary));
        decode(packets[0].1, 10).unwrap()
    }

    #[test]
    fn packets_survive_the_translation() {
        let whole = Frame::text(&[br#"42["a",[1.0,-0,1e20,1e300]]"#]);
        assert_eq!(there_and_back(&whole).0, r#"2["a",[1,0,100000000000000000000,1e+300]]"#);
        for json in [r#"["a",null,true,-1,255,65536,-40000,4294967296,1.5,"é",[],{"k":{}}]"#, r#"["x"]"#] {
            let text = format!("2/ns,7{json}");
            assert_eq!(there_and_back(&Frame::text(&[b"4", text.as_bytes()])).0, text);
        }
        assert_eq!(there_and_back(&Frame::text(&[br#"40{"sid":"x"}"#])).0, r#"0{"sid":"x"}"#);
        assert_eq!(there_and_back(&Frame::text(&[b"41"])).0, "1");
    }

    #[test]
    fn attachments_lie_where_they_belong() {
        let frame = Frame::request(
            "/",
            Some(1),
            "e",
            &[br#"{"b":{"_placeholder":true,"num":0}}"#],
            &[Bytes::from_static(b"\x01\x02")],
        );
        let (text, attachments) = there_and_back(&frame);
        assert_eq!(text, r#"51-1["e",{"b":{"_placeholder":true,"num":0}}]"#);
        assert_eq!(attachments, [&b"\x01\x02"[..]]);
    }

    #[test]
    fn what_nests_as_deep_as_it_may_is_kept() {
        let text = format!("2[\"a\",{}{}]", "[".repeat(200), "]".repeat(200));
        assert_eq!(there_and_back(&Frame::text(&[b"4", text.as_bytes()])).0, text);
    }

    #[test]
    fn lone_surrogates_cost_nobody_the_packet() {
        let text = r#"2["a","\ud800x\udc00","\\ud800","\ud83d\ude00\"\u00e9"]"#;
        let expected = "2[\"a\",\"\u{fffd}x\u{fffd}\",\"\\\\ud800\",\"\u{1f600}\\\"é\"]";
        assert_eq!(there_and_back(&Frame::text(&[b"4", text.as_bytes()])).0, expected);
    }

    #[test]
    fn what_is_no_packet_of_the_session_stays() {
        let ping = Frame::text(&[b"2"]);
        assert_eq!(recode(&ping), ping);
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        // {type:9,…}, no namespace, an array, half a map, too deep.
        for bad in [&b"\x82\xa4type\x09\xa3nsp\xa1/"[..], b"\x81\xa4type\x02", b"\x90", b"\x82\xa4type", b""] {
            assert_eq!(decode(bad, 10), None, "{bad:?}");
        }
        assert_eq!(decode(&[0x91; 100_000], 10), None);
        assert_eq!(decode(b"\xdd\xff\xff\xff\xff", 10), None);
    }

    #[test]
    fn each_kind_has_its_own_data() {
        let packet = |kind: u8, data: &[u8]| {
            let packet = [b"\x83\xa4type", &[kind][..], b"\xa3nsp\xa1/\xa4data", data].concat();
            decode(&packet, 10).map(|(text, _)| text)
        };
        let (null, number, text, list, map) = (b"\xc0", b"\x07", b"\xa1x", b"\x91\x01", b"\x80");
        assert_eq!((packet(0, null), packet(0, map)), (Some("0".to_owned()), Some("0{}".to_owned())));
        assert_eq!(packet(1, null), Some("1".to_owned()));
        assert_eq!((packet(2, list), packet(3, list)), (Some("2[1]".to_owned()), Some("3[1]".to_owned())));
        assert_eq!((packet(4, text), packet(4, map)), (Some("4\"x\"".to_owned()), Some("4{}".to_owned())));
        // Behind `3` a number would be the id.
        for (kind, data) in [(0, &number[..]), (0, text), (1, map), (2, number), (2, null), (3, number), (4, null)] {
            assert_eq!(packet(kind, data), None, "{kind} {data:?}");
        }
    }

    /// `{type:2, nsp:"/", data:[…]}`, with this many times the same element.
    fn event(count: u32, element: &[u8]) -> Vec<u8> {
        let mut packet = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\xdd".to_vec();
        packet.extend_from_slice(&count.to_be_bytes());
        packet.extend(element.repeat(count as usize));
        packet
    }

    #[test]
    fn attachments_are_counted_as_they_come() {
        assert_eq!(decode(&event(10, b"\xc4\x00"), 10).unwrap().1.len(), 10);
        assert_eq!(decode(&event(11, b"\xc4\x00"), 10), None);
    }

    #[test]
    fn a_value_takes_little_more_room_than_its_text() {
        // As a tree, a million empty objects take a hundred times the room of their bytes.
        let (text, _) = decode(&event(1_000_000, b"\x80"), 10).unwrap();
        assert_eq!((text.len(), &text[..6]), (3_000_002, "2[{},{"));
    }

    #[test]
    fn members_may_come_in_any_order_and_others_are_left_out() {
        let packet = b"\x85\xa4data\x91\xa1a\xa1x\x93\x01\xa1y\xc2\xa2id\x07\xa3nsp\xa2/n\xa4type\x02";
        assert_eq!(decode(packet, 0).unwrap().0, r#"2/n,7["a"]"#);
        assert_eq!(decode(b"\x83\xa4type\x02\xa3nsp\xa1/\xa2id\xff", 0), None);
    }

    proptest! {
        #[test]
        fn noise_does_no_harm(noise in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&noise, 10);
        }
    }
}
