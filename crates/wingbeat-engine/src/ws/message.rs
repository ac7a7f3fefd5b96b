//! Frames put together to messages.

use super::frame::{Header, Kind, Violation, unmask};
use std::borrow::Cow;

/// What a client sent: a whole message or a control frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    Text(Cow<'a, str>),
    Binary(Cow<'a, [u8]>),
    Ping(&'a [u8]),
    /// The code the peer gave, if any.
    Close(Option<u16>),
    /// A pong, or a part of a message whose rest has yet to come.
    Nothing,
}

/// The parts of a message that is not complete. Boxed: few clients ever send one.
#[derive(Debug, Default)]
pub(crate) struct Fragments(Option<Box<Partial>>);

#[derive(Debug)]
struct Partial {
    text: bool,
    data: Vec<u8>,
    /// How much of a text is known to be UTF-8.
    valid: usize,
}

/// Takes the first item from the bytes that were read: how many bytes it took, and what it is. `None` if it is not
/// complete. The bytes are unmasked in place, so they must not be given again once they were taken.
pub(crate) fn next_item<'a>(
    fragments: &mut Fragments,
    bytes: &'a mut [u8],
    max: usize,
) -> Result<Option<(usize, Item<'a>)>, Violation> {
    let Some(header) = Header::read(bytes)? else { return Ok(None) };
    let before = fragments.0.as_ref().map_or(0, |partial| partial.data.len());
    match (header.kind, &fragments.0) {
        (Kind::Continuation, None) | (Kind::Text | Kind::Binary, Some(_)) => return Err(Violation::Protocol),
        // Known from the header: nothing is collected for a message that is not accepted anyway.
        (Kind::Continuation | Kind::Text | Kind::Binary, _) if header.len > max - before.min(max) => return Err(Violation::TooBig),
        _ => {}
    }
    let end = header.start + header.len;
    let Some(payload) = bytes.get_mut(header.start..end) else { return Ok(None) };
    unmask(payload, header.key);
    let payload = &*payload;
    let item = match header.kind {
        Kind::Ping => Item::Ping(payload),
        Kind::Pong => Item::Nothing,
        Kind::Close => Item::Close(close_code(payload)?),
        Kind::Text if header.fin => Item::Text(Cow::Borrowed(simdutf8::basic::from_utf8(payload).map_err(|_| Violation::NotUtf8)?)),
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
