//! The Socket.IO packet: `<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]`.

use std::fmt;

/// What a Socket.IO packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketKind {
    /// `0`: join a namespace.
    Connect,
    /// `1`: leave a namespace.
    Disconnect,
    /// `2`: an event.
    Event,
    /// `3`: the answer to an event.
    Ack,
    /// `4`: a refused CONNECT.
    ConnectError,
    /// `5`: an event with attachments.
    BinaryEvent,
    /// `6`: an answer with attachments.
    BinaryAck,
}

/// A packet that breaks the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed Socket.IO packet")
    }
}

impl std::error::Error for Malformed {}

/// A packet taken apart; the JSON is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it is for.
    pub kind: PacketKind,
    /// How many binary packets follow. Always 0 for kinds without attachments.
    pub attachments: usize,
    /// The namespace, `/` if none is named.
    pub namespace: &'a str,
    /// What an answer has to name.
    pub id: Option<AckId>,
    /// The JSON; empty if there is none.
    pub json: &'a str,
}

/// The most digits that an attachment count or an acknowledgement id may have.
const MAX_DIGITS: usize = 40;

impl<'a> Packet<'a> {
    /// Takes a packet apart.
    ///
    /// # Errors
    /// If type, attachment count or id are invalid.
    pub fn decode(text: &'a str) -> Result<Packet<'a>, Malformed> {
        let kind = match text.as_bytes().first() {
            Some(b'0') => PacketKind::Connect,
            Some(b'1') => PacketKind::Disconnect,
            Some(b'2') => PacketKind::Event,
            Some(b'3') => PacketKind::Ack,
            Some(b'4') => PacketKind::ConnectError,
            Some(b'5') => PacketKind::BinaryEvent,
            Some(b'6') => PacketKind::BinaryAck,
            _ => return Err(Malformed),
        };
        let mut rest = &text[1..];
        let mut attachments = 0;
        if matches!(kind, PacketKind::BinaryEvent | PacketKind::BinaryAck) {
            let digits = digits(rest)?;
            attachments = rest[..digits].parse().map_err(|_| Malformed)?;
            rest = rest[digits..].strip_prefix('-').ok_or(Malformed)?;
            if attachments == 0 {
                return Err(Malformed);
            }
        }
        let mut namespace = "/";
        if rest.starts_with('/') {
            (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
        }
        let (id, json) = AckId::read(rest)?;
        Ok(Packet { kind, attachments, namespace, id, json })
    }

    /// Appends the packet as text: what [`decode`](Packet::decode) takes apart.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(match self.kind {
            PacketKind::Connect => b'0',
            PacketKind::Disconnect => b'1',
            PacketKind::Event => b'2',
            PacketKind::Ack => b'3',
            PacketKind::ConnectError => b'4',
            PacketKind::BinaryEvent => b'5',
            PacketKind::BinaryAck => b'6',
        });
        if matches!(self.kind, PacketKind::BinaryEvent | PacketKind::BinaryAck) {
            write_number(out, self.attachments as u64);
            out.push(b'-');
        }
        // What is no JSON may look like a namespace.
        if self.namespace != "/" || self.json.starts_with('/') {
            out.extend_from_slice(self.namespace.as_bytes());
            out.push(b',');
        }
        if let Some(id) = &self.id {
            id.write(out);
        }
        out.extend_from_slice(self.json.as_bytes());
    }
}

fn digits(text: &str) -> Result<usize, Malformed> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits <= MAX_DIGITS { Ok(digits) } else { Err(Malformed) }
}

/// What links an answer to its event. Sent back as it came, without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AckId(Digits);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Digits {
    Number(u64),
    // Clients count from 0; longer ones are nobody's normal case.
    Text(Box<str>),
}

impl AckId {
    /// The id that a text begins with, if it does with one, and the rest.
    fn read(text: &str) -> Result<(Option<AckId>, &str), Malformed> {
        let (mut number, mut len) = (0u64, 0);
        for digit in text.bytes().take_while(u8::is_ascii_digit) {
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            len += 1;
        }
        let (digits, rest) = text.split_at(len);
        let id = match len {
            0 => return Ok((None, rest)),
            // None of 19 digits overflows; `parse`, which looks for that, takes four times as long.
            1..20 => Digits::Number(number),
            20..=MAX_DIGITS => match digits.trim_start_matches('0') {
                short if short.len() < 20 => Digits::Number(number),
                long => Digits::Text(long.into()),
            },
            _ => return Err(Malformed),
        };
        Ok((Some(AckId(id)), rest))
    }

    /// Appends the digits.
    pub fn write(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Digits::Number(number) => write_number(out, *number),
            Digits::Text(text) => out.extend_from_slice(text.as_bytes()),
        }
    }

    /// How many digits there are.
    pub fn width(&self) -> usize {
        match &self.0 {
            Digits::Number(number) => number.checked_ilog10().unwrap_or(0) as usize + 1,
            Digits::Text(text) => text.len(),
        }
    }

    /// The number, if it is below 2^64.
    pub fn number(&self) -> Option<u64> {
        match self.0 {
            Digits::Number(number) => Some(number),
            Digits::Text(_) => None,
        }
    }
}

impl From<u64> for AckId {
    fn from(number: u64) -> AckId {
        AckId(Digits::Number(number))
    }
}

fn write_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(id: &AckId) -> String {
        let mut out = Vec::new();
        id.write(&mut out);
        assert_eq!(out.len(), id.width());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_no_json_is_not_taken_for_a_namespace_when_written_again() {
        let packet = Packet::decode("1/,/xh,").unwrap();
        let mut written = Vec::new();
        packet.encode(&mut written);
        assert_eq!(Packet::decode(std::str::from_utf8(&written).unwrap()), Ok(packet));
    }

    #[test]
    fn every_part_is_found() {
        let packet = Packet::decode(r#"52-/admin,007["a"]"#).unwrap();
        assert_eq!((packet.kind, packet.attachments, packet.namespace), (PacketKind::BinaryEvent, 2, "/admin"));
        assert_eq!((written(&packet.id.unwrap()).as_str(), packet.json), ("7", r#"["a"]"#));
        let packet = Packet::decode("0/only").unwrap();
        assert_eq!((packet.namespace, packet.id, packet.json), ("/only", None, ""));
    }

    #[test]
    fn what_is_encoded_is_decoded_again() {
        for text in
            ["0", "0/x,{\"a\":1}", "1", "1/x,", "27[\"a\"]", "2/x,0[]", "31[null]", "52-/x,3[1]", "61-0[]", "4{}"]
        {
            let mut out = Vec::new();
            Packet::decode(text).unwrap().encode(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn ids_of_any_size_come_back() {
        for (sent, back) in [
            ("0", "0"),
            ("000", "0"),
            ("007", "7"),
            ("9999999999999999999", "9999999999999999999"),
            ("18446744073709551615", "18446744073709551615"),
            ("0099999999999999999999", "99999999999999999999"),
            ("0000000000000000000000000005", "5"),
            ("0000000000000000000000000000000000000000", "0"),
        ] {
            let (id, rest) = AckId::read(&format!("{sent}[0]")).map(|(id, rest)| (id.unwrap(), rest.len())).unwrap();
            assert_eq!((written(&id).as_str(), rest), (back, 3));
        }
    }

    #[test]
    fn broken_packets_are_refused() {
        for bad in ["", "x", "7", "é", "5[]", "50-[]", "5-[]", "5x-[]", "599999999999999999999999-[]"] {
            assert_eq!(Packet::decode(bad), Err(Malformed), "{bad}");
        }
        for digit in ["0", "1"] {
            assert_eq!(Packet::decode(&format!("2{}[]", digit.repeat(41))), Err(Malformed));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = Packet::decode(&text);
        }
    }
}
