//! Whether the client is authenticated, and what a login means for the calls that wait for it.

use super::Task;
use crate::connection::{Answer, Kind, Outbound, PendingCall, Shared, Unsent};
use crate::error::{Error, Result};
use serde_json::Value;
use std::sync::Arc;
use tokio::time::Instant;

#[derive(Default)]
pub(crate) struct Login {
    /// Logins that wait to be sent or for their answer. While there are any, calls wait.
    running: usize,
    authenticated: bool,
    /// The newest that has succeeded, by the id that it was sent under.
    newest: Option<u64>,
}

impl Login {
    pub(crate) fn begin(&mut self) {
        self.running += 1;
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running > 0
    }

    /// A login ends without an outcome.
    pub(crate) fn forget_one(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    pub(crate) fn forget_running(&mut self) {
        self.running = 0;
    }
}

impl Task {
    /// A call of a namespace has ended, in whatever way.
    pub(crate) fn finish(&mut self, at: usize, outbound: Outbound, outcome: Result<Answer>) {
        match outbound.pending.kind {
            Kind::Login => self.login_finished(at, outbound, outcome),
            Kind::Logout => self.logout_finished(outbound, outcome),
            Kind::Call | Kind::Direct | Kind::Event | Kind::Reply => outbound.finish(outcome),
        }
    }

    fn login_finished(&mut self, at: usize, outbound: Outbound, outcome: Result<Answer>) {
        self.login.forget_one();
        let sent = outbound.pending.place().id();
        let read = outcome.and_then(|answer| {
            let value: Value = answer.read()?;
            Ok((answer, value))
        });
        let outcome = match read {
            Ok((answer, value)) => {
                self.login.newest = self.login.newest.max(sent);
                self.logged_in(value).map(|()| answer)
            }
            // The client is logged in by one that was sent after it.
            Err(error) if sent.is_some() && sent < self.login.newest => Err(error),
            Err(error) => {
                self.login_failed(at, &error);
                Err(error)
            }
        };
        outbound.finish(outcome);
    }

    fn logged_in(&mut self, value: Value) -> Result<()> {
        self.login.authenticated = true;
        self.shared.logged_in(Arc::new(value))
    }

    /// Calls that waited for a login fail with it.
    fn login_failed(&mut self, at: usize, error: &Error) {
        self.login.authenticated = false;
        self.shared.login_failed(error);
        self.namespaces[at].fail_waiting(&error.of_login(), true);
    }

    fn logout_finished(&mut self, outbound: Outbound, outcome: Result<Answer>) {
        let outcome = outcome.and_then(|answer| answer.read::<Value>().map(|_| answer));
        self.login.authenticated = false;
        outbound.finish(self.shared.logged_out(outcome));
    }

    /// A new connection knows nothing of the login: tell it, before the calls that wait.
    pub(crate) fn re_authenticate(&mut self) {
        if !self.login.authenticated {
            return;
        }
        match stored_login(&self.shared) {
            Ok(json) => {
                let packet = Unsent { json, attachments: None };
                let mut login = PendingCall::new(Kind::Login, &packet, self.shared.options.timeout).own(packet);
                let deadline = login.begin(Instant::now());
                self.login.begin();
                self.namespaces[0].push_first(login);
                self.alarm_by(deadline);
            }
            Err(error) => self.login_failed(0, &error),
        }
    }
}

/// The call that authenticates with the stored token.
fn stored_login(shared: &Shared) -> Result<Vec<u8>> {
    let login = shared.stored_login()?;
    serde_json::to_vec(&("create", &shared.options.authentication_path, login, serde_json::json!({})))
        .map_err(Error::unwritable)
}
