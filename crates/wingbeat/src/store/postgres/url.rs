//! What the URL of a database says.

use super::PostgresSettings;
use crate::store::sql::url::{Encryption, ServerUrl, invalid};
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use wingbeat_core::Result;

/// Where the database is, and how the way there is encrypted.
pub(super) struct Address {
    pub(super) config: Config,
    /// The certificates that are trusted: those of a file, or of the system.
    pub(super) trusted: Option<String>,
}

impl Address {
    /// # Errors
    /// If the URL is invalid, or asks for what is not supported. Nothing is told of what else stands in it: there may be a
    /// password.
    pub(super) fn read(url: &str, settings: PostgresSettings) -> Result<Address> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(invalid("it must begin with postgres://"));
        }
        let ServerUrl { rest, encryption, trusted, options } = ServerUrl::read(url)?;
        let rest = if options.is_empty() { rest } else { format!("{rest}?{}", options.join("&")) };
        let mut config: Config = rest.parse().map_err(|error| invalid("it can not be read").with_source(error))?;
        config.ssl_mode(match encryption {
            Encryption::Off => SslMode::Disable,
            Encryption::Preferred => SslMode::Prefer,
            Encryption::Required => SslMode::Require,
        });
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(settings.wait);
        }
        if config.get_application_name().is_none() {
            config.application_name("wingbeat");
        }
        // A server that has gone without a word is noticed.
        config.keepalives_idle(Duration::from_secs(30));
        config.keepalives_interval(Duration::from_secs(10));
        config.keepalives_retries(3);
        Ok(Address { config, trusted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(query: &str) -> Result<(SslMode, Option<String>)> {
        let address = Address::read(&format!("postgres://ann:secret@db/x?{query}"), PostgresSettings::default())?;
        Ok((address.config.get_ssl_mode(), address.trusted))
    }

    #[test]
    fn what_is_not_supported_is_an_error_that_tells_no_password() {
        for query in ["sslmode=verify-ca", "sslmode=allow", "sslmode=x", "sslcert=x", "nothing=1", "sslrootcert=%ff"] {
            let error = mode(query).unwrap_err();
            assert!(error.message().starts_with("Invalid database URL: "), "{error}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn the_mode_of_the_url_is_kept() {
        for (query, expected) in [
            ("", (SslMode::Prefer, None)),
            ("sslmode=disable&application_name=x", (SslMode::Disable, None)),
            ("sslmode=require", (SslMode::Require, None)),
            ("connect_timeout=3&sslmode=verify-full&sslrootcert=system", (SslMode::Require, None)),
            ("sslrootcert=%2Fetc%2Froot.crt&sslmode=verify-full", (SslMode::Require, Some("/etc/root.crt".to_owned()))),
        ] {
            assert_eq!(mode(query).unwrap(), expected, "{query}");
        }
    }
}
