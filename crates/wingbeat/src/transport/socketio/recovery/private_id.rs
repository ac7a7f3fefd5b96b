//! Private ids (`pid`): what a client comes back with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wingbeat_core::{Error, Result};

/// The socket's id, the number of the last event before it, and something random.
const SAID: usize = 20 + 8 + 4;
const CODE: usize = 16;

/// Makes private ids, and knows its own. Nothing is kept of them: each says what it stands for, and has a code that only
/// this server can have made (HMAC-SHA-256, RFC 2104, its first 16 bytes).
pub(super) struct PrivateIds {
    key: Hmac<Sha256>,
}

/// What a private id stands for.
#[derive(Debug, PartialEq)]
pub(super) struct PrivateId {
    /// The id of the socket that it was given to.
    pub(super) socket: String,
    /// The number of the last event before that.
    pub(super) number: u64,
}

impl PrivateIds {
    /// With a key of its own, so that those of an earlier start are not known.
    pub(super) fn new() -> Result<PrivateIds> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)
            .map_err(|error| Error::general("The system has no random numbers").with_source(error))?;
        let key = Hmac::new_from_slice(&key).map_err(|error| Error::general("Invalid key").with_source(error))?;
        Ok(PrivateIds { key })
    }

    pub(super) fn make(&self, socket: &str, number: u64) -> Option<String> {
        let mut bytes = [0; SAID + CODE];
        let (said, code) = bytes.split_at_mut(SAID);
        said[..20].copy_from_slice(socket.as_bytes().get(..20)?);
        said[20..28].copy_from_slice(&number.to_be_bytes());
        getrandom::fill(&mut said[28..]).ok()?;
        let mac = self.key.clone().chain_update(&*said).finalize().into_bytes();
        code.copy_from_slice(&mac[..CODE]);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads one that was made here.
    pub(super) fn read(&self, text: &str) -> Option<PrivateId> {
        let mut bytes = [0; SAID + CODE];
        if text.len() != (SAID + CODE) * 4 / 3 || URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()? != bytes.len() {
            return None;
        }
        let (said, code) = bytes.split_at(SAID);
        self.key.clone().chain_update(said).verify_truncated_left(code).ok()?;
        let number = u64::from_be_bytes(said[20..28].try_into().ok()?);
        Some(PrivateId { socket: str::from_utf8(&said[..20]).ok()?.to_owned(), number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOCKET: &str = "abcdefghijklmnopqrs_";

    #[test]
    fn a_private_id_is_read_by_who_made_it_and_never_the_same() {
        let ids = PrivateIds::new().unwrap();
        let id = ids.make(SOCKET, 7).unwrap();
        assert_eq!(ids.read(&id), Some(PrivateId { socket: SOCKET.to_owned(), number: 7 }));
        assert_ne!(ids.make(SOCKET, 7).unwrap(), id);
        assert_eq!(PrivateIds::new().unwrap().read(&id), None);
    }

    #[test]
    fn one_that_was_changed_anywhere_is_not_read() {
        let ids = PrivateIds::new().unwrap();
        let id = ids.make(SOCKET, u64::MAX).unwrap();
        for at in 0..id.len() {
            let mut other = id.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(ids.read(str::from_utf8(&other).unwrap()), None, "at {at}");
            assert_eq!(ids.read(&id[..at]), None);
        }
        for text in ["", "ä", &format!("{id}="), &format!("{id}A")] {
            assert_eq!(ids.read(text), None);
        }
    }
}
