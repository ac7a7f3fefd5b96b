//! `hooked`: hooks that do all that hooks can do (FIXTURE.md, section 9).

use super::{identified, spread, trace};
use serde_json::{Value, json};
use wingbeat::hooks::sync;
use wingbeat::prelude::*;

pub(crate) fn mount() -> Mount {
    Mount::new(Hooked)
        .wrap(All, trace::around("svc.legacy.array"))
        .wrap(Find, trace::around("svc.method.find"))
        .around(All, trace::around("svc.around.all"))
        .around(Find, trace::around("svc.around.find"))
        .before(All, trace::hook("svc.before.all"))
        .before(Find, trace::hook("svc.before.find.1"))
        .before(Find, trace::hook("svc.before.find.2"))
        .after(All, trace::hook("svc.after.all"))
        .after(Find, trace::hook("svc.after.find.1"))
        .after(Find, trace::hook("svc.after.find.2"))
        .before(Get, sync(before_get))
        .after(Get, sync(after_get))
        .after(Create, sync(after_create))
        .error(Get, sync(on_error))
}

struct Hooked;

impl RawService for Hooked {
    fn methods(&self) -> Vec<Method> {
        vec![Find, Get, Create, Patch]
    }

    async fn find(&self, params: &Params) -> Result<Payload> {
        Ok(json!({"trace": params.get("trace")}).into())
    }

    async fn get(&self, id: IdArg, _params: &Params) -> Result<Payload> {
        match id.id().and_then(Id::as_str) {
            Some("boom" | "swallow" | "transform" | "swallow-null") => Err(Error::general("boom")),
            _ => with(identified(id), Some(json!({"from": "method"}).into())),
        }
    }

    async fn create(&self, data: Option<Payload>, _params: &Params) -> Result<Payload> {
        with(json!({"id": 1}), data)
    }

    async fn patch(&self, id: IdArg, data: Option<Payload>, _params: &Params) -> Result<Payload> {
        with(identified(id), data)
    }
}

fn with(mut all: Value, data: Option<Payload>) -> Result<Payload> {
    spread(&mut all, &data.unwrap_or(Payload::NULL).into_value()?);
    Ok(all.into())
}

fn before_get(context: &mut Context) -> Result<()> {
    match text_id(context).as_str() {
        "preset" => context.set_result(json!({"preset": true})),
        "preset-undefined" => context.set_result(Value::Null),
        "throw-before" => return Err(Error::forbidden("stopped before")),
        "status" => context.http().status = Some(202),
        "location" => context.http().location = Some("/hooked/elsewhere".into()),
        "header" => context.http().headers.push(("X-Golden".into(), "yes".into())),
        "rewrite" => context.id = "rewritten".into(),
        _ => {}
    }
    Ok(())
}

fn after_get(context: &mut Context) -> Result<()> {
    match text_id(context).as_str() {
        "throw-after" => return Err(Error::conflict("stopped after")),
        "dispatch-null" => context.dispatch = Some(Payload::NULL),
        "dispatch-obj" => context.dispatch = Some(json!({"dispatched": true}).into()),
        _ => {}
    }
    Ok(())
}

fn text_id(context: &Context) -> String {
    context.id.to_string()
}

fn after_create(context: &mut Context) -> Result<()> {
    let data: Value = context.data.as_ref().map_or(Ok(Value::Null), Payload::to_value)?;
    let has = |flag: &str| data.get(flag).is_some_and(|value| *value != json!(false));
    if has("quiet") {
        context.set_event(None);
    }
    if has("rename") {
        context.set_event("updated");
    }
    if has("dispatch") {
        let id = context.result_as::<Value>()?["id"].clone();
        context.dispatch = Some(json!({"id": id, "safe": true}).into());
    }
    if has("many") {
        context.set_result(json!([{"k": 1}, {"k": 2}, {"k": 2}]));
    }
    Ok(())
}

fn on_error(context: &mut Context) -> Result<()> {
    let Some(error) = &context.error else { return Ok(()) };
    match text_id(context).as_str() {
        "swallow" => {
            let answer = json!({"swallowed": true, "code": error.code(), "type": "error"});
            context.set_result(answer);
        }
        "swallow-null" => context.set_result(Value::Null),
        "transform" => {
            let was = error.kind().name();
            context.error = Some(Error::conflict("transformed").with_data(json!({ "was": was })));
        }
        _ => {}
    }
    Ok(())
}
