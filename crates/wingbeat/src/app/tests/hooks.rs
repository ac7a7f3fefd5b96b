use super::Echo;
use crate::hooks::{Next, created_at, updated_at};
use crate::hooks::{sync, with};
use crate::locked;
use crate::prelude::*;
use crate::store::Memory;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

type Trace = Arc<Mutex<Vec<String>>>;

fn note(trace: &Trace, label: &'static str) -> impl crate::hooks::Hook {
    let trace = trace.clone();
    sync(move |_| {
        locked(&trace).push(label.to_owned());
        Ok(())
    })
}

fn nest(trace: &Trace, label: &'static str) -> impl crate::hooks::Around {
    with(
        (trace.clone(), label),
        async |(trace, label): (Trace, &'static str), context: &mut Context, next: Next<'_>| {
            locked(&trace).push(format!("{label}>"));
            let outcome = next.run(context).await;
            locked(&trace).push(format!("<{label}"));
            outcome
        },
    )
}

fn app(mount: Mount) -> App {
    App::builder().mount("echo", mount).build().unwrap()
}

async fn get(app: &App, id: &str) -> Result<Value> {
    app.service("echo").get(id, Params::new()).await?.into_value()
}

#[tokio::test]
async fn hooks_run_in_the_order_of_feathers() {
    let trace = Trace::default();
    let t = &trace;
    let mount = Mount::new(Echo)
        .around(Get, nest(t, "svc.around.get"))
        .around(All, nest(t, "svc.around.all"))
        .before(Get, note(t, "svc.before.get"))
        .before(All, note(t, "svc.before.all"))
        .after(Get, note(t, "svc.after.get"))
        .after(All, note(t, "svc.after.all"))
        .wrap(Get, nest(t, "svc.map"))
        .wrap(All, nest(t, "svc.array"));
    let app = App::builder()
        .mount("echo", mount)
        .around(Get, nest(t, "app.around.get"))
        .around(All, nest(t, "app.around.all"))
        .before(All, note(t, "app.before.all"))
        .before(Get, note(t, "app.before.get"))
        .after(All, note(t, "app.after.all"))
        .build()
        .unwrap();
    get(&app, "1").await.unwrap();
    let expected = "app.around.all> app.around.get> app.before.all app.before.get svc.array> svc.map> \
        svc.around.all> svc.around.get> svc.before.all svc.before.get svc.after.all svc.after.get <svc.around.get \
        <svc.around.all <svc.map <svc.array app.after.all <app.around.get <app.around.all";
    assert_eq!(locked(&trace).join(" "), expected);
}

#[tokio::test]
async fn error_hooks_run_from_the_method_outwards() {
    let trace = Trace::default();
    let t = &trace;
    let mount = Mount::new(Echo).error(All, note(t, "svc.all")).error(Get, note(t, "svc.get"));
    let app = App::builder().mount("echo", mount).error(All, note(t, "app.all")).error(Get, note(t, "app.get"));
    assert_eq!(get(&app.build().unwrap(), "boom").await.unwrap_err().message(), "boom");
    assert_eq!(locked(&trace).join(" "), "svc.get svc.all app.get app.all");
}

#[tokio::test]
async fn a_result_set_before_skips_the_method() {
    let preset = sync(|context: &mut Context| {
        context.set_result(json!("preset"));
        Ok(())
    });
    assert_eq!(get(&app(Mount::new(Echo).before(Get, preset)), "boom").await.unwrap(), "preset");
}

#[tokio::test]
async fn a_changed_id_is_what_the_method_gets() {
    let rewrite = sync(|context: &mut Context| {
        context.id = "rewritten".into();
        Ok(())
    });
    assert_eq!(get(&app(Mount::new(Echo).before(Get, rewrite)), "1").await.unwrap()["id"], "rewritten");
}

#[tokio::test]
async fn an_error_hook_can_answer_instead() {
    let swallow = sync(|context: &mut Context| {
        let code = context.error.as_ref().map(Error::code);
        context.set_result(json!({"swallowed": code}));
        Ok(())
    });
    assert_eq!(get(&app(Mount::new(Echo).error(Get, swallow)), "boom").await.unwrap(), json!({"swallowed": 500}));
}

#[tokio::test]
async fn an_error_hook_can_replace_the_error() {
    let transform = sync(|context: &mut Context| {
        context.error = Some(Error::conflict("transformed"));
        Ok(())
    });
    let failed = get(&app(Mount::new(Echo).error(Get, transform)), "boom").await.unwrap_err();
    assert_eq!((failed.code(), failed.message()), (409, "transformed"));
    let throw = sync(|_: &mut Context| Err(Error::gone("thrown")));
    assert_eq!(get(&app(Mount::new(Echo).error(Get, throw)), "boom").await.unwrap_err().code(), 410);
}

#[tokio::test]
async fn an_error_of_an_after_hook_reaches_the_error_hooks() {
    let seen = Trace::default();
    let late = sync(|_: &mut Context| Err(Error::conflict("late")));
    let mount = Mount::new(Echo).after(Get, late).error(Get, note(&seen, "seen"));
    assert_eq!(get(&app(mount), "1").await.unwrap_err().code(), 409);
    assert_eq!(*locked(&seen), ["seen"]);
}

#[tokio::test]
async fn the_server_says_when_a_record_was_made_and_changed() {
    let mount = Mount::new(Memory::new().start(1).multi(true))
        .before(Create, created_at("createdAt"))
        .before(All, updated_at("updatedAt"));
    let app = app(mount);
    let service = app.service("echo");
    let made = service.create(json!([{"createdAt": "1970"}, {}]), Params::new()).await.unwrap().into_value().unwrap();
    let made_at = made[0]["createdAt"].as_str().unwrap().to_owned();
    assert!(made_at.len() == 24 && made_at.ends_with('Z') && made_at.as_str() > "2026", "{made_at}");
    assert_eq!((&made[1]["createdAt"], made[0]["updatedAt"].is_string()), (&made[0]["createdAt"], true));
    let patched = service.patch(1, json!({"updatedAt": null}), Params::new()).await.unwrap().into_value().unwrap();
    assert_eq!(patched["createdAt"], made[0]["createdAt"]);
    assert!(patched["updatedAt"].as_str() >= made[0]["updatedAt"].as_str());
    // A patch that changes nothing leaves no trace.
    let unchanged = service.patch(1, Value::Null, Params::new()).await.unwrap().into_value().unwrap();
    assert_eq!(unchanged, patched);
    assert_eq!(service.get(1, Params::new()).await.unwrap().into_value().unwrap(), patched);
}

#[tokio::test]
async fn plain_functions_are_hooks() {
    async fn twice(context: &mut Context) -> Result<()> {
        tokio::task::yield_now().await;
        context.params.set("twice", true);
        Ok(())
    }
    async fn outside(context: &mut Context, next: Next<'_>) -> Result<()> {
        next.run(context).await?;
        let seen = context.params.get("twice");
        context.result_items_mut()?[0].insert("twice".into(), seen.into());
        Ok(())
    }
    let mount = Mount::new(Echo).around(All, outside).before([Get, Find], twice);
    assert_eq!(get(&app(mount), "wait").await.unwrap()["twice"], json!(true));
}

#[tokio::test]
async fn hooks_call_other_services() {
    let other = async |context: &mut Context| {
        let found = context.service("other").get("7", Params::new()).await?;
        context.set_result(found);
        Ok(())
    };
    let app = App::builder().mount("echo", Mount::new(Echo).before(Get, other)).mount("other", Mount::new(Echo));
    assert_eq!(get(&app.build().unwrap(), "1").await.unwrap()["id"], "7");
}

#[tokio::test]
async fn a_hook_for_a_method_that_does_not_exist_is_refused() {
    let mount = Mount::new(Echo).before("archive", sync(|_| Ok(())));
    assert!(App::builder().mount("echo", mount).build().unwrap_err().message().contains("archive"));
}

#[tokio::test]
async fn error_hooks_see_what_the_call_looked_like() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let look = {
        let seen = seen.clone();
        sync(move |context: &mut Context| {
            let original = context.original().expect("an error hook");
            locked(&seen).push((original.hook_type, original.id.to_string(), original.result.is_some()));
            assert!(context.result.is_none());
            Ok(())
        })
    };
    let late = sync(|context: &mut Context| match context.id.to_string().as_str() {
        "late" => Err(Error::conflict("late")),
        _ => Ok(()),
    });
    let app = app(Mount::new(Echo).after(Get, late).error(Get, look));
    for id in ["boom", "late"] {
        get(&app, id).await.unwrap_err();
    }
    let expected = [
        (crate::hooks::HookType::Around, "boom".to_owned(), false),
        (crate::hooks::HookType::After, "late".to_owned(), true),
    ];
    assert_eq!(*locked(&seen), expected);
}

#[tokio::test]
async fn hooks_are_registered_for_standard_and_custom_methods_together() {
    let trace = Trace::default();
    let t = &trace;
    let mount = Mount::new(Echo)
        .method("enter", async |room: Value, _: &Params| Ok(room))
        .method("leave", async |room: Value, _: &Params| Ok(room))
        .before((Create, "enter"), note(t, "mixed"))
        .after(["enter", "find"], note(t, "names"))
        .around(([Get, Find], "leave", Create), nest(t, "nested"))
        .error((Get, All), note(t, "all"));
    let app = app(mount);
    let service = app.service("echo");
    for (call, expected) in [("enter", "mixed names"), ("leave", "nested> <nested")] {
        service.call(call, json!(1), Params::new()).await.unwrap();
        assert_eq!(std::mem::take(&mut *locked(t)).join(" "), expected, "{call}");
    }
    service.find(Params::new()).await.unwrap();
    service.create(json!({}), Params::new()).await.unwrap();
    service.update("boom", json!({}), Params::new()).await.unwrap_err();
    assert_eq!(locked(t).join(" "), "nested> names <nested nested> mixed <nested all");
}

#[tokio::test]
async fn error_hooks_know_the_class_of_the_error() {
    let tell = sync(|context: &mut Context| {
        assert_eq!(context.error_kind(), Some(wingbeat_core::ErrorKind::GeneralError));
        context.set_result(json!("told"));
        Ok(())
    });
    assert_eq!(get(&app(Mount::new(Echo).error(Get, tell)), "boom").await.unwrap(), "told");
}

#[tokio::test]
async fn an_around_hook_may_answer_an_error_itself_or_skip_the_rest() {
    let swallow = async |context: &mut Context, next: Next<'_>| {
        if let Err(error) = next.run(context).await {
            context.set_result(json!({"instead": error.message()}));
        }
        Ok(())
    };
    assert_eq!(get(&app(Mount::new(Echo).around(Get, swallow)), "boom").await.unwrap(), json!({"instead": "boom"}));
    let skip = async |_: &mut Context, next: Next<'_>| {
        drop(next);
        Ok(())
    };
    assert_eq!(get(&app(Mount::new(Echo).around(Get, skip)), "1").await.unwrap(), Value::Null);
}

#[tokio::test]
async fn a_before_hook_that_fails_stops_those_after_it() {
    let trace = Trace::default();
    let fail = sync(|_: &mut Context| Err(Error::forbidden("no")));
    let mount = Mount::new(Echo).before(Get, fail).before(Get, note(&trace, "later")).after(Get, note(&trace, "after"));
    assert_eq!(get(&app(mount), "1").await.unwrap_err().code(), 403);
    assert!(locked(&trace).is_empty());
}

#[tokio::test]
async fn an_error_of_an_application_hook_is_not_the_services() {
    let trace = Trace::default();
    let mount = Mount::new(Echo).error(All, note(&trace, "service"));
    let app = App::builder()
        .mount("echo", mount)
        .before(All, sync(|_| Err(Error::forbidden("no"))))
        .error(All, note(&trace, "app"))
        .build()
        .unwrap();
    get(&app, "1").await.unwrap_err();
    assert_eq!(*locked(&trace), ["app"]);
}

#[tokio::test]
async fn an_error_in_a_call_from_a_hook_has_a_context_of_its_own() {
    let seen = Trace::default();
    let see = |seen: &Trace| {
        let seen = seen.clone();
        sync(move |context: &mut Context| {
            locked(&seen).push(format!("{} {}", context.path(), context.method()));
            Ok(())
        })
    };
    let inner = Mount::new(Echo).before(Get, sync(|_| Err(Error::conflict("inner")))).error(All, see(&seen));
    let call = async |context: &mut Context| context.service("inner").get(1, Params::new()).await.map(drop);
    let outer = Mount::new(Echo).before(Find, call).error(All, see(&seen));
    let app = App::builder().mount("inner", inner).mount("outer", outer).build().unwrap();
    assert_eq!(app.service("outer").find(Params::new()).await.unwrap_err().message(), "inner");
    assert_eq!(*locked(&seen), ["inner get", "outer find"]);
}
