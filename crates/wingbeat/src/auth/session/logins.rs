//! Logins under way, so that a logout meanwhile ends them as well.

use crate::locked;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use wingbeat_core::{Error, Result};

/// All logins of an authenticator that have begun and not ended.
///
/// Between reading a record and the session that comes of it lies a hash, and whoever is logged out in that time (the
/// password was changed) has no session yet that could be ended.
#[derive(Default)]
pub(in crate::auth) struct Logins(Arc<Mutex<LoginsUnderWay>>);

#[derive(Default)]
struct LoginsUnderWay {
    /// Logins and logouts, counted together: which of two came first.
    next: u64,
    logins: BTreeSet<u64>,
    /// Who was logged out since the oldest of the logins began; `None` stands for everybody.
    out: Vec<(u64, Option<Box<str>>)>,
}

/// A login that has begun. It ends when this is dropped.
pub(in crate::auth) struct LoginUnderWay {
    running: Arc<Mutex<LoginsUnderWay>>,
    number: u64,
}

impl Logins {
    pub(in crate::auth) fn begin(&self) -> LoginUnderWay {
        let mut running = locked(&self.0);
        let number = running.tick();
        running.logins.insert(number);
        LoginUnderWay { running: self.0.clone(), number }
    }

    /// Makes all logins under way of the user with this id, or of everybody, fail. Call it before the sessions are
    /// looked through: a login is checked after its session can be found.
    pub(in crate::auth) fn fail(&self, id: Option<&str>) {
        let mut running = locked(&self.0);
        if !running.logins.is_empty() {
            let number = running.tick();
            running.out.push((number, id.map(Into::into)));
        }
    }
}

impl LoginsUnderWay {
    fn tick(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl LoginUnderWay {
    /// # Errors
    /// NotAuthenticated if this subject has been logged out since the login began.
    pub(in crate::auth) fn check(&self, subject: Option<&str>) -> Result<()> {
        let running = locked(&self.running);
        let mut later = running.out.iter().filter(|(number, _)| *number > self.number);
        match later.any(|(_, id)| id.is_none() || id.as_deref() == subject) {
            true => Err(Error::not_authenticated("Logged out while logging in")),
            false => Ok(()),
        }
    }
}

impl Drop for LoginUnderWay {
    fn drop(&mut self) {
        let mut running = locked(&self.running);
        running.logins.remove(&self.number);
        match running.logins.first().copied() {
            Some(oldest) => running.out.retain(|(number, _)| *number > oldest),
            None => running.out = Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_fails_if_its_user_was_logged_out_since_it_began() {
        let logins = Logins::default();
        let before = logins.begin();
        logins.fail(Some("1"));
        let after = logins.begin();
        assert!(before.check(Some("1")).is_err());
        assert!(before.check(Some("2")).is_ok() && before.check(None).is_ok() && after.check(Some("1")).is_ok());
        logins.fail(None);
        assert!(after.check(Some("2")).is_err() && after.check(None).is_err());
    }

    #[test]
    fn nothing_is_kept_for_logins_that_have_ended() {
        let logins = Logins::default();
        logins.fail(Some("1"));
        assert!(locked(&logins.0).out.is_empty());
        let (first, second) = (logins.begin(), logins.begin());
        logins.fail(Some("1"));
        drop(first);
        assert!(second.check(Some("1")).is_err());
        drop(second);
        let running = locked(&logins.0);
        assert!(running.out.is_empty() && running.logins.is_empty());
    }
}
