//! Hashing passwords, beside the calls and never more at once than the machine can bear.

use super::attempts::Place;
use super::line::{Line, Spot};
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Argon2, Params, Version};
use std::fmt;
use std::sync::Arc;
use wingbeat_core::{Error, Result};

/// Longer passwords are nobody's.
pub(super) const LONGEST: usize = 1024;

/// Hashes and verifies passwords: argon2id, and bcrypt for what was hashed elsewhere. A handle, cheap to clone.
///
/// Hashing runs on threads of its own, one less than there are processors at a time, so that other calls go on. The
/// addresses that want it take turns.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    argon: Argon2<'static>,
    /// A hash of no password, for users that do not exist: as much work as a real one.
    nobody: String,
    line: Arc<Line>,
}

/// What a password turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Wrong,
    Right,
    /// Right, but hashed in an old way.
    Outdated,
}

impl Passwords {
    /// Argon2id with the costs that OWASP advises: 19 MiB of memory, 2 passes.
    pub fn new() -> Passwords {
        Passwords::with_params(Params::DEFAULT)
    }

    /// Argon2id with other costs: KiB of memory and number of passes.
    ///
    /// # Errors
    /// If the costs are out of argon2's bounds.
    pub fn with_cost(memory: u32, passes: u32) -> Result<Passwords> {
        let params = Params::new(memory, passes, Params::DEFAULT_P_COST, None)
            .map_err(|error| Error::general(format!("Unusable costs for argon2: {error}")))?;
        Ok(Passwords::with_params(params))
    }

    fn with_params(params: Params) -> Passwords {
        // Verifying costs the same whatever the salt is and whatever should come out, so nothing need be computed.
        let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
        let (salt, output) = ("A".repeat(22), "A".repeat(43));
        let nobody = format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${output}");
        let argon = Argon2::new(argon2::Algorithm::Argon2id, Version::V0x13, params);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Passwords(Arc::new(Inner { argon, nobody, line: Line::new((processors - 1).max(1)) }))
    }

    /// The hash of a password, as text that says how it was made.
    ///
    /// # Errors
    /// BadRequest if the password has more than 1024 bytes, Unavailable if too many are waiting.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.hash_from(None, password).await
    }

    /// As [`hash`](Passwords::hash), for somebody who is somewhere.
    pub(super) async fn hash_from(&self, place: Option<Place>, password: String) -> Result<String> {
        if password.len() > LONGEST {
            return Err(Error::bad_request(format!("A password has at most {LONGEST} bytes")));
        }
        self.hash_in(&self.enter(place)?, password).await
    }

    /// As [`hash`](Passwords::hash), for somebody who stands in the line already.
    pub(super) async fn hash_in(&self, spot: &Spot, password: String) -> Result<String> {
        let inner = self.0.clone();
        work(spot, move || {
            let hash = inner.argon.hash_password_with_salt(password.as_bytes(), &random::<16>()?);
            hash.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
        })
        .await?
    }

    /// Joins the line of those who want a password hashed or verified.
    pub(super) fn enter(&self, place: Option<Place>) -> Result<Spot> {
        self.0.line.enter(place)
    }

    /// Whether a password is the stored one. Nothing stored is as much work as a wrong password.
    pub(super) async fn verify(&self, spot: &Spot, password: String, stored: Option<String>) -> Result<Verdict> {
        let inner = self.0.clone();
        work(spot, move || match &stored {
            Some(stored) => inner.compare(&password, stored),
            None => {
                inner.compare(&password, &inner.nobody);
                Verdict::Wrong
            }
        })
        .await
    }

    /// Everything that may be hashed at once, so that nothing can be.
    #[cfg(test)]
    pub(super) async fn occupy(&self) -> tokio::sync::OwnedSemaphorePermit {
        self.0.line.occupy().await
    }

    /// Every place in the line.
    #[cfg(test)]
    pub(super) fn fill(&self) -> Vec<Spot> {
        std::iter::from_fn(|| self.enter(None).ok()).collect()
    }
}

async fn work<T: Send + 'static>(spot: &Spot, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let turn = spot.turn().await?;
    // The turn goes along: a call that is given up does not make room while its hash is still being computed.
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    });
    Ok(done.await?)
}

impl Inner {
    fn compare(&self, password: &str, stored: &str) -> Verdict {
        if ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|prefix| stored.starts_with(prefix)) {
            return if bcrypt::verify(password, stored).unwrap_or(false) { Verdict::Outdated } else { Verdict::Wrong };
        }
        let Ok(hash) = PasswordHash::new(stored) else {
            tracing::error!("a stored password is no hash that is known, so nobody can log in with it");
            return Verdict::Wrong;
        };
        if self.argon.verify_password(password.as_bytes(), &hash).is_err() {
            return Verdict::Wrong;
        }
        let current = hash.algorithm.as_str() == "argon2id"
            && Params::try_from(&hash).is_ok_and(|params| {
                let mine = self.argon.params();
                (params.m_cost(), params.t_cost(), params.p_cost()) == (mine.m_cost(), mine.t_cost(), mine.p_cost())
            });
        if current { Verdict::Right } else { Verdict::Outdated }
    }
}

impl Default for Passwords {
    fn default() -> Passwords {
        Passwords::new()
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> Passwords {
        Passwords::with_cost(Params::MIN_M_COST, 1).unwrap()
    }

    async fn verdict(passwords: &Passwords, password: &str, stored: Option<&str>) -> Verdict {
        let spot = passwords.enter(None).unwrap();
        passwords.verify(&spot, password.into(), stored.map(Into::into)).await.unwrap()
    }

    #[tokio::test]
    async fn a_password_is_known_again_by_its_hash() {
        let passwords = cheap();
        let hash = passwords.hash("swordfish".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert_ne!(hash, passwords.hash("swordfish".into()).await.unwrap(), "no salt");
        let verify = async |password: &str, hash: &str| verdict(&passwords, password, Some(hash)).await;
        assert_eq!(verify("swordfish", &hash).await, Verdict::Right);
        assert_eq!(verify("Swordfish", &hash).await, Verdict::Wrong);
        assert_eq!(verify("swordfish", "plain text").await, Verdict::Wrong);
        assert_eq!(verify("plain text", "plain text").await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn hashes_of_old_are_right_but_outdated() {
        let old = [
            "$2a$04$abcdefghijklmnopqrstuuCHf7DUmNUvMBdGje9JveOQe49tH5xFK".to_owned(),
            Passwords::with_cost(Params::MIN_M_COST, 2).unwrap().hash("secret1".into()).await.unwrap(),
        ];
        for old in old {
            assert_eq!(verdict(&cheap(), "secret1", Some(&old)).await, Verdict::Outdated);
            assert_eq!(verdict(&cheap(), "secret2", Some(&old)).await, Verdict::Wrong);
        }
    }

    #[tokio::test]
    async fn nobody_has_a_password() {
        let passwords = cheap();
        assert!(PasswordHash::new(&passwords.0.nobody).is_ok(), "verifying would be no work");
        assert_eq!(verdict(&passwords, "", None).await, Verdict::Wrong);
    }
}
