//! Hashes of passwords: argon2id, and bcrypt for what was hashed elsewhere.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Argon2, Params, Version};
use wingbeat_core::{Error, Result};
use wingbeat_protocol::LogThrottle;

/// The longest password, in bytes.
pub(super) const LONGEST: usize = 1024;
/// How many bytes of a password bcrypt looks at.
const LONGEST_OF_BCRYPT: usize = 72;
/// The cost of bcrypt in Feathers.
pub(super) const COST_OF_BCRYPT: u32 = 10;
/// How hashes by bcrypt begin.
const BCRYPT: [&str; 4] = ["$2a$", "$2b$", "$2x$", "$2y$"];

/// Makes hashes of passwords and compares these with them, which takes long.
pub(super) struct Hasher {
    argon: Argon2<'static>,
    /// The cost of new hashes, if they are bcrypt's.
    bcrypt: Option<u32>,
    /// A hash of no password, for users that do not exist: as much work as a real one.
    nobody: String,
}

/// What a password turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Wrong,
    Right,
    /// Right, but hashed in an old way.
    Outdated,
}

impl Hasher {
    /// Argon2id with these costs.
    pub(super) fn argon2id(params: Params) -> Hasher {
        // Verifying costs the same whatever the salt is and whatever should come out, so nothing need be computed.
        let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
        let (salt, output) = ("A".repeat(22), "A".repeat(43));
        let nobody = format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${output}");
        Hasher { argon: Argon2::new(argon2::Algorithm::Argon2id, Version::V0x13, params), bcrypt: None, nobody }
    }

    /// Bcrypt at this cost.
    pub(super) fn bcrypt(cost: u32) -> Hasher {
        Hasher { argon: Argon2::default(), bcrypt: Some(cost), nobody: format!("$2b${cost:02}${}", ".".repeat(53)) }
    }

    /// How many bytes a password may have.
    pub(super) fn longest(&self) -> usize {
        if self.bcrypt.is_some() { LONGEST_OF_BCRYPT } else { LONGEST }
    }

    pub(super) fn hash(&self, password: &str) -> Result<String> {
        match self.bcrypt {
            Some(cost) => Ok(bcrypt::hash(password, cost)?),
            None => {
                let hash = self.argon.hash_password_with_salt(password.as_bytes(), &random::<16>()?);
                hash.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
            }
        }
    }

    /// Whether a password is the stored one. Nothing stored is as much work as a wrong password.
    pub(super) fn compare(&self, password: &str, stored: Option<&str>) -> Verdict {
        match stored {
            Some(stored) => self.compare_with(password, stored),
            None => {
                self.compare_with(password, &self.nobody);
                Verdict::Wrong
            }
        }
    }

    fn compare_with(&self, password: &str, stored: &str) -> Verdict {
        if BCRYPT.iter().any(|prefix| stored.starts_with(prefix)) {
            let right = if self.bcrypt.is_some() { Verdict::Right } else { Verdict::Outdated };
            return if bcrypt::verify(password, stored).unwrap_or(false) { right } else { Verdict::Wrong };
        }
        let Ok(hash) = PasswordHash::new(stored) else {
            static UNKNOWN: LogThrottle = LogThrottle::new();
            if let Some(times) = UNKNOWN.happened() {
                tracing::error!(times, "a stored password has an unknown kind of hash, so nobody can log in with it");
            }
            return Verdict::Wrong;
        };
        if self.argon.verify_password(password.as_bytes(), &hash).is_err() {
            return Verdict::Wrong;
        }
        let current = self.bcrypt.is_none()
            && hash.algorithm.as_str() == "argon2id"
            && Params::try_from(&hash).is_ok_and(|params| {
                let mine = self.argon.params();
                (params.m_cost(), params.t_cost(), params.p_cost()) == (mine.m_cost(), mine.t_cost(), mine.p_cost())
            });
        if current { Verdict::Right } else { Verdict::Outdated }
    }
}

pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_a_password() {
        let argon = Hasher::argon2id(Params::new(Params::MIN_M_COST, 1, 1, None).unwrap());
        assert!(PasswordHash::new(&argon.nobody).is_ok(), "verifying would be no work");
        assert_eq!(argon.compare("", None), Verdict::Wrong);
        let bcrypt = Hasher::bcrypt(4);
        assert!(!bcrypt::verify("", &bcrypt.nobody).unwrap(), "an error would be no work");
        assert_eq!(bcrypt.compare("", None), Verdict::Wrong);
    }
}
