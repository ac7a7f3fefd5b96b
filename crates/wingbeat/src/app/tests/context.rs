//! Each field of the context: what it holds when, and what it does to set it.

use super::{Echo, Heard};
use crate::hooks::{Hook as _, HookType};
use crate::hooks::{sync, with};
use crate::locked;
use crate::prelude::*;
use crate::service::invocation::{Arguments, Caller, Invocation};
use crate::test::Client;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Seen = Arc<Mutex<Vec<Value>>>;

/// Notes what all the fields are.
fn look(seen: &Seen) -> impl crate::hooks::Hook {
    let seen = seen.clone();
    sync(move |context: &mut Context| {
        let payload = |payload: &Option<Payload>| payload.as_ref().map(|payload| payload.to_value().unwrap());
        locked(&seen).push(json!({
            "path": context.path(),
            "method": context.method().as_str(),
            "type": format!("{:?}", context.hook_type()),
            "event": context.event(),
            "id": (!matches!(context.id, IdArg::Absent)).then(|| context.id.to_string()),
            "data": payload(&context.data),
            "result": payload(&context.result),
            "dispatch": payload(&context.dispatch),
            "error": context.error.as_ref().map(Error::message),
            "query": context.params.query.to_value(),
            "provider": context.params.provider,
        }));
        Ok(())
    })
}

#[tokio::test]
async fn every_method_has_the_fields_that_are_its_own() {
    let seen = Seen::default();
    let mount = Mount::new(crate::store::Memory::new().records([json!({"id": 1}), json!({"id": 2})]))
        .method("archive", |year: u16, _| async move { Ok(year) })
        .before(All, look(&seen));
    let app = App::builder().mount("a/:b", mount).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    let service = client.service("a/c").query(json!({"id": {"$lt": 9}}));
    service.find().await.unwrap();
    service.get(1).await.unwrap();
    service.create(json!({"x": 1})).await.unwrap();
    service.update(1, json!({"x": 2})).await.unwrap();
    service.patch(1, json!({"x": 3})).await.unwrap();
    service.remove(2).await.unwrap();
    service.call("archive", 1999).await.unwrap();
    let expected = [
        ("find", None, None, None),
        ("get", Some("1"), None, None),
        ("create", None, Some(json!({"x": 1})), Some("created")),
        ("update", Some("1"), Some(json!({"x": 2})), Some("updated")),
        ("patch", Some("1"), Some(json!({"x": 3})), Some("patched")),
        ("remove", Some("2"), None, Some("removed")),
        ("archive", None, Some(json!(1999)), None),
    ];
    let expected: Vec<Value> = expected
        .into_iter()
        .map(|(method, id, data, event)| {
            json!({
                // The path of the service, not that of the call.
                "path": "a/:b", "method": method, "type": "Before", "event": event, "id": id, "data": data,
                "result": null, "dispatch": null, "error": null,
                "query": {"id": {"$lt": 9}}, "provider": "socketio",
            })
        })
        .collect();
    assert_eq!(*locked(&seen), expected);
}

#[tokio::test]
async fn the_type_and_the_result_tell_how_far_the_call_is() {
    let seen = Seen::default();
    let nested = with(seen.clone(), async |seen: Seen, context: &mut Context, next: Next<'_>| {
        look(&seen).call(context).await?;
        let outcome = next.run(context).await;
        look(&seen).call(context).await?;
        outcome
    });
    let hooks = |mount: Mount| mount.before(Get, look(&seen)).after(Get, look(&seen)).error(Get, look(&seen));
    let app = App::builder().mount("echo", hooks(Mount::new(Echo).around(Get, nested))).build().unwrap();
    let fields = || -> Vec<_> {
        let seen = std::mem::take(&mut *locked(&seen));
        seen.iter().map(|s| (s["type"].clone(), s["result"]["id"].clone(), s["error"].clone())).collect()
    };
    let null = Value::Null;
    app.service("echo").get("7", Params::new()).await.unwrap();
    assert_eq!(
        fields(),
        [
            (json!("Around"), null.clone(), null.clone()),
            (json!("Before"), null.clone(), null.clone()),
            (json!("After"), json!("7"), null.clone()),
            (json!("Around"), json!("7"), null.clone()),
        ]
    );
    app.service("echo").get("boom", Params::new()).await.unwrap_err();
    assert_eq!(
        fields(),
        [
            (json!("Around"), null.clone(), null.clone()),
            (json!("Before"), null.clone(), null.clone()),
            (json!("Error"), null.clone(), json!("boom")),
            (json!("Around"), null.clone(), null.clone()),
        ]
    );
}

#[tokio::test]
async fn params_and_data_that_hooks_set_are_what_the_method_gets() {
    let change = sync(|context: &mut Context| {
        assert_eq!(context.hook_type(), HookType::Before);
        context.params.query.set("added", 1);
        context.data = Some(json!({"other": true}).into());
        Ok(())
    });
    let app = App::builder().mount("echo", Mount::new(Echo).before(All, change)).build().unwrap();
    let service = app.service("echo");
    assert_eq!(service.find(Params::new()).await.unwrap().into_value().unwrap(), json!({"added": 1}));
    assert_eq!(
        service.create(json!({"mine": 1}), Params::new()).await.unwrap().into_value().unwrap(),
        json!({"other": true})
    );
}

#[tokio::test]
async fn dispatch_is_for_clients_and_channels_and_counts_when_it_is_there() {
    for (dispatch, told) in
        [(json!({"cut": true}), json!({"cut": true})), (json!(null), json!(null)), (json!(0), json!(0))]
    {
        let sent = dispatch.clone();
        let cut = sync(move |context: &mut Context| {
            context.dispatch = Some(sent.clone().into());
            Ok(())
        });
        let app = App::builder()
            .mount("echo", Mount::new(Echo).after(Create, cut).publish(|_| channel("all")))
            .on_connection(|app, connection| app.channel("all").join(connection))
            .build()
            .unwrap();
        let (_, heard) = Heard::connect(&app);
        let client = Client::connect(&app).await.unwrap();
        assert_eq!(client.service("echo").create(json!({"secret": 1})).await.unwrap(), told);
        assert_eq!(heard.data(), std::slice::from_ref(&told));
        let service = app.service("echo");
        let whole = service.clone().create(json!({"secret": 1}), Params::new()).await.unwrap();
        assert_eq!(whole.into_value().unwrap(), json!({"secret": 1}));
        let dispatched = service.dispatched().create(json!({"secret": 1}), Params::new()).await.unwrap();
        assert_eq!(dispatched.into_value().unwrap(), told);
    }
}

#[tokio::test]
async fn a_result_that_becomes_a_list_is_several_events_and_a_page_is_one() {
    let replace = sync(|context: &mut Context| {
        let result = context.data_as::<Value>()?;
        context.set_result(result["result"].clone());
        Ok(())
    });
    let app = App::builder()
        .mount("echo", Mount::new(Echo).after(Create, replace).publish(|_| channel("all")))
        .on_connection(|app, connection| app.channel("all").join(connection))
        .build()
        .unwrap();
    let (_, heard) = Heard::connect(&app);
    let page = json!({"total": 2, "limit": 2, "skip": 0, "data": [3, 4]});
    for result in [json!([1, 2]), page.clone(), json!([])] {
        app.service("echo").create(json!({ "result": result }), Params::new()).await.unwrap();
    }
    assert_eq!(heard.data(), [json!(1), json!(2), page]);
}

#[tokio::test]
async fn status_headers_and_location_are_kept_for_rest() {
    let set = sync(|context: &mut Context| {
        context.http().status = Some(202);
        context.http().headers.push(("x-a".into(), "b".into()));
        context.http().location = Some("/elsewhere".into());
        Ok(())
    });
    let app = App::builder().mount("echo", Mount::new(Echo).after(Get, set)).build().unwrap();
    let call = Invocation::new("echo", "get", Caller::Internal, Ok(Arguments { id: 1.into(), ..Arguments::default() }));
    let outcome = app.dispatcher(Duration::from_secs(60)).call(call).await.unwrap();
    assert_eq!((outcome.status(), outcome.location()), (202, Some("/elsewhere")));
    assert_eq!(outcome.headers().collect::<Vec<_>>(), [("x-a", "b")]);
}

#[tokio::test]
async fn an_error_that_is_taken_away_answers_null() {
    let forget = sync(|context: &mut Context| {
        context.error = None;
        Ok(())
    });
    let null = sync(|context: &mut Context| {
        context.set_result(Value::Null);
        Ok(())
    });
    for hook in [Box::new(Mount::new(Echo).error(Get, forget)), Box::new(Mount::new(Echo).error(Get, null))] {
        let app = App::builder().mount("echo", *hook).build().unwrap();
        assert!(app.service("echo").get("boom", Params::new()).await.unwrap().is_null());
    }
}
