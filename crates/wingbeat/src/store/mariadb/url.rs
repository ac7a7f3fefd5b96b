//! What the URL of a database says.

use super::MariaDbSettings;
use crate::store::sql::url::{Encryption, ServerUrl, decoded, invalid};
use mysql_async::{Opts, OptsBuilder};
use std::time::Duration;
use wingbeat_core::Result;

/// Where the database is, and how the way there is encrypted.
pub(super) struct Address {
    pub(super) opts: OptsBuilder,
    pub(super) encryption: Encryption,
    /// The certificates that are trusted: those of a file, or of the system.
    pub(super) trusted: Option<String>,
}

impl Address {
    /// # Errors
    /// If the URL is invalid, or asks for what is not supported. Nothing is told of what else stands in it: there may be a
    /// password.
    pub(super) fn read(url: &str, settings: MariaDbSettings) -> Result<Address> {
        let Some(rest) = ["mariadb://", "mysql://"].iter().find_map(|scheme| url.strip_prefix(scheme)) else {
            return Err(invalid("it must begin with mariadb:// or mysql://"));
        };
        let server = ServerUrl::read(rest)?;
        let mut socket = None;
        for option in &server.options {
            match option.split_once('=') {
                Some(("socket", path)) => {
                    socket = Some(decoded(path).ok_or_else(|| invalid("its socket can not be read"))?);
                }
                _ => return Err(invalid("it has an unknown option: sslmode, sslrootcert and socket are known")),
            }
        }
        let opts = Opts::from_url(&format!("mysql://{}", server.rest));
        let opts = opts.map_err(|error| invalid("it can not be read").with_source(error))?;
        let opts = OptsBuilder::from_opts(opts)
            // It would leave the server of the URL for a file that this one names.
            .prefer_socket(false)
            .socket(socket)
            // The matching records, and not only those that were not what they are already.
            .client_found_rows(true)
            // `Connection` asks the server, and keeps statements.
            .max_allowed_packet(Some(1 << 30))
            .wait_timeout(Some(28_800))
            .stmt_cache_size(0_usize)
            .init(vec![session(settings)])
            // A server that has gone without a word is noticed.
            .tcp_keepalive(Some(Duration::from_secs(30)));
        Ok(Address { opts, encryption: server.encryption, trusted: server.trusted })
    }
}

/// What must be the same on each connection: what does not fit is an error, 0 is a number like others, a moment is one of
/// UTC, and how long statements may take.
fn session(settings: MariaDbSettings) -> String {
    // MariaDB takes 0 for no limit at all.
    let limit = settings.statement.as_secs_f64().clamp(0.001, 31_536_000.0);
    format!(
        "SET autocommit = 1, time_zone = '+00:00', max_statement_time = {limit:.3}, sql_mode = 'STRICT_ALL_TABLES,\
         NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Address> {
        Address::read(url, MariaDbSettings::default())
    }

    #[test]
    fn what_is_not_supported_is_an_error_that_tells_no_password() {
        for url in [
            "postgres://ann:secret@db/x",
            "mariadb://ann:secret@db/x?sslmode=verify-ca",
            "mariadb://ann:secret@db/x?pool_max=secret",
            "mariadb://ann:secret@db:port/x",
            "mysql://ann:secret@db/x?sslrootcert=%ff",
        ] {
            let Err(error) = read(url) else { panic!("{url}") };
            assert!(error.message().starts_with("Invalid database URL: "), "{error}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn the_parts_of_the_url_are_kept() {
        let address = read("mariadb://ann:p%40ss@db:3307/shop?sslmode=disable&socket=%2Frun%2Fdb.sock").unwrap();
        let opts = Opts::from(address.opts);
        assert_eq!((opts.user(), opts.pass(), opts.db_name()), (Some("ann"), Some("p@ss"), Some("shop")));
        assert_eq!((opts.ip_or_hostname(), opts.tcp_port(), opts.socket()), ("db", 3307, Some("/run/db.sock")));
        assert_eq!((address.encryption, address.trusted), (Encryption::Off, None));
    }
}
