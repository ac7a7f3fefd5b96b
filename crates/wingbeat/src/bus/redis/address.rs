//! Where the server is, and how it is connected to.

use percent_encoding::percent_decode_str;
use redis::{ConnectionAddr, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo};
use std::fmt;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use wingbeat_core::{Error, Result};

/// The port of a Sentinel.
const SENTINEL: u16 = 26379;

#[derive(Clone)]
pub(super) struct Address {
    place: Place,
    is_encrypted: bool,
    /// The file with the certificates that are trusted, if not those of the system are.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "nothing is encrypted"))]
    trusted: Option<String>,
    /// Who this program is there.
    pub(super) login: RedisConnectionInfo,
}

#[derive(Clone)]
enum Place {
    Host(String, u16),
    Socket(PathBuf),
}

/// A connection that is not encrypted, or is.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Address {
    /// # Errors
    /// If the URL is invalid, or asks for what is not supported. Nothing is told of what else stands in it: there may be a
    /// password.
    pub(super) fn read(url: &str) -> Result<Address> {
        let (scheme, rest) = url.split_once(':').ok_or_else(|| invalid("it must begin with redis://"))?;
        let (scheme, is_encrypted) = match scheme {
            "redis" | "valkey" | "unix" => (scheme, false),
            "rediss" | "valkeys" if cfg!(feature = "tls") => ("redis", true),
            "rediss" | "valkeys" => return Err(invalid("TLS needs the feature `tls` of wingbeat")),
            _ => return Err(invalid("it must begin with redis://, rediss:// or unix:")),
        };
        if rest.contains('#') {
            return Err(invalid("it has a fragment (#…), which means nothing here; certificates are always checked"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (mut trusted, mut options) = (None, Vec::new());
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslrootcert", _)) if !is_encrypted => {
                    return Err(invalid("sslrootcert is for rediss:// alone"));
                }
                Some(("sslrootcert", "system")) => trusted = None,
                Some(("sslrootcert", file)) => {
                    let file = percent_decode_str(file).decode_utf8();
                    trusted = Some(file.map_err(|_| invalid("its sslrootcert can not be read"))?.into_owned());
                }
                Some(("protocol", "3" | "resp3")) => {}
                Some(("protocol", _)) => return Err(invalid("only protocol=resp3 can be spoken")),
                Some(("user" | "pass" | "db", _)) if scheme == "unix" => options.push(option),
                _ => return Err(invalid("it has an option that is not known")),
            }
        }
        // The driver's own messages would show parts of it.
        let url = format!("{scheme}:{rest}?{}", options.join("&"));
        let info = url.into_connection_info().map_err(|_| invalid("it can not be read"))?;
        let place = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Place::Host(host.clone(), *port),
            ConnectionAddr::Unix(path) => Place::Socket(path.clone()),
            _ => return Err(invalid("its address is not supported")),
        };
        let login = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3).set_skip_set_lib_name();
        Ok(Address { place, is_encrypted, trusted, login })
    }

    /// The same for a Sentinel, whose port is another one.
    pub(super) fn of_sentinel(url: &str) -> Result<Address> {
        let mut address = Address::read(url)?;
        let says_port = url.rsplit(['@', '/']).next().is_some_and(|host| host.ends_with(":6379"));
        if let Place::Host(_, port @ 6379) = &mut address.place
            && !says_port
        {
            *port = SENTINEL;
        }
        Ok(address)
    }

    /// The name of a master, if it is one of the Sentinels.
    pub(super) fn name(&self) -> Result<&str> {
        match &self.place {
            Place::Host(name, _) => Ok(name),
            Place::Socket(_) => {
                Err(invalid("with Sentinels the URL names the master (redis://mymaster), not a socket"))
            }
        }
    }

    /// The same at another place.
    pub(super) fn at(&self, host: String, port: u16) -> Address {
        Address { place: Place::Host(host, port), ..self.clone() }
    }

    pub(super) async fn connect(&self) -> Result<Box<dyn Stream>> {
        let failed = |error| Error::unavailable(format!("{self} cannot be reached: {error}"));
        match &self.place {
            #[cfg(unix)]
            Place::Socket(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await.map_err(failed)?)),
            #[cfg(not(unix))]
            Place::Socket(_) => Err(invalid("this system has no such sockets")),
            Place::Host(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(failed)?;
                stream.set_nodelay(true).map_err(failed)?;
                if self.is_encrypted { self.encrypt(host, stream).await } else { Ok(Box::new(stream)) }
            }
        }
    }

    #[cfg(feature = "tls")]
    async fn encrypt(&self, host: &str, stream: TcpStream) -> Result<Box<dyn Stream>> {
        use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};

        let config = crate::trusted::client_config(self.trusted.as_deref())?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| invalid("its host has no certificates"))?;
        let encrypting = TlsConnector::from(config).connect(name, stream);
        let failed = |error| Error::unavailable(format!("{self} cannot be trusted, or speaks no TLS: {error}"));
        Ok(Box::new(encrypting.await.map_err(failed)?))
    }

    #[cfg(not(feature = "tls"))]
    async fn encrypt(&self, _: &str, _: TcpStream) -> Result<Box<dyn Stream>> {
        Err(invalid("TLS needs the feature `tls` of wingbeat"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Host(host, port) => write!(f, "Redis at {host}:{port}"),
            Place::Socket(path) => write!(f, "Redis at {}", path.display()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(super) fn invalid(why: &str) -> Error {
    Error::general(format!("Invalid URL of Redis: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_the_server_is_and_who_one_is_there() {
        for (url, place, user, password) in [
            ("redis://db", "Redis at db:6379", None, None),
            ("redis://:p%40ss@db:1/3", "Redis at db:1", None, Some("p@ss")),
            ("valkey://ann:secret@[::1]:7?protocol=resp3", "Redis at ::1:7", Some("ann"), Some("secret")),
            ("unix:/run/redis?user=ann&pass=secret&db=2", "Redis at /run/redis", Some("ann"), Some("secret")),
        ] {
            let address = Address::read(url).unwrap();
            assert_eq!(address.to_string(), place);
            assert_eq!((address.login.username(), address.login.password()), (user, password), "{url}");
            assert_eq!(address.login.protocol(), ProtocolVersion::RESP3);
            assert!(!format!("{address:?}").contains("secret"));
        }
        assert_eq!(Address::of_sentinel("redis://one").unwrap().to_string(), "Redis at one:26379");
        assert_eq!(Address::of_sentinel("redis://one:6379").unwrap().to_string(), "Redis at one:6379");
        assert_eq!(Address::of_sentinel("redis://one:7").unwrap().to_string(), "Redis at one:7");
    }

    #[test]
    fn what_is_not_supported_is_an_error_that_tells_no_password() {
        for url in [
            "",
            "secret",
            "http://ann:secret@db",
            "redis://ann:secret@db#insecure",
            "rediss://ann:secret@db#insecure",
            "redis://ann:secret@db?protocol=resp2",
            "redis://ann:secret@db?sslrootcert=/x",
            "redis://ann:secret@db?timeout=3",
            "redis://ann:secret@db/secret",
            "redis://ann:secret@db:secret",
            "redis://ann:secret@0.0.0.0",
        ] {
            let Err(error) = Address::read(url) else { panic!("{url}") };
            assert!(error.message().starts_with("Invalid URL of Redis: "), "{error}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn encrypted_connections_trust_the_system_or_a_file() {
        for (url, trusted) in [
            ("rediss://db", None),
            ("valkeys://db?sslrootcert=system", None),
            ("rediss://db?sslrootcert=%2Fetc%2Froot.crt", Some("/etc/root.crt")),
        ] {
            let address = Address::read(url).unwrap();
            assert!(address.is_encrypted);
            assert_eq!(address.trusted.as_deref(), trusted);
        }
    }
}
