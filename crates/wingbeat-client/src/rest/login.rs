//! Who the client is for a server that does not remember it: a token in each request.

use super::{Outgoing, RestHandle};
use crate::error::{Error, Problem, Result};
use crate::locked;
use http::HeaderValue;
use serde_json::Value;
use std::future::ready;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use wingbeat_core::{IdArg, Method, RawJson};

/// Logins and logouts, by the order in which they began.
#[derive(Default)]
pub(super) struct Logins(Mutex<State>);

#[derive(Default)]
struct State {
    begun: u64,
    /// The newest that has succeeded: what an older one brings later does not count.
    newest: u64,
    /// What becomes of the login that calls wait for: of the newest that is under way.
    running: Option<Ending>,
}

/// The token that a login brings, or why it fails, once it has ended.
type Ending = watch::Receiver<Option<Result<Option<HeaderValue>>>>;

/// A login under way. Dropped without an outcome, it lets calls go on.
struct Running<'a> {
    logins: &'a Logins,
    number: u64,
    ended: watch::Sender<Option<Result<Option<HeaderValue>>>>,
}

impl Logins {
    /// Waits until no login is running; fails with the one that it has waited for.
    pub(super) async fn wait(&self) -> Result<()> {
        while let Some(running) = self.running() {
            end_of(running).await?;
        }
        Ok(())
    }

    fn running(&self) -> Option<Ending> {
        locked(&self.0).running.clone()
    }

    fn begin(&self) -> Running<'_> {
        let (ended, running) = watch::channel(None);
        let number = self.number();
        locked(&self.0).running = Some(running);
        Running { logins: self, number, ended }
    }

    fn number(&self) -> u64 {
        let mut state = locked(&self.0);
        state.begun += 1;
        state.begun
    }

    /// Whether nothing that began later has succeeded; then this is the newest.
    fn succeeds(&self, number: u64) -> bool {
        let mut state = locked(&self.0);
        let is_newest = state.newest < number;
        state.newest = state.newest.max(number);
        is_newest
    }

    fn is_newest(&self, number: u64) -> bool {
        locked(&self.0).newest < number
    }
}

/// The token that a login has brought; absent if it was given up. Fails as it does.
async fn end_of(mut running: Ending) -> Result<Option<Option<HeaderValue>>> {
    match running.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone()) {
        Some(Ok(token)) => Ok(Some(token)),
        Some(Err(error)) => Err(error.of_login()),
        None => Ok(None),
    }
}

impl Running<'_> {
    /// Tells those that have waited, and none that comes later.
    fn tell(self, outcome: Result<Option<HeaderValue>>) {
        self.end();
        self.ended.send_replace(Some(outcome));
    }

    fn end(&self) {
        let mut state = locked(&self.logins.0);
        if state.running.as_ref().is_some_and(|running| running.same_channel(&self.ended.subscribe())) {
            state.running = None;
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

impl RestHandle {
    /// Logs in with what the authentication service takes.
    pub(crate) async fn authenticate(&self, data: &RawJson) -> Result<Arc<Value>> {
        let path = &self.shared().options.authentication_path;
        let outgoing = Outgoing::new(&Method::Create, path, &IdArg::Absent, Some(data), None)?;
        let logins = &self.0.logins;
        let running = logins.begin();
        let outcome = self.call_as(ready(Ok(None)), outgoing, self.shared().options.timeout).await;
        let outcome = outcome.and_then(|answer| answer.to::<Value>().map_err(Error::unreadable));
        match outcome.and_then(|said| Ok((token_of(&said)?, Arc::new(said)))) {
            Ok((token, said)) => {
                // Otherwise the client is logged in, or out, by what began after it.
                let is_newest = logins.succeeds(running.number);
                let kept = if is_newest { self.shared().logged_in(said.clone()) } else { Ok(()) };
                running.tell(Ok(token));
                kept.map(|()| said)
            }
            Err(error) => {
                if logins.is_newest(running.number) {
                    self.shared().login_failed(&error);
                }
                running.tell(Err(error.clone()));
                Err(error)
            }
        }
    }

    /// Logs out, and forgets the token.
    pub(crate) async fn logout(&self) -> Result<Value> {
        let path = &self.shared().options.authentication_path;
        let outgoing = Outgoing::new(&Method::Remove, path, &IdArg::Null, None, None)?;
        let number = self.0.logins.number();
        // Of the login that is running now: one that begins later is not what ends.
        let running = self.0.logins.running();
        let whose = async {
            let brought = match running {
                Some(running) => end_of(running).await?,
                None => None,
            };
            brought.map_or_else(|| self.token(), Ok)
        };
        let outcome = self.call_as(whose, outgoing, self.shared().options.timeout).await;
        let outcome = outcome.and_then(|answer| answer.to::<Value>().map_err(Error::unreadable));
        if !self.0.logins.succeeds(number) {
            return outcome;
        }
        self.shared().logged_out(outcome)
    }

    /// What says in a request who is logged in.
    pub(super) fn token(&self) -> Result<Option<HeaderValue>> {
        self.shared().authentication().map_or(Ok(None), |said| token_of(&said))
    }
}

/// The token that a login has given, as a header.
fn token_of(said: &Value) -> Result<Option<HeaderValue>> {
    let Some(token) = said.get("accessToken").and_then(Value::as_str) else { return Ok(None) };
    let header = HeaderValue::try_from(format!("Bearer {token}"));
    let mut header =
        header.map_err(|_| Error::Unreadable(Problem::new("The access token cannot be sent in a header")))?;
    header.set_sensitive(true);
    Ok(Some(header))
}
