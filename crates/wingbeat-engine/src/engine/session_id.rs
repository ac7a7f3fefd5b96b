//! Ids of sessions and sockets: 20 characters of `A-Za-z0-9_-`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::cell::RefCell;
use std::fmt;

/// An id of 15 bytes, shown as 20 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SessionId([u8; 20]);

/// How many ids' random bytes a thread fetches at once: asking the system costs half a microsecond, and a connection
/// needs two ids.
const STOCK: usize = 32;

thread_local! {
    static RANDOM: RefCell<Vec<[u8; 15]>> = const { RefCell::new(Vec::new()) };
}

fn random() -> [u8; 15] {
    RANDOM.with_borrow_mut(|stock| {
        if stock.is_empty() {
            stock.resize(STOCK, [0; 15]);
            getrandom::fill(stock.as_flattened_mut()).expect("the system has random numbers");
        }
        stock.pop().expect("it was filled")
    })
}

impl SessionId {
    /// A random id that leads back to the session's place in the registry: 88 bits are random.
    pub(crate) fn with_key(key: u32) -> SessionId {
        let mut bytes = random();
        bytes[..4].copy_from_slice(&key.to_be_bytes());
        SessionId::encode(bytes)
    }

    /// The same with the letters of a node at its end, by which a balancer finds it: 76 bits are random.
    pub(crate) fn at_node(node: Option<[u8; 2]>, key: u32) -> SessionId {
        let mut id = SessionId::with_key(key);
        if let Some(node) = node {
            id.0[18..].copy_from_slice(&node);
        }
        id
    }

    fn encode(bytes: [u8; 15]) -> SessionId {
        let mut text = [0; 20];
        URL_SAFE_NO_PAD.encode_slice(bytes, &mut text).expect("15 bytes make 20 characters");
        SessionId(text)
    }

    /// The place in the registry of the session whose id a text may be.
    pub(crate) fn key(text: &str) -> Option<u32> {
        text.as_bytes().first_chunk().map(place)
    }

    /// The place in the registry, of an id that was made [with one](SessionId::with_key).
    pub(crate) fn place(&self) -> u32 {
        place(self.0.first_chunk().expect("20 letters are more than six"))
    }

    /// An id that was made here, from its text.
    pub(crate) fn parse(text: &str) -> Option<SessionId> {
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        text.as_bytes().try_into().ok().filter(|letters: &[u8; 20]| letters.iter().all(is_letter)).map(SessionId)
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base64 is ASCII")
    }
}

/// Six letters are 36 bits, and the place is the first 32 of them.
fn place(letters: &[u8; 6]) -> u32 {
    let sextet = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    (letters.iter().fold(0, |bits, &letter| bits << 6 | u64::from(sextet(letter))) >> 4) as u32
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_back_to_its_place_and_is_never_the_same() {
        let id = SessionId::with_key(70_000);
        for place in [0, 70_000, 0xfbff_fefd, u32::MAX] {
            let id = SessionId::with_key(place);
            assert_eq!((SessionId::key(id.as_str()), id.place()), (Some(place), place));
        }
        assert_ne!(id, SessionId::with_key(70_000));
        assert!(id.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'));
        assert_eq!((SessionId::key(""), SessionId::key("abcde")), (None, None));
    }

    #[test]
    fn an_id_of_a_node_ends_with_its_letters_and_leads_back_to_its_place() {
        for place in [0, 70_000, u32::MAX] {
            let id = SessionId::at_node(Some(*b"n7"), place);
            assert!(id.as_str().ends_with("n7") && id.as_str().len() == 20, "{id:?}");
            assert_eq!((SessionId::key(id.as_str()), id.place()), (Some(place), place));
            assert_ne!(id, SessionId::at_node(Some(*b"n7"), place));
        }
    }
}
