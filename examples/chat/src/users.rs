//! Those who have signed up, and how they sign in.

mod secret;
#[cfg(test)]
mod tests;

use crate::limits;
use crate::name::{Look, Name};
use crate::stamp::stamp;
pub(crate) use secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use wingbeat::auth::{Auth, Expiry, Key, Local, Passwords, authenticate, hash_password};
use wingbeat::hooks::{parse, protect};
use wingbeat::{ErrorKind, hooks::Hook as _, prelude::*, store::Sqlite};

/// The channel of all who are signed in.
pub(crate) const MEMBERS: &str = "members";
/// For whom and by whom tokens are: for this program, and for no other with the same secret.
const CHAT: &str = "wingbeat-chat";
/// How long one stays signed in.
const SIGNED_IN_FOR: Duration = Duration::from_secs(30 * 86_400);

/// The table.
pub(crate) const TABLE: &str = "
    CREATE TABLE users (
        id        INTEGER PRIMARY KEY AUTOINCREMENT,
        name      TEXT NOT NULL UNIQUE COLLATE NOCASE,
        password  TEXT NOT NULL,
        createdAt INTEGER NOT NULL
    );
";

/// What came to the table later, since names can be taken for one another: see [`Look`]. [`note_looks`] fills it in for
/// those who had signed up before.
pub(crate) const LOOKS: &str = "
    ALTER TABLE users ADD COLUMN folded TEXT;
    ALTER TABLE users ADD COLUMN shape TEXT;
    CREATE UNIQUE INDEX users_by_folded ON users (folded);
    CREATE UNIQUE INDEX users_by_shape ON users (shape);
";

/// Somebody who has signed up.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    id: i64,
    pub(crate) name: String,
    password: String,
    created_at: i64,
    folded: Option<String>,
    shape: Option<String>,
}

/// Who signs up.
#[derive(Serialize, Deserialize)]
struct NewUser {
    name: Name<24>,
    password: Password,
}

/// As it was typed; blanks count.
#[derive(Serialize, Deserialize)]
#[serde(try_from = "String")]
struct Password(String);

impl TryFrom<String> for Password {
    type Error = String;

    fn try_from(password: String) -> Result<Password, String> {
        match password.chars().count() {
            8..=200 => Ok(Password(password)),
            count if count < 8 => Err("A password has at least 8 characters".to_owned()),
            _ => Err("A password has at most 200 characters".to_owned()),
        }
    }
}

/// Signing in and out. Who has read the secret can sign in as anybody.
pub(crate) fn authentication(secret: &Secret, passwords: Passwords) -> Result<Auth> {
    let local = Local::new("name", "password").passwords(passwords).error_message("Wrong name or password");
    Ok(Auth::new(Key::secret(secret.as_str())?)
        .strategy(local)
        .audience([CHAT])
        .issuer(CHAT)
        .expires_in(SIGNED_IN_FOR)
        .on_expiry(Expiry::Anonymous))
}

/// Signing up is all that clients can do here, and nobody hears of it.
pub(crate) fn service(database: &Sqlite) -> Mount {
    Mount::new(database.table::<User>("users"))
        .expose([Create])
        .before(Create, parse::<NewUser>)
        .before(Create, limits::accounts())
        .before(Create, hash_password("password"))
        .before(Create, look)
        .before(Create, stamp)
        .after(All, protect(["password", "folded", "shape"]))
        .error(Create, name_is_taken)
        .publish(|_| nobody())
}

async fn look(context: &mut Context) -> Result<()> {
    for item in context.items_mut()? {
        let Look { folded, shape } = Look::of(item["name"].as_str().unwrap_or_default());
        item.insert("folded".to_owned(), folded.into());
        item.insert("shape".to_owned(), shape.into());
    }
    Ok(())
}

/// Notes what the names look like of those who had signed up before that was noted.
pub(crate) async fn note_looks(app: &App) -> Result<()> {
    let users = app.service("users");
    let unknown = Params::new().with_query(json!({ "folded": null }))?;
    for user in users.find(unknown).await?.to::<Vec<Member>>()? {
        let Look { folded, shape } = Look::of(&user.name);
        let noted = users.patch(user.id, json!({ "folded": folded, "shape": shape }), Params::new()).await;
        match noted.as_ref().map_err(Error::kind) {
            Err(ErrorKind::Conflict) => tracing::warn!(id = user.id, "a member's name looks like that of another"),
            _ => drop(noted?),
        }
    }
    Ok(())
}

async fn name_is_taken(context: &mut Context) -> Result<()> {
    match context.error.as_ref().map(Error::kind) {
        Some(ErrorKind::Conflict) => Err(Error::conflict("Somebody has this name already")),
        _ => Ok(()),
    }
}

/// A hook: whoever is signed in is looked up again, whoever is not passes as a guest.
pub(crate) async fn recognise(context: &mut Context) -> Result<()> {
    match context.params.get("authentication") {
        Some(_) => authenticate("jwt").call(context).await,
        None => Ok(()),
    }
}

/// Who makes this call, if it is a member; behind [`recognise`].
pub(crate) fn member(params: &Params) -> Option<Member> {
    serde_json::from_value(params.get("user")?).ok()
}

/// A hook: guests find nothing that is for members.
pub(crate) async fn only_visible(context: &mut Context) -> Result<()> {
    if !context.params.is_internal() && member(&context.params).is_none() {
        context.params.query.set("membersOnly", false);
    }
    Ok(())
}

/// As far as others may know.
#[derive(Deserialize)]
pub(crate) struct Member {
    id: i64,
    pub(crate) name: String,
}

/// Tells who has signed in what members hear.
pub(crate) fn signed_in(app: &App, connection: &Connection) {
    app.channel(MEMBERS).join(connection);
}
