//! What tokens are signed and verified with.

use jsonwebtoken::{DecodingKey, EncodingKey};
use std::fmt;
use wingbeat_core::{Error, Result};

/// How tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256; the default.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
    /// RSA with SHA-256.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl Algorithm {
    const ALL: [Algorithm; 6] =
        [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

    /// The name in a token's header.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::HS256 => "HS256",
            Algorithm::HS384 => "HS384",
            Algorithm::HS512 => "HS512",
            Algorithm::RS256 => "RS256",
            Algorithm::ES256 => "ES256",
            Algorithm::EdDSA => "EdDSA",
        }
    }

    pub(in crate::auth) fn named(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub(in crate::auth) fn inner(self) -> jsonwebtoken::Algorithm {
        match self {
            Algorithm::HS256 => jsonwebtoken::Algorithm::HS256,
            Algorithm::HS384 => jsonwebtoken::Algorithm::HS384,
            Algorithm::HS512 => jsonwebtoken::Algorithm::HS512,
            Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
            Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
        }
    }

    /// How many bytes a secret must have: as many as the hash (RFC 7518, 3.2).
    fn secret_bytes(self) -> Option<usize> {
        match self {
            Algorithm::HS256 => Some(32),
            Algorithm::HS384 => Some(48),
            Algorithm::HS512 => Some(64),
            _ => None,
        }
    }
}

/// A key for tokens, bound to one algorithm: a token that names another is refused.
#[derive(Clone)]
pub struct Key {
    pub(in crate::auth) algorithm: Algorithm,
    pub(in crate::auth) kid: Option<Box<str>>,
    pub(in crate::auth) signing: Option<EncodingKey>,
    pub(in crate::auth) verifying: DecodingKey,
}

impl Key {
    /// A secret text for HS256.
    ///
    /// # Errors
    /// If it has less than 32 bytes.
    pub fn secret(secret: &str) -> Result<Key> {
        Key::secret_for(Algorithm::HS256, secret)
    }

    /// A secret text for one of the HMAC algorithms.
    ///
    /// # Errors
    /// If it has fewer bytes than the algorithm's hash (32, 48 or 64), or the algorithm takes no secret.
    pub fn secret_for(algorithm: Algorithm, secret: &str) -> Result<Key> {
        let Some(least) = algorithm.secret_bytes() else {
            return Err(Error::general(format!("{} takes a pair of keys, not a secret", algorithm.name())));
        };
        if secret.is_empty() {
            return Err(Error::general("A 'secret' must be provided in your authentication configuration"));
        }
        if secret.len() < least {
            let (has, name) = (secret.len(), algorithm.name());
            return Err(Error::general(format!(
                "The authentication secret is too short: {name} needs {least} bytes, and it has {has}"
            )));
        }
        Ok(Key::weak_secret(algorithm, secret))
    }

    /// A secret of any length, for tests. Whoever finds a short one by trying can log in as anybody.
    ///
    /// # Panics
    /// If the algorithm takes no secret.
    pub fn weak_secret(algorithm: Algorithm, secret: &str) -> Key {
        assert!(algorithm.secret_bytes().is_some(), "{} takes no secret", algorithm.name());
        let (signing, verifying) =
            (EncodingKey::from_secret(secret.as_bytes()), DecodingKey::from_secret(secret.as_bytes()));
        Key { algorithm, kid: None, signing: Some(signing), verifying }
    }

    /// A private and a public key in PEM, for RS256, ES256 and EdDSA.
    ///
    /// # Errors
    /// If the keys are invalid, or the algorithm takes a secret.
    pub fn pair(algorithm: Algorithm, private_pem: &str, public_pem: &str) -> Result<Key> {
        let pem = private_pem.as_bytes();
        let signing = match algorithm {
            Algorithm::RS256 => EncodingKey::from_rsa_pem(pem),
            Algorithm::ES256 => EncodingKey::from_ec_pem(pem),
            Algorithm::EdDSA => EncodingKey::from_ed_pem(pem),
            _ => return Err(not_a_pair(algorithm)),
        };
        let signing = signing.map_err(|error| unfit("private", algorithm, error))?;
        Ok(Key { signing: Some(signing), ..Key::public(algorithm, public_pem)? })
    }

    /// A public key in PEM, which can only verify.
    ///
    /// # Errors
    /// If the key is invalid, or the algorithm takes a secret.
    pub fn public(algorithm: Algorithm, public_pem: &str) -> Result<Key> {
        let pem = public_pem.as_bytes();
        let verifying = match algorithm {
            Algorithm::RS256 => DecodingKey::from_rsa_pem(pem),
            Algorithm::ES256 => DecodingKey::from_ec_pem(pem),
            Algorithm::EdDSA => DecodingKey::from_ed_pem(pem),
            _ => return Err(not_a_pair(algorithm)),
        };
        let verifying = verifying.map_err(|error| unfit("public", algorithm, error))?;
        Ok(Key { algorithm, kid: None, signing: None, verifying })
    }

    /// Names the key: tokens that it signs say so (`kid`), and tokens that name a key are verified with that one only.
    #[must_use]
    pub fn kid(mut self, kid: &str) -> Key {
        self.kid = Some(kid.into());
        self
    }
}

fn not_a_pair(algorithm: Algorithm) -> Error {
    Error::general(format!("{} takes a secret, not a pair of keys", algorithm.name()))
}

fn unfit(which: &str, algorithm: Algorithm, error: jsonwebtoken::errors::Error) -> Error {
    Error::general(format!("The {which} key does not fit {}", algorithm.name())).with_source(error)
}

/// Never shows the key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signs = if self.signing.is_some() { "signs and verifies" } else { "verifies" };
        write!(f, "Key({}, {:?}, {signs})", self.algorithm.name(), self.kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_secret_is_refused() {
        assert!(Key::secret("short").unwrap_err().message().contains("needs 32 bytes, and it has 5"));
        assert!(Key::secret("").unwrap_err().message().contains("must be provided"));
        assert!(Key::secret(&"s".repeat(32)).is_ok());
        assert!(Key::secret_for(Algorithm::HS512, &"s".repeat(32)).is_err());
    }

    #[test]
    fn a_key_does_not_show_itself() {
        assert!(!format!("{:?}", Key::weak_secret(Algorithm::HS256, "swordfish")).contains("swordfish"));
    }
}
