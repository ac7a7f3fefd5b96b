//! Private ids (`pid`): what a client comes back with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wingbeat_core::{Error, Result};

/// How many bytes of the socket's id a private id begins with: the place of the session.
const PLACE: usize = 4;
/// The bytes of both ids, which have 20 letters, as those of the reference server.
const BYTES: usize = 15;

/// Makes private ids, and knows its own. Nothing is kept of them: each follows from the id of its socket, by a code that only
/// this server can have made (HMAC-SHA-256, RFC 2104, its first 11 bytes).
pub(super) struct PrivateIds {
    key: Hmac<Sha256>,
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

    /// The one of a socket.
    pub(super) fn of(&self, socket: &str) -> Option<String> {
        let mut bytes = decoded(socket)?;
        let code = self.key.clone().chain_update(socket).finalize().into_bytes();
        bytes[PLACE..].copy_from_slice(&code[..BYTES - PLACE]);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Whether a socket was given this one. How long it takes says nothing about the right one.
    pub(super) fn is_of(&self, private_id: &str, socket: &str) -> bool {
        let (Some(given), Some(own)) = (decoded(private_id), decoded(socket)) else { return false };
        let (place, code) = given.split_at(PLACE);
        place == &own[..PLACE] && self.key.clone().chain_update(socket).verify_truncated_left(code).is_ok()
    }
}

/// The bytes of an id, be it a socket's or a private one.
fn decoded(id: &str) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    (id.len() == BYTES * 4 / 3).then(|| URL_SAFE_NO_PAD.decode_slice(id, &mut bytes))?.ok()?;
    Some(bytes)
}

/// Whether a text has the form of one.
pub(super) fn is_private_id(text: &str) -> bool {
    decoded(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOCKET: &str = "abcdefghijklmnopqrs_";

    #[test]
    fn a_private_id_is_known_by_who_made_it_and_leads_to_the_place_of_its_socket() {
        let ids = PrivateIds::new().unwrap();
        let id = ids.of(SOCKET).unwrap();
        assert!(ids.is_of(&id, SOCKET) && is_private_id(&id));
        assert_eq!((ids.of(SOCKET).as_deref(), id.len(), &id[..5]), (Some(&*id), 20, &SOCKET[..5]));
        assert_ne!(id, SOCKET);
        // At the same place.
        assert!(!ids.is_of(&id, "abcdefghijklmnopqrsT"));
        assert!(!PrivateIds::new().unwrap().is_of(&id, SOCKET));
    }

    #[test]
    fn one_that_was_changed_anywhere_is_not_known() {
        let ids = PrivateIds::new().unwrap();
        let id = ids.of(SOCKET).unwrap();
        for at in 0..id.len() {
            let mut other = id.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert!(!ids.is_of(str::from_utf8(&other).unwrap(), SOCKET), "at {at}");
            assert!(!ids.is_of(&id[..at], SOCKET));
        }
        for text in ["", "ä", &format!("{id}="), &format!("{id}A"), "ääääääääää", "abcdefghijklmnopqrs+"] {
            assert!(!ids.is_of(text, SOCKET) && !is_private_id(text), "{text}");
            assert!(!ids.is_of(&id, text) && ids.of(text).is_none(), "{text}");
        }
    }
}
