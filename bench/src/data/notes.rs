//! A real call: who calls is logged in, what comes is validated, everybody sees and writes what is his, the answer has a
//! field that is not stored, and what is created is published.

use serde::{Deserialize, Serialize};
use wingbeat::auth::{Auth, Key, authenticate};
use wingbeat::hooks::owned_by;
use wingbeat::prelude::*;
use wingbeat::schema::{JsonSchema, Resolver, resolve_result, schemars, validate_data, validate_query};

/// What the load generator signs its tokens with.
const SECRET: &str = "nothing that is worth to be kept secret";

#[derive(Deserialize)]
#[expect(dead_code, reason = "they name the columns")]
pub(crate) struct User {
    id: i64,
    email: String,
    name: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
#[serde(rename_all = "camelCase")]
struct Note {
    id: i64,
    room_id: i64,
    user_id: i64,
    text: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(crate = "schemars", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
struct NewNote {
    #[schemars(range(min = 0))]
    room_id: i64,
    #[schemars(length(min = 1, max = 2000))]
    text: String,
}

pub(crate) fn auth() -> Result<Auth> {
    Ok(Auth::new(Key::secret(SECRET)?).audience(["https://bench.example"]))
}

pub(crate) fn mount(notes: Mount) -> Mount {
    let link = Resolver::new().derived("link", ["roomId", "id"], |field| async move {
        let (room, id) = (field.get_as::<i64>("roomId")?, field.get_as::<i64>("id")?);
        Ok(Some(format!("/rooms/{room}#{id}")))
    });
    notes
        .around(All, authenticate("jwt"))
        .around(All, resolve_result(link))
        .before(All, validate_query::<Note>())
        .before(Create, validate_data::<NewNote>())
        // Behind the validation, which hooks for `All` would come before: whose it is, is not the client's to say.
        .before([Find, Get, Create, Remove], owned_by("userId"))
        .expose([Find, Get, Create, Remove])
        .publish(|_| channel("members"))
}
