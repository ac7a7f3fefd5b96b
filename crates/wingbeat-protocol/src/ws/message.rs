//! Frames put together to messages.

use super::frame::{Header, Kind, Sender, Violation, mask};
use std::borrow::Cow;

/// What a peer sent: a whole message or a control frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A message of text.
    Text(Cow<'a, str>),
    /// A message of bytes.
    Binary(Cow<'a, [u8]>),
    /// A ping, which asks for a pong with the same payload.
    Ping(&'a [u8]),
    /// The code the peer gave, if any.
    Close(Option<u16>),
    /// A pong, or a part of a message whose rest has yet to come.
    Nothing,
}

/// The parts of a message that is not complete. Boxed: few clients ever send one.
#[derive(Debug, Default)]
pub struct Fragments(Option<Box<Partial>>);

#[derive(Debug)]
struct Partial {
    text: bool,
    data: Vec<u8>,
    /// How much of a text is known to be UTF-8.
    valid: usize,
}

/// Takes the first item from the bytes that were read: how many bytes it took, and what it is. `None` if it is not
/// complete. The bytes are unmasked in place, so they must not be given again once they were taken.
///
/// # Errors
/// If the peer breaks the protocol, or sends a message of more than `max` bytes.
#[inline]
pub fn next_item<'a>(
    from: Sender,
    fragments: &mut Fragments,
    bytes: &'a mut [u8],
    max: usize,
) -> Result<Option<(usize, Item<'a>)>, Violation> {
    let Some(header) = Header::read(from, bytes)? else { return Ok(None) };
    let before = fragments.0.as_ref().map_or(0, |partial| partial.data.len());
    match (header.kind, &fragments.0) {
        (Kind::Continuation, None) | (Kind::Text | Kind::Binary, Some(_)) => return Err(Violation::Protocol),
        // Known from the header: nothing is collected for a message that is not accepted anyway.
        (Kind::Continuation | Kind::Text | Kind::Binary, _) if header.len > max - before.min(max) => {
            return Err(Violation::TooBig);
        }
        _ => {}
    }
    let end = header.start + header.len;
    let Some(payload) = bytes.get_mut(header.start..end) else { return Ok(None) };
    if from == Sender::Client {
        mask(payload, header.key);
    }
    let payload = &*payload;
    let item = match header.kind {
        Kind::Ping => Item::Ping(payload),
        Kind::Pong => Item::Nothing,
        Kind::Close => Item::Close(close_code(payload)?),
        Kind::Text if header.fin => {
            Item::Text(Cow::Borrowed(simdutf8::basic::from_utf8(payload).map_err(|_| Violation::NotUtf8)?))
        }
        Kind::Binary if header.fin => Item::Binary(Cow::Borrowed(payload)),
        Kind::Text | Kind::Binary | Kind::Continuation => fragments.add(header, payload)?,
    };
    Ok(Some((end, item)))
}

impl Fragments {
    fn add(&mut self, header: Header, payload: &[u8]) -> Result<Item<'static>, Violation> {
        let text = header.kind == Kind::Text;
        let partial = self.0.get_or_insert_with(|| Box::new(Partial { text, data: Vec::new(), valid: 0 }));
        partial.data.extend_from_slice(payload);
        if partial.text {
            partial.check_utf8(header.fin)?;
        }
        if !header.fin {
            return Ok(Item::Nothing);
        }
        let Some(whole) = self.0.take() else { return Err(Violation::Protocol) };
        Ok(if whole.text {
            Item::Text(Cow::Owned(String::from_utf8(whole.data).map_err(|_| Violation::NotUtf8)?))
        } else {
            Item::Binary(Cow::Owned(whole.data))
        })
    }
}

impl Partial {
    /// A character may be cut by the end of a fragment, but not by the end of the message.
    fn check_utf8(&mut self, fin: bool) -> Result<(), Violation> {
        match simdutf8::compat::from_utf8(&self.data[self.valid..]) {
            Ok(_) => self.valid = self.data.len(),
            Err(error) if error.error_len().is_none() && !fin => self.valid += error.valid_up_to(),
            Err(_) => return Err(Violation::NotUtf8),
        }
        Ok(())
    }
}

fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [_] => return Err(Violation::Protocol),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::Protocol);
    }
    if simdutf8::basic::from_utf8(reason).is_err() {
        return Err(Violation::NotUtf8);
    }
    Ok(Some(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{Cursor, Read, Write};
    use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
    use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

    /// What a peer understood: messages, and at the end whether it went on.
    #[derive(Debug, PartialEq, Eq)]
    enum Seen {
        Text(String),
        Binary(Vec<u8>),
        Ping(Vec<u8>),
        Close(Option<u16>),
        Refused,
    }

    const MAX: usize = 4096;

    /// Reads a stream that arrives in pieces, as sessions do: what is not complete is kept.
    fn ours(from: Sender, stream: &[u8], cuts: &[usize]) -> Vec<Seen> {
        let (mut fragments, mut kept, mut seen) = (Fragments::default(), Vec::new(), Vec::new());
        let mut rest = stream;
        let mut cuts = cuts.iter().copied().cycle();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(cuts.next().unwrap_or(usize::MAX).clamp(1, rest.len()));
            rest = after;
            kept.extend_from_slice(piece);
            let mut at = 0;
            loop {
                match next_item(from, &mut fragments, &mut kept[at..], MAX) {
                    Ok(None) => break,
                    Ok(Some((used, item))) => {
                        at += used;
                        match item {
                            Item::Text(text) => seen.push(Seen::Text(text.into_owned())),
                            Item::Binary(bytes) => seen.push(Seen::Binary(bytes.into_owned())),
                            Item::Ping(bytes) => seen.push(Seen::Ping(bytes.into())),
                            Item::Close(code) => {
                                seen.push(Seen::Close(code));
                                return seen;
                            }
                            Item::Nothing => {}
                        }
                    }
                    Err(_) => {
                        seen.push(Seen::Refused);
                        return seen;
                    }
                }
            }
            kept.drain(..at);
        }
        seen
    }

    /// What was sent is read; what is written is thrown away.
    struct Pipe(Cursor<Vec<u8>>);

    impl Read for Pipe {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(buf)? {
                0 => Err(std::io::ErrorKind::WouldBlock.into()),
                n => Ok(n),
            }
        }
    }

    impl Write for Pipe {
        fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
            Ok(buf.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn theirs(from: Sender, stream: &[u8]) -> Vec<Seen> {
        let config = WebSocketConfig::default().max_message_size(Some(MAX)).max_frame_size(Some(MAX));
        let role = if from == Sender::Client { Role::Server } else { Role::Client };
        let mut ws = WebSocket::from_raw_socket(Pipe(Cursor::new(stream.to_vec())), role, Some(config));
        let mut seen = Vec::new();
        loop {
            match ws.read() {
                Ok(Message::Text(text)) => seen.push(Seen::Text(text.to_string())),
                Ok(Message::Binary(bytes)) => seen.push(Seen::Binary(bytes.to_vec())),
                Ok(Message::Ping(bytes)) => seen.push(Seen::Ping(bytes.to_vec())),
                Ok(Message::Close(frame)) => {
                    seen.push(Seen::Close(frame.map(|frame| frame.code.into())));
                    return seen;
                }
                Ok(_) => {}
                Err(Error::Io(_)) => return seen,
                Err(_) => {
                    seen.push(Seen::Refused);
                    return seen;
                }
            }
        }
    }

    /// Masked, if there is a key.
    fn frame(first: u8, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
        let (mut out, bit) = (vec![first], if key.is_some() { 0x80 } else { 0 });
        match payload.len() {
            n if n < 126 => out.push(bit | n as u8),
            n => {
                out.push(bit | 126);
                out.extend_from_slice(&(n as u16).to_be_bytes());
            }
        }
        out.extend(key.iter().flatten());
        let key = key.unwrap_or_default();
        out.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
        out
    }

    fn any_frame(from: Sender) -> impl Strategy<Value = Vec<u8>> {
        let first = prop_oneof![
            8 => prop::sample::select(vec![0x81u8, 0x01, 0x00, 0x80, 0x82, 0x02, 0x89, 0x8a]),
            1 => prop::sample::select(vec![0x88u8, 0x09, 0x83, 0xc1]),
        ];
        let text = "[a-zé€😀]{0,60}".prop_map(String::into_bytes);
        let payload = prop_oneof![6 => text, 1 => prop::collection::vec(any::<u8>(), 0..200)];
        // Now and then the one who must not mask does, and the other way round.
        let masks = prop_oneof![30 => Just(from == Sender::Client), 1 => Just(from != Sender::Client)];
        (first, payload, any::<[u8; 4]>(), masks)
            .prop_map(|(first, payload, key, masks)| frame(first, &payload, masks.then_some(key)))
    }

    fn any_stream() -> impl Strategy<Value = (Sender, Vec<u8>)> {
        prop_oneof![Just(Sender::Client), Just(Sender::Server)].prop_flat_map(|from| {
            (Just(from), prop::collection::vec(any_frame(from), 1..12).prop_map(|frames| frames.concat()))
        })
    }

    proptest! {
        #[test]
        fn frames_mean_the_same_to_us_and_to_tungstenite(
            (from, stream) in any_stream(),
            cuts in prop::collection::vec(1usize..40, 1..8),
        ) {
            let (ours, theirs) = (ours(from, &stream, &cuts), theirs(from, &stream));
            if ours.last() == Some(&Seen::Refused) {
                // Tungstenite looks at a text when it is complete, we as it comes: we may refuse it before a control
                // frame between its fragments. Whatever came whole before is the same.
                let whole = ours.len() - 1;
                prop_assert_eq!(&ours[..whole], &theirs[..whole.min(theirs.len())]);
                prop_assert!(theirs[whole..].iter().all(|seen| !matches!(seen, Seen::Text(_) | Seen::Binary(_))));
            } else {
                prop_assert_eq!(ours, theirs);
            }
        }

        #[test]
        fn where_a_stream_is_cut_does_not_matter(
            (from, stream) in any_stream(),
            cuts in prop::collection::vec(1usize..40, 1..8),
        ) {
            prop_assert_eq!(ours(from, &stream, &cuts), ours(from, &stream, &[stream.len()]));
        }

        #[test]
        fn noise_ends_in_order(noise in prop::collection::vec(any::<u8>(), 0..2000), cut in 1usize..100) {
            ours(Sender::Client, &noise, &[cut]);
            ours(Sender::Server, &noise, &[cut]);
        }
    }
}
