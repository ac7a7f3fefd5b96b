//! What the URLs of database servers have in common.

use percent_encoding::percent_decode_str;
use wingbeat_core::{Error, Result};

/// The parts of a URL.
pub(in crate::store) struct ServerUrl {
    /// Without the options.
    pub(in crate::store) rest: String,
    pub(in crate::store) encryption: Encryption,
    /// The file with the certificates that are trusted (`sslrootcert`), if not those of the system are.
    pub(in crate::store) trusted: Option<String>,
    /// All other options, as they are.
    pub(in crate::store) options: Vec<String>,
}

/// How the way to the server is encrypted (`sslmode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Encryption {
    Off,
    /// If the server can.
    Preferred,
    Required,
}

impl ServerUrl {
    /// Reads a URL, of which what comes before its options may be anything.
    ///
    /// # Errors
    /// If an option can not be read, or asks for what is not supported.
    pub(in crate::store) fn read(url: &str) -> Result<ServerUrl> {
        let (rest, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut trusted, mut options) = ("prefer", None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", "system")) => trusted = None,
                Some(("sslrootcert", value)) => {
                    trusted = Some(decoded(value).ok_or_else(|| invalid("its sslrootcert can not be read"))?);
                }
                _ => options.push(pair.to_owned()),
            }
        }
        let encryption = match mode {
            "disable" => Encryption::Off,
            "prefer" if cfg!(feature = "tls") => Encryption::Preferred,
            "prefer" => Encryption::Off,
            "require" | "verify-full" if cfg!(feature = "tls") => Encryption::Required,
            "require" | "verify-full" => {
                return Err(invalid(&format!("sslmode={mode} needs the feature `tls` of wingbeat")));
            }
            "allow" | "verify-ca" => {
                return Err(invalid(&format!("sslmode={mode} is not supported; verify-full is, and so is require")));
            }
            _ => return Err(invalid("its sslmode is unknown")),
        };
        Ok(ServerUrl { rest: rest.to_owned(), encryption, trusted, options })
    }
}

/// What stands there as `%2F` and the like.
pub(in crate::store) fn decoded(text: &str) -> Option<String> {
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

pub(in crate::store) fn invalid(why: &str) -> Error {
    Error::general(format!("Invalid database URL: {why}"))
}
