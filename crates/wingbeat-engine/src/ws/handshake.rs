//! The HTTP side of the opening handshake.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING,
    UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};

/// Whether the request wants to become a WebSocket. HTTP/2 has another way to ask, which is refused.
pub(crate) fn is_upgrade(request: &Parts) -> bool {
    request.version == Version::HTTP_11
        && names(&request.headers, CONNECTION, "upgrade")
        && names(&request.headers, UPGRADE, "websocket")
}

/// What is wrong with a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandshakeError {
    Method,
    Body,
    Key,
    Version,
}

/// The version of the protocol, the only one there is.
pub(crate) const VERSION: HeaderValue = HeaderValue::from_static("13");

/// The value of `Sec-WebSocket-Accept`.
///
/// # Errors
/// If the request is not a correct handshake.
pub(crate) fn accept(request: &Parts) -> Result<HeaderValue, HandshakeError> {
    let headers = &request.headers;
    if request.method != Method::GET {
        return Err(HandshakeError::Method);
    }
    // The connection is handed over only when the body is read, and nobody would wait for one that never comes.
    let none = |length: &HeaderValue| length.as_bytes().trim_ascii().iter().all(|&digit| digit == b'0');
    if headers.contains_key(TRANSFER_ENCODING) || !headers.get_all(CONTENT_LENGTH).iter().all(none) {
        return Err(HandshakeError::Body);
    }
    let key = single(headers, SEC_WEBSOCKET_KEY).ok_or(HandshakeError::Key)?;
    if STANDARD.decode_slice(key.as_bytes(), &mut [0; 18]) != Ok(16) {
        return Err(HandshakeError::Key);
    }
    if single(headers, SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
        return Err(HandshakeError::Version);
    }
    HeaderValue::try_from(wingbeat_protocol::ws::accept(key.as_bytes())).map_err(|_| HandshakeError::Key)
}

/// The value of a header that comes once.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none())
}

/// The first of the protocols that the request names, as the reference server chooses: browsers fail a handshake that
/// answers none of theirs. The others are not looked at.
pub(crate) fn protocol(request: &Parts) -> Option<HeaderValue> {
    let first =
        request.headers.get(SEC_WEBSOCKET_PROTOCOL)?.as_bytes().split(|&byte| byte == b',').next()?.trim_ascii();
    // A token is what a method may be called.
    Method::from_bytes(first).ok()?;
    HeaderValue::from_bytes(first).ok()
}

fn names(headers: &HeaderMap, header: HeaderName, word: &str) -> bool {
    let is_word = |part: &[u8]| part.trim_ascii().eq_ignore_ascii_case(word.as_bytes());
    headers.get_all(header).iter().any(|value| value.as_bytes().split(|&byte| byte == b',').any(is_word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Parts {
        let request =
            headers.iter().fold(http::Request::get("/"), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_key_of_the_rfc_is_answered_as_there() {
        let request = request(&[
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "13"),
        ]);
        assert!(is_upgrade(&request));
        assert_eq!(accept(&request).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn the_first_protocol_is_chosen_if_it_is_a_token() {
        let chosen = |names: &str| protocol(&request(&[("sec-websocket-protocol", names)]));
        assert_eq!(
            (chosen(" a.b , c").unwrap(), chosen("v1").unwrap()),
            ("a.b".parse().unwrap(), "v1".parse().unwrap())
        );
        for none in ["", ",a", "a b", "a;q=1,b", "\"a\""] {
            assert_eq!(chosen(none), None, "{none}");
        }
        assert_eq!(protocol(&request(&[])), None);
    }

    #[test]
    fn a_wrong_version_or_key_is_no_handshake() {
        let (key, version) = (("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), ("sec-websocket-version", "13"));
        for (wrong, headers) in [
            (HandshakeError::Version, &[key, ("sec-websocket-version", "8")][..]),
            (HandshakeError::Version, &[key]),
            (HandshakeError::Version, &[key, version, ("sec-websocket-version", "8")]),
            (HandshakeError::Key, &[("sec-websocket-key", "short"), version]),
            (HandshakeError::Key, &[version]),
            (HandshakeError::Body, &[key, version, ("content-length", "1")]),
            (HandshakeError::Body, &[key, version, ("transfer-encoding", "chunked")]),
        ] {
            assert_eq!(accept(&request(headers)), Err(wrong), "{headers:?}");
        }
        assert!(accept(&request(&[key, version, ("content-length", "0")])).is_ok());
        assert!(!is_upgrade(&request(&[("upgrade", "websocket")])));
    }
}
