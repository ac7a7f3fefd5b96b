//! Packets, and bodies of several.

use crate::engine::polling::join;
use bytes::Bytes;
use serde_json::Value;
use wingbeat_core::{RawJson, json};
use wingbeat_protocol::packet::{Arguments, Frame, Packet, PacketKind, engine, msgpack as codec};

/// Takes a Socket.IO packet apart and writes it again.
pub fn packet(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(packet) = Packet::decode(text) else { return };
    let mut written = Vec::new();
    packet.encode(&mut written);
    let written = String::from_utf8(written).expect("it was text");
    assert_eq!(Packet::decode(&written).as_ref(), Ok(&packet), "{text:?} has become {written:?}");
    let Some(arguments) = Arguments::parse(packet.json, 8) else { return };
    assert!(arguments.len() <= 8);
    for at in 0..arguments.len() {
        let argument = arguments.get(at).expect("it is there");
        let valid = serde_json::from_str::<&serde_json::value::RawValue>(argument).is_ok();
        assert!(valid, "no JSON: {argument:?}");
        value(argument);
    }
    if let Some(name) = arguments.event_name() {
        assert!(!matches!(arguments.name(&name), "connect" | "disconnect"), "a reserved name");
    }
}

/// Looks at JSON: all of it has a value but numbers beyond every type, whole numbers are integers, and what is written
/// of it is read again.
fn value(text: &str) {
    let value: Value = match json::read(text) {
        Ok(value) => value,
        Err(error) => return assert!(error.message().contains("number out of range"), "{text:?}: {error}"),
    };
    assert_eq!(json::read_value::<Value>(&value).expect("it is one"), value, "{text:?} has numbers that are not whole");
    let written = json::text(&value);
    assert_eq!(json::read::<Value>(&written).expect("it was written"), value, "{text:?} has become {written:?}");
    assert!(!written.contains("\\ud") || text.contains("\\\\"), "{text:?} has become {written:?}");
}

/// Reads a packet of MessagePack; what it means must survive the way there and back.
pub fn msgpack(data: &[u8]) {
    let Some((text, attachments)) = codec::decode(data, 4) else { return };
    assert!(attachments.len() <= 4);
    let packet = Packet::decode(&text).unwrap_or_else(|_| panic!("no packet: {text:?}"));
    let is_json = |text: &str| RawJson::parse(text.to_owned()).is_ok_and(|raw| raw.to::<Value>().is_ok());
    assert!(packet.json.is_empty() || is_json(packet.json), "{text:?}");
    if attachments.is_empty() && matches!(packet.kind, PacketKind::Event | PacketKind::Ack) {
        let frame = Frame::text(&[b"4", text.as_bytes()]);
        let recoded = codec::recode(&frame);
        let (_, bytes) = recoded.packets().next().expect("one packet");
        let (again, _) = codec::decode(bytes, 4).expect("what we write is read");
        let recoded = codec::recode(&Frame::text(&[b"4", again.as_bytes()]));
        assert_eq!(recoded.packets().next().expect("one packet").1, bytes, "{text:?}");
    }
}

/// Takes the body of a request apart, as a session does, and puts it together again.
pub fn payload(data: &[u8]) {
    let packets = split(data);
    let between = packets.len() - 1;
    assert_eq!(
        packets.iter().map(|packet| packet.len()).sum::<usize>() + between,
        data.len(),
        "all of it, and no more"
    );
    assert!(packets.iter().all(|packet| !packet.contains(&engine::SEPARATOR)));
    for text in packets.iter().filter_map(|packet| std::str::from_utf8(packet).ok()) {
        if let Some((kind, content)) = engine::decode(text) {
            assert_eq!(content.len() + 1, text.len(), "{kind:?}");
        }
    }
    let full: Vec<&[u8]> = packets.into_iter().filter(|packet| !packet.is_empty()).collect();
    let joined = join(&full.iter().map(|packet| Frame::text(&[packet]).into_bytes()).collect()).concat();
    assert!(full.is_empty() || split(&joined) == full, "{data:?}");
    // Binary packets become base64, whatever they hold.
    let binary = Frame::binary_event("/", "x", &[b"0"], &[Bytes::copy_from_slice(data)]);
    assert!(join(&[binary.into_bytes()].into()).concat().is_ascii());
}

fn split(body: &[u8]) -> Vec<&[u8]> {
    let mut at = 0;
    std::iter::from_fn(|| engine::next_packet(body, &mut at)).map(|packet| &body[packet]).collect()
}
