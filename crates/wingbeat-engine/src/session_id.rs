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
    /// A random id that leads back to a place in the registry: 88 bits are random.
    pub(crate) fn with_key(key: u32) -> SessionId {
        let mut bytes = random();
        bytes[..4].copy_from_slice(&key.to_be_bytes());
        SessionId::encode(bytes)
    }

    /// A random id.
    pub(crate) fn random() -> SessionId {
        SessionId::encode(random())
    }

    fn encode(bytes: [u8; 15]) -> SessionId {
        let mut text = [0; 20];
        URL_SAFE_NO_PAD.encode_slice(bytes, &mut text).expect("15 bytes make 20 characters");
        SessionId(text)
    }

    /// The place in the registry that an id names, if it has the form of one.
    pub(crate) fn key(text: &str) -> Option<u32> {
        let mut bytes = [0; 15];
        if text.len() != 20 || URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()? != 15 {
            return None;
        }
        Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// The place in the registry, of an id that was made [with one](SessionId::with_key).
    pub(crate) fn place(&self) -> u32 {
        SessionId::key(self.as_str()).expect("every id has the form of one")
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base64 is ASCII")
    }
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
        for bad in ["", "abc", "aaaaaaaaaaaaaaaaaaa+", "aaaaaaaaaaaaaaaaaaaaa", "éééééééééé"] {
            assert_eq!(SessionId::key(bad), None, "{bad}");
        }
    }
}
