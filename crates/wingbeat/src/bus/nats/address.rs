//! Where the servers are, and who one is there.

use async_nats::ServerAddr;
use percent_encoding::percent_decode_str;
use std::fmt;
use wingbeat_core::{Error, Result};

#[derive(Clone)]
pub(super) struct Servers {
    pub(super) addresses: Vec<ServerAddr>,
    /// Name and password.
    pub(super) login: Option<(String, String)>,
    /// The file with the certificates that are trusted, if not those of the system are.
    pub(super) trusted: Option<String>,
}

impl Servers {
    /// # Errors
    /// If a URL is invalid, or asks for what is not supported. Nothing is told of what else stands in it: there may be a
    /// password.
    pub(super) fn read(urls: &str) -> Result<Servers> {
        let mut servers = Servers { addresses: Vec::new(), login: None, trusted: None };
        for url in urls.split(',').map(str::trim) {
            servers.add(url)?;
        }
        Ok(servers)
    }

    fn add(&mut self, url: &str) -> Result<()> {
        if !url.starts_with("nats://") && !url.starts_with("tls://") {
            return Err(invalid("it must begin with nats:// or tls://"));
        }
        if url.contains('#') {
            return Err(invalid("it has a fragment (#…), which means nothing here"));
        }
        let (url, query) = url.split_once('?').unwrap_or((url, ""));
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslrootcert", "system")) => self.trusted = None,
                Some(("sslrootcert", file)) => self.trusted = Some(decoded(file, "its sslrootcert can not be read")?),
                _ => return Err(invalid("it has an option that is not known")),
            }
        }
        // The driver's own messages would show parts of it.
        let address: ServerAddr = url.parse().map_err(|_| invalid("it can not be read"))?;
        if address.host().is_empty() {
            return Err(invalid("it names no host"));
        }
        if url.split_once("://").is_some_and(|(_, rest)| rest.trim_end_matches('/').contains('/')) {
            return Err(invalid("it has a path, which means nothing here; a prefix is said by `prefix`"));
        }
        if let Some(user) = address.username() {
            let Some(password) = address.password() else {
                return Err(invalid("it has a user without a password; a token is said by `token`"));
            };
            let unreadable = "its user and password can not be read";
            let login = (decoded(user, unreadable)?, decoded(password, unreadable)?);
            if self.login.as_ref().is_some_and(|other| *other != login) {
                return Err(invalid("all servers have the same user and password"));
            }
            self.login = Some(login);
        }
        self.addresses.push(address);
        Ok(())
    }
}

fn decoded(text: &str, unreadable: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| invalid(unreadable))?;
    Ok(decoded.into_owned())
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NATS at ")?;
        for (n, address) in self.addresses.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{}:{}", address.host(), address.port())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn invalid(why: &str) -> Error {
    Error::general(format!("Invalid URL of NATS: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_say_where_the_servers_are_and_who_one_is_there() {
        let servers =
            Servers::read("nats://ann:s%40e@one, tls://ann:s%40e@[::1]:7?sslrootcert=%2Fetc%2Froot.crt").unwrap();
        assert_eq!(servers.to_string(), "NATS at one:4222, ::1:7");
        assert_eq!(servers.login, Some(("ann".to_owned(), "s@e".to_owned())));
        assert_eq!(servers.trusted.as_deref(), Some("/etc/root.crt"));
        assert!(!format!("{servers:?}").contains("ann"));
    }

    #[test]
    fn what_is_not_supported_is_an_error_that_tells_no_password() {
        for url in [
            "",
            "secret",
            "ws://ann:secret@db",
            "nats://",
            "nats://secret@db",
            "nats://ann:secret@db/x",
            "nats://ann:secret@db?x=1",
            "nats://ann:secret@db#x",
            "nats://ann:secret@db:secret",
            "nats://ann:secret@db,",
            "nats://ann:secret@db,nats://bob:secret@db",
        ] {
            let Err(error) = Servers::read(url) else { panic!("{url}") };
            assert!(error.message().starts_with("Invalid URL of NATS: "), "{error}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }
}
