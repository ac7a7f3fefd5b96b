//! The server's address, as a program writes it.

use crate::error::{Error, Result};
#[cfg(feature = "tls")]
use crate::transport::Trust;
use crate::transport::{Address, Dialer};
use http::{HeaderMap, Uri};

/// Reads an address.
///
/// # Errors
/// Why it is not the address of a server.
pub(super) fn parse(url: &str) -> Result<Address> {
    // No message shows a password, not even one in the wrong place.
    let shown = url.rsplit_once('@').map_or_else(|| url.to_owned(), |(_, rest)| format!("…@{rest}"));
    let wrong = |why: &str| Error::invalid(format!("Invalid server address '{shown}': {why}"));
    let uri: Uri = url.parse().map_err(|_| wrong("it cannot be read"))?;
    let secure = match uri.scheme_str() {
        Some("http" | "ws") => false,
        Some("https" | "wss") => true,
        _ => return Err(wrong("it must begin with http:// or https://")),
    };
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    if authority.contains('@') {
        return Err(wrong("it must not hold a name or password"));
    }
    // An invalid one would count as the default.
    if authority.len() > uri.host().map_or(0, str::len) && uri.port_u16().is_none() {
        return Err(wrong("invalid port"));
    }
    if !matches!(uri.path(), "" | "/") {
        return Err(wrong("it must not have a path (see Builder::path and Builder::namespace)"));
    }
    let query = uri.query().filter(|query| !query.is_empty()).map(|query| format!("&{query}")).unwrap_or_default();
    Ok(Address {
        secure,
        authority,
        path: "/socket.io/".to_owned(),
        query,
        headers: HeaderMap::new(),
        dialer: Dialer::through(super::network::from_environment()),
        #[cfg(feature = "tls")]
        trust: Trust::default(),
        max_payload: 64 << 20,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        assert!(parse("http://localhost:3030").is_ok() && parse("wss://a.example/?x=1").is_ok());
        assert!(parse("http://[::1]:3030").is_ok() && parse("http://[::1]").is_ok());
        for bad in
            ["localhost", "ftp://a", "http://a:b@c", "http://a/admin", "", "http://", "http://a b", "http://a:99999"]
        {
            assert!(matches!(parse(bad), Err(Error::Invalid(_))), "{bad}");
        }
    }
}
