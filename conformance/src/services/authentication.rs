//! `authentication` and `users` (FIXTURE.md, sections 5, 6 and 8).

use serde_json::json;
use std::time::Duration;
use wingbeat::auth::{Algorithm, ApiKey, Auth, Key, Local, Passwords, hash_password};
use wingbeat::hooks::protect;
use wingbeat::prelude::*;
use wingbeat::store::Memory;

/// The authentication service in a state of the fixture.
pub(crate) fn authentication(state: &str) -> Result<Mount> {
    let key = Key::weak_secret(Algorithm::HS256, "golden-fixture-secret");
    // Tests do not wait for passwords that nobody wants to steal.
    let local = Local::new("email", "password").passwords(Passwords::with_cost(8, 1)?);
    let keys = ApiKey::new().user("key-user-1", 1).anonymous("key-anon");
    let auth = Auth::new(key).strategy(local).strategy(keys);
    Ok(match state {
        "auth-jwt-local" => auth.auth_strategies(["jwt", "local"]),
        "auth-none" => auth.auth_strategies([""; 0]),
        "auth-parse-only" => auth.auth_strategies(["jwt", "local"]).parse_strategies(["jwt", "apiKey"]),
        "auth-1s" => auth.expires_in(Duration::from_secs(1)),
        "auth-noentity" => auth.no_entity(),
        _ => auth,
    }
    .into())
}

/// Ann and Bob, whose passwords were hashed by Feathers.
pub(crate) fn users() -> Mount {
    let ann = "$2a$04$abcdefghijklmnopqrstuuCHf7DUmNUvMBdGje9JveOQe49tH5xFK";
    let bob = "$2a$04$abcdefghijklmnopqrstuulGPK4fzXEtj4nBuq572tAa2r32TW6di";
    let users = Memory::new().start(3).multi([Remove]).records([
        json!({"id": 1, "email": "ann@example.com", "name": "Ann", "password": ann}),
        json!({"id": 2, "email": "bob@example.com", "name": "Bob", "password": bob}),
    ]);
    Mount::new(users).before(Create, hash_password("password")).after(All, protect(["password"]))
}
