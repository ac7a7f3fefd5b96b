//! Hashing passwords, beside the calls and never more at once than the machine can bear.

use super::hasher::{COST_OF_BCRYPT, Hasher, LONGEST, Verdict};
use crate::fair::{Gate, Permit, attended, current};
use argon2::Params;
use std::fmt;
use std::sync::Arc;
use wingbeat_core::{Error, Result};

/// How many hashes may wait.
const WAITING: usize = 1024;

/// Hashes and verifies passwords: argon2id, and bcrypt for what was hashed elsewhere. A handle, cheap to clone.
///
/// Hashing runs on threads of its own, one less than there are processors at a time, so that other calls go on. The
/// addresses that want it take turns, and so do the connections of one.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    hasher: Hasher,
    gate: Arc<Gate>,
}

impl Passwords {
    /// Argon2id with the costs that OWASP advises: 19 MiB of memory, 2 passes.
    pub fn new() -> Passwords {
        Passwords::of(Hasher::argon2id(Params::DEFAULT))
    }

    /// Argon2id with other costs: KiB of memory and number of passes.
    ///
    /// # Errors
    /// If the costs are out of argon2's bounds.
    pub fn with_cost(memory: u32, passes: u32) -> Result<Passwords> {
        let params = Params::new(memory, passes, Params::DEFAULT_P_COST, None)
            .map_err(|error| Error::general(format!("Invalid costs for argon2: {error}")))?;
        Ok(Passwords::of(Hasher::argon2id(params)))
    }

    /// Bcrypt at the cost that Feathers has (10): for a database that a server on Node also reads, or may read again.
    ///
    /// Hashes by bcrypt stay as they are, and new ones are bcrypt's too; those by argon2id are replaced at the next login.
    /// Bcrypt is easier to attack than argon2id, and looks at 72 bytes of a password only: longer ones are refused.
    ///
    /// ```
    /// use wingbeat::auth::{Local, Passwords};
    ///
    /// let local = Local::new("email", "password").passwords(Passwords::keep_bcrypt());
    /// ```
    pub fn keep_bcrypt() -> Passwords {
        Passwords::of(Hasher::bcrypt(COST_OF_BCRYPT))
    }

    /// As [`keep_bcrypt`](Passwords::keep_bcrypt) with another cost, `local.hashSize` in Feathers. Hashes of other costs
    /// stay as they are.
    ///
    /// # Errors
    /// If the cost is not between 4 and 31.
    pub fn keep_bcrypt_with_cost(cost: u32) -> Result<Passwords> {
        match cost {
            4..=31 => Ok(Passwords::of(Hasher::bcrypt(cost))),
            _ => Err(Error::general(format!("Invalid cost for bcrypt: {cost} is not between 4 and 31"))),
        }
    }

    fn of(hasher: Hasher) -> Passwords {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Passwords(Arc::new(Inner { hasher, gate: Gate::for_work(processors - 1, WAITING) }))
    }

    /// The hash of a password, as text that says how it was made.
    ///
    /// # Errors
    /// BadRequest if the password has more than 1024 bytes (of bcrypt: 72), TooManyRequests if too many are waiting.
    pub async fn hash(&self, password: String) -> Result<String> {
        let longest = self.0.hasher.longest();
        if password.len() > longest {
            return Err(Error::bad_request(format!("A password has at most {longest} bytes")));
        }
        let (permit, inner) = (self.enter().await?, self.0.clone());
        work(permit, move || inner.hasher.hash(&password)).await?
    }

    /// Whether a password is the one that a hash was made of, argon2id's or bcrypt's: for a service that asks for it again,
    /// before it changes a password or deletes an account. An invalid hash fits no password.
    ///
    /// This counts no attempts, as [`Local`](super::Local) does: ask only those who have logged in.
    ///
    /// ```
    /// use wingbeat::auth::Passwords;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> wingbeat::Result<()> {
    /// let passwords = Passwords::new();
    /// let hash = passwords.hash("correct horse".into()).await?;
    /// assert!(passwords.verify("correct horse".into(), &hash).await?);
    /// assert!(!passwords.verify("battery staple".into(), &hash).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// TooManyRequests if too many are waiting.
    pub async fn verify(&self, password: String, hash: &str) -> Result<bool> {
        if password.len() > LONGEST {
            return Ok(false);
        }
        let permit = self.enter().await?;
        Ok(self.compare(permit, password, Some(hash.to_owned())).await? != Verdict::Wrong)
    }

    /// Waits for the turn of whoever's call this is.
    ///
    /// # Errors
    /// TooManyRequests if too many are waiting, Gone if the client has gone.
    pub(super) async fn enter(&self) -> Result<Permit> {
        attended(self.0.gate.enter(current())).await
    }

    /// Whether a password is the stored one. Nothing stored is as much work as a wrong password.
    pub(super) async fn compare(&self, permit: Permit, password: String, stored: Option<String>) -> Result<Verdict> {
        let inner = self.0.clone();
        work(permit, move || inner.hasher.compare(&password, stored.as_deref())).await
    }

    /// Takes all permits, so that nothing can be hashed.
    #[cfg(test)]
    pub(super) async fn occupy(&self) -> Vec<Permit> {
        let first = self.enter().await.expect("the queue is empty");
        std::iter::once(first).chain(std::iter::from_fn(|| self.0.gate.try_enter(current()))).collect()
    }
}

async fn work<T: Send + 'static>(permit: Permit, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    // The permit goes along: a call that is given up does not make room while its hash is still being computed.
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(permit);
        done
    });
    Ok(done.await?)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> Passwords {
        Passwords::with_cost(Params::MIN_M_COST, 1).unwrap()
    }

    async fn verdict(passwords: &Passwords, password: &str, stored: Option<&str>) -> Verdict {
        let permit = passwords.enter().await.unwrap();
        passwords.compare(permit, password.into(), stored.map(Into::into)).await.unwrap()
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
    async fn a_service_can_ask_for_a_password_again() {
        let (passwords, bcrypt) = (cheap(), Passwords::keep_bcrypt_with_cost(4).unwrap());
        for hash in [passwords.hash("secret1".into()).await.unwrap(), bcrypt.hash("secret1".into()).await.unwrap()] {
            assert!(passwords.verify("secret1".into(), &hash).await.unwrap());
            assert!(!passwords.verify("secret2".into(), &hash).await.unwrap());
        }
        assert!(!passwords.verify("secret1".into(), "secret1").await.unwrap());
        assert!(!passwords.verify("x".repeat(LONGEST + 1), "").await.unwrap());
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
    async fn what_is_kept_as_bcrypt_stays_so_and_what_is_new_becomes_it() {
        let passwords = Passwords::keep_bcrypt_with_cost(4).unwrap();
        let own = passwords.hash("secret1".into()).await.unwrap();
        assert!(own.starts_with("$2b$04$") && own.len() == 60, "{own}");
        for kept in ["$2a$04$abcdefghijklmnopqrstuuCHf7DUmNUvMBdGje9JveOQe49tH5xFK", &own] {
            assert_eq!(verdict(&passwords, "secret1", Some(kept)).await, Verdict::Right, "{kept}");
        }
        // The way back for those who logged in meanwhile.
        let argon = cheap().hash("secret1".into()).await.unwrap();
        assert_eq!(verdict(&passwords, "secret1", Some(&argon)).await, Verdict::Outdated);
        let at_most = passwords.hash("x".repeat(73)).await.unwrap_err();
        assert_eq!((at_most.code(), at_most.message()), (400, "A password has at most 72 bytes"));
        assert_eq!(
            verdict(&passwords, &"x".repeat(72), Some(&passwords.hash("x".repeat(72)).await.unwrap())).await,
            Verdict::Right
        );
        assert!(Passwords::keep_bcrypt_with_cost(3).is_err() && Passwords::keep_bcrypt_with_cost(32).is_err());
        assert!(Passwords::keep_bcrypt().hash("secret1".into()).await.unwrap().starts_with("$2b$10$"));
    }
}
