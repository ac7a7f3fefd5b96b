//! The server's address, as a program writes it.

use crate::error::{Error, Result};
#[cfg(feature = "tls")]
use crate::transport::Trust;
use crate::transport::{Address, Dialer};
use http::{HeaderMap, Uri};

/// The address of a Socket.IO server.
///
/// # Errors
/// Why it is none.
pub(super) fn of_sockets(url: &str) -> Result<Address> {
    parse(url, |scheme, uri| match scheme {
        _ if !matches!(uri.path(), "" | "/") => {
            Err("it must not have a path (see Builder::path and Builder::namespace)")
        }
        "http" | "ws" => Ok(false),
        "https" | "wss" => Ok(true),
        _ => Err(SCHEME),
    })
    .map(|address| Address { path: "/socket.io/".to_owned(), ..address })
}

/// The address behind which services are served by REST: it may have a path.
///
/// # Errors
/// Why it is none.
pub(super) fn of_rest(url: &str) -> Result<Address> {
    parse(url, |scheme, uri| match scheme {
        _ if uri.query().is_some() => Err("it must not have a query (see Call::query)"),
        "http" => Ok(false),
        "https" => Ok(true),
        _ => Err(SCHEME),
    })
}

const SCHEME: &str = "it must begin with http:// or https://";

/// Reads an address; the caller says whether it is one, and encrypted.
fn parse(url: &str, is_secure: impl FnOnce(&str, &Uri) -> Result<bool, &'static str>) -> Result<Address> {
    // No message shows a password, not even one in the wrong place.
    let shown = url.rsplit_once('@').map_or_else(|| url.to_owned(), |(_, rest)| format!("…@{rest}"));
    let wrong = |why: &str| Error::invalid(format!("Invalid server address '{shown}': {why}"));
    let uri: Uri = url.parse().map_err(|_| wrong("it cannot be read"))?;
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    if authority.contains('@') {
        return Err(wrong("it must not hold a name or password"));
    }
    // An invalid one would count as the default.
    if authority.len() > uri.host().map_or(0, str::len) && uri.port_u16().is_none() {
        return Err(wrong("invalid port"));
    }
    let secure = is_secure(uri.scheme_str().unwrap_or_default(), &uri).map_err(wrong)?;
    let query = uri.query().filter(|query| !query.is_empty()).map(|query| format!("&{query}")).unwrap_or_default();
    Ok(Address {
        secure,
        authority,
        path: uri.path().trim_end_matches('/').to_owned(),
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
        let parse = of_sockets;
        assert!(parse("http://localhost:3030").is_ok() && parse("wss://a.example/?x=1").is_ok());
        assert!(parse("http://[::1]:3030").is_ok() && parse("http://[::1]").is_ok());
        for bad in
            ["localhost", "ftp://a", "http://a:b@c", "http://a/admin", "", "http://", "http://a b", "http://a:99999"]
        {
            assert!(matches!(parse(bad), Err(Error::Invalid(_))), "{bad}");
        }
    }

    #[test]
    fn behind_the_base_of_rest_are_the_services() {
        let path = |url| of_rest(url).map(|address| address.path);
        assert_eq!(path("http://localhost:3030").unwrap(), "");
        assert_eq!(path("https://a.example/api/v1/").unwrap(), "/api/v1");
        for bad in ["ws://a", "http://a?x=1", "http://a:b@c", "/api"] {
            assert!(matches!(path(bad), Err(Error::Invalid(_))), "{bad}");
        }
    }
}
