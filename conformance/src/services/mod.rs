//! The services of FIXTURE.md, section 8.

mod authentication;
mod blob;
mod echo;
mod errors;
mod hooked;
mod rooms;
mod secure;
mod specials;
mod tools;
pub(crate) mod trace;
mod validated;
mod vault;

use serde_json::{Value, json};
use wingbeat::auth::authenticate;
use wingbeat::prelude::*;
use wingbeat::store::Memory;

/// All services by their paths, in a state of the fixture.
pub(crate) fn all(state: &str) -> Result<Vec<(&'static str, Mount)>> {
    let mut all = vec![
        ("messages", Mount::new(Memory::new().start(4).multi(true).allow_everything().records(messages()))),
        ("paged", Mount::new(Memory::new().start(6).paginate(2, 3).records(paged()))),
        ("users", authentication::users()),
        ("authentication", authentication::authentication(state)?),
        ("/my/messages/", Mount::new(Memory::new().start(1))),
        ("users/:userId/messages", Mount::new(UserMessages)),
        ("tools", tools::mount()),
        ("readonly", Mount::new(readonly()).methods([Find, Get])),
        ("blob", Mount::new(blob::Blob)),
        ("echo", echo::mount()),
        ("errors", Mount::new(errors::Errors)),
        ("specials", Mount::new(specials::Specials)),
        ("hooked", hooked::mount()),
        ("validated", validated::mount()),
        ("vault", vault::mount()),
        ("secure", secure::mount()),
        ("notes", Mount::new(Memory::new().start(1).multi(true)).before(Create, authenticate("jwt"))),
        ("chat", Mount::new(Memory::new().start(1).multi(true))),
        ("rooms", rooms::mount()),
        ("own", tools::own()),
    ];
    let published = ["silent", "mixed", "prec", "prec2", "filtered", "badpub", "slowpub"];
    all.extend(published.map(|path| (path, Mount::new(Memory::new().start(1)))));
    Ok(all)
}

/// A record of nothing but the id, which is left out where there is none.
fn identified(id: IdArg) -> Value {
    match id {
        IdArg::Absent => json!({}),
        IdArg::Null => json!({"id": null}),
        IdArg::Id(id) => json!({"id": id}),
    }
}

/// `{...record, ...data}`: an array has its places for names.
fn spread(record: &mut Value, data: &Value) {
    match (record.as_object_mut(), data) {
        (Some(record), Value::Object(members)) => record.extend(members.clone()),
        (Some(record), Value::Array(items)) => {
            record.extend(items.iter().cloned().enumerate().map(|(at, item)| (at.to_string(), item)));
        }
        _ => {}
    }
}

/// The value in a JavaScript template string.
pub(crate) fn template(value: Option<&Value>) -> String {
    match value {
        None => "undefined".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

fn messages() -> [Value; 3] {
    [
        json!({"id": 1, "text": "one", "userId": 1, "read": false, "n": 10}),
        json!({"id": 2, "text": "two", "userId": 2, "read": true, "n": 20}),
        json!({"id": 3, "text": "three", "userId": 1, "read": false, "n": 30}),
    ]
}

fn paged() -> [Value; 5] {
    [
        json!({"id": 1, "text": "a", "n": 5, "tags": ["x", "y"]}),
        json!({"id": 2, "text": "b", "n": 4}),
        json!({"id": 3, "text": "c", "n": 3, "deep": {"v": 1}}),
        json!({"id": 4, "text": "d", "n": 2, "deep": {"v": 2}}),
        json!({"id": 5, "text": "e", "n": 1, "tags": ["y"]}),
    ]
}

fn readonly() -> Memory {
    Memory::new().records([json!({"id": 1, "text": "fixed"})])
}

/// The messages of one user, whose id is in the path.
struct UserMessages;

impl RawService for UserMessages {
    fn methods(&self) -> Vec<Method> {
        vec![Find, Get, Create]
    }

    async fn find(&self, params: &Params) -> Result<Payload> {
        let (route, query) = (params.route.to_value(), params.query.to_value());
        Ok(json!([{"userId": params.route.get("userId"), "route": route, "query": query}]).into())
    }

    async fn get(&self, id: IdArg, params: &Params) -> Result<Payload> {
        let mut answer = identified(id);
        spread(&mut answer, &json!({"userId": params.route.get("userId"), "route": params.route.to_value()}));
        Ok(answer.into())
    }

    async fn create(&self, data: Option<Payload>, params: &Params) -> Result<Payload> {
        let mut message = json!({});
        spread(&mut message, &data.unwrap_or(Payload::NULL).into_value()?);
        message["userId"] = params.route.get("userId").into();
        Ok(message.into())
    }
}

/// A service that is added while the fixture runs.
pub(crate) fn late() -> Mount {
    struct Late;
    impl RawService for Late {
        fn methods(&self) -> Vec<Method> {
            vec![Find]
        }
        async fn find(&self, _params: &Params) -> Result<Payload> {
            Ok(json!("late").into())
        }
    }
    Mount::new(Late).method("zap", async |_: Value, _: &Params| Ok("zapped"))
}
