//! `secure`: echoes to those who are logged in, and says who they are.

use super::echo::Echo;
use serde_json::{Value, json};
use wingbeat::auth::authenticate;
use wingbeat::hooks::sync;
use wingbeat::prelude::*;

pub(crate) fn mount() -> Mount {
    Mount::new(Echo).before(All, authenticate(["jwt", "apiKey"])).after(All, sync(who))
}

fn who(context: &mut Context) -> Result<()> {
    let user = context
        .params
        .get("user")
        .map(|user| json!({"id": user["id"], "name": user["name"], "internal": user.get("password").is_some()}));
    let strategy = context.params.get("authentication").map(|authentication| authentication["strategy"].clone());
    let authenticated = context.params.get("authenticated");
    for result in context.result_items_mut()? {
        for (name, value) in [("user", &user), ("strategy", &strategy), ("authenticated", &authenticated)] {
            if let Some(value) = value {
                result.insert(name.into(), Value::clone(value));
            }
        }
    }
    Ok(())
}
