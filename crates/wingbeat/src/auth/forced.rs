//! Logging others out.

use super::authenticator::Authenticator;
use crate::BoxFuture;
use crate::app::App;
use crate::hooks::{Context, Hook};
use crate::realtime::Connection;
use serde_json::Value;
use wingbeat_core::{Id, Method, RawJson, Result};

impl App {
    /// Logs a connection out, as if its client had asked for it: it leaves all channels, and
    /// [`on_logout`](crate::Builder::on_logout) runs. Whether it was logged in.
    ///
    /// Its token stays valid until it expires; [`Auth::revoked`](crate::auth::Auth::revoked) can refuse it.
    pub fn logout(&self, connection: &Connection) -> bool {
        let connection = &connection.now();
        // Of every service, also when one of them knew the connection.
        let services = self.guards_of::<Authenticator>();
        services.iter().filter(|service| service.sessions.force_out(self, connection, None)).count() > 0
    }

    /// Logs out all connections of a user, on all nodes; how many there were on this one. Logins of the user that are under way
    /// fail.
    pub fn logout_user(&self, id: impl Into<Id>) -> usize {
        let id = id.into().to_string();
        self.logout_others(&id, None)
    }

    /// Logs out all connections of a user but one, on all nodes.
    fn logout_others(&self, id: &str, but: Option<&Connection>) -> usize {
        if let Ok(data) = RawJson::new(id) {
            self.order(LOGOUT_USER, data);
        }
        self.logout_here(id, but)
    }

    fn logout_here(&self, id: &str, but: Option<&Connection>) -> usize {
        let mut count = 0;
        for authenticator in self.guards_of::<Authenticator>() {
            let sessions = &authenticator.sessions;
            sessions.logins.fail(Some(id));
            for connection in sessions.connections_of(id) {
                let ended = Some(&connection) != but && sessions.force_out(self, &connection, None);
                // One that is lost, and could have come back, is none of theirs any more.
                count += usize::from(ended && connection.is_connected());
            }
        }
        count
    }
}

/// What other nodes are told: the id, as a text.
const LOGOUT_USER: &str = "logout user";

/// Does what another node has ordered; whether this is such an order.
pub(super) fn obey(app: &App, name: &str, data: &RawJson) -> bool {
    if name != LOGOUT_USER {
        return false;
    }
    match data.to::<String>() {
        Ok(id) => drop(app.logout_here(&id, None)),
        Err(error) => tracing::error!(?error, "another node has not said who is to be logged out"),
    }
    true
}

struct LogoutChanged(Box<[Box<str>]>);

/// Logs out all other connections of a user whose record was removed or replaced, or was given one of these fields anew:
/// an after hook for the service of the users, so that a new password ends what the old one has begun. Dots in a field
/// lead into nested objects.
///
/// ```
/// use wingbeat::{auth::{hash_password, logout_changed}, prelude::*, store::Memory};
///
/// let users = Mount::new(Memory::new())
///     .before(Patch, hash_password("password"))
///     .after(All, logout_changed(["password"]));
/// ```
pub fn logout_changed<F: Into<Box<str>>>(fields: impl IntoIterator<Item = F>) -> impl Hook {
    LogoutChanged(fields.into_iter().map(Into::into).collect())
}

/// Whether a patch may change a field. Patches merge at the top, so whatever holds the field is replaced as a whole.
fn touches(patch: &Value, field: &str) -> bool {
    let top = field.split('.').next().unwrap_or(field);
    patch.get(top).is_some() || patch.get(field).is_some()
}

impl Hook for LogoutChanged {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let concerns = match context.method() {
                Method::Remove | Method::Update => true,
                Method::Patch => {
                    let data = context.data.as_mut().map(|data| data.value()).transpose()?;
                    data.is_some_and(|data| self.0.iter().any(|field| touches(data, field)))
                }
                _ => false,
            };
            if !concerns {
                return Ok(());
            }
            let app = super::service::running(context.services())?;
            let field = app
                .guard::<Authenticator>(None)
                .and_then(|guard| guard.entities.entity().map(|entity| entity.id.clone()));
            let field = field.unwrap_or_else(|| "id".into());
            // What the service answers need not be records: then it is whom the call was about.
            let records = context.result_items_mut().unwrap_or_default();
            let mut ids: Vec<Id> = records
                .iter()
                .filter_map(|record| Id::from_value(record.get(&field).unwrap_or(&Value::Null)))
                .collect();
            if ids.is_empty() {
                ids.extend(context.id.id().cloned());
            }
            for id in ids {
                app.logout_others(&id.to_string(), context.params.connection.as_ref());
            }
            Ok(())
        })
    }
}
