use super::{Echo, Heard};
use crate::hooks::sync;
use crate::prelude::*;
use crate::test::Client;
use futures_util::FutureExt as _;
use serde_json::json;

fn open(mount: Mount) -> (App, Connection, Heard) {
    let app = App::builder()
        .mount("echo", mount)
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .build()
        .unwrap();
    let (connection, heard) = Heard::connect(&app);
    (app, connection, heard)
}

fn to_everybody() -> Mount {
    Mount::new(Echo).publish(|_| channel("everybody"))
}

#[tokio::test]
async fn a_created_record_is_heard_by_its_channel() {
    let (app, _connection, heard) = open(to_everybody());
    app.service("echo").create(json!({"a": 1}), Params::new()).await.unwrap();
    assert_eq!(heard.all(), [("echo created".to_owned(), json!({"a": 1}))]);
}

#[tokio::test]
async fn a_batch_is_one_event_for_each_element() {
    let (app, _connection, heard) = open(to_everybody());
    app.service("echo").create(json!([1, 2]), Params::new()).await.unwrap();
    app.service("echo").create(json!([]), Params::new()).await.unwrap();
    assert_eq!(heard.data(), [json!(1), json!(2)]);
}

#[tokio::test]
async fn without_a_publisher_nobody_hears() {
    let (app, _connection, heard) = open(Mount::new(Echo));
    app.service("echo").create(json!({}), Params::new()).await.unwrap();
    assert_eq!(heard.all(), []);
}

#[tokio::test]
async fn find_and_get_send_nothing() {
    let (app, _connection, heard) = open(to_everybody());
    app.service("echo").find(Params::new()).await.unwrap();
    app.service("echo").get(1, Params::new()).await.unwrap();
    assert_eq!(heard.all(), []);
}

#[tokio::test]
async fn the_publisher_nearest_to_the_event_decides() {
    let mount = to_everybody().publish_event("created", |_: &Publication| channel("everybody").send(json!("mine")));
    let app = App::builder()
        .mount("echo", mount)
        .mount("plain", Mount::new(Echo))
        .publish(|_: &Publication| channel("everybody").send(json!("app")))
        .publish_event("created", |_: &Publication| channel("everybody").send(json!("app:created")))
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .build()
        .unwrap();
    let (_connection, heard) = Heard::connect(&app);
    for path in ["echo", "plain"] {
        app.service(path).create(json!({}), Params::new()).await.unwrap();
    }
    assert_eq!(heard.data(), [json!("mine"), json!("app:created")]);
}

#[tokio::test]
async fn dispatch_is_what_others_hear_paired_by_place() {
    let hide = crate::hooks::protect(["secret"]);
    let (app, _connection, heard) = open(to_everybody().after(All, hide));
    let data = json!([{"secret": 1, "n": 1}, {"secret": 2, "n": 2}]);
    let inside = app.service("echo").create(data.clone(), Params::new()).await.unwrap();
    assert_eq!(inside.into_value().unwrap(), data);
    assert_eq!(heard.data(), [json!({"n": 1}), json!({"n": 2})]);
}

#[tokio::test]
async fn an_event_can_be_renamed_and_suppressed() {
    let rename = sync(|context: &mut Context| {
        let to = context.data_as::<Option<String>>()?;
        context.set_event(to.as_deref());
        Ok(())
    });
    let (app, _connection, heard) = open(to_everybody().after(Create, rename));
    for data in [json!("updated"), json!(null)] {
        app.service("echo").create(data, Params::new()).await.unwrap();
    }
    assert_eq!(heard.all(), [("echo updated".to_owned(), json!("updated"))]);
}

#[tokio::test]
async fn an_event_that_a_hook_names_and_nobody_has_declared_is_an_error() {
    let rename = |to: &'static str| {
        sync(move |context: &mut Context| {
            context.set_event(to);
            Ok(())
        })
    };
    // Whether anybody could hear it or not.
    for mount in [to_everybody(), Mount::new(Echo)] {
        let (app, _connection, heard) = open(mount.after(All, rename("restored")));
        for error in [
            app.service("echo").create(json!({}), Params::new()).await.unwrap_err(),
            app.service("echo").get(1, Params::new()).await.unwrap_err(),
        ] {
            let told = format!("{error:?}");
            assert!(told.contains("'restored'") && told.contains("list it among the mount's `events`"), "{told}");
            assert!(!error.message().contains("restored"), "clients can do nothing about it");
        }
        assert_eq!(heard.all(), []);
    }
    let (app, _connection, heard) = open(to_everybody().events(["restored"]).after(Create, rename("restored")));
    app.service("echo").create(json!({}), Params::new()).await.unwrap();
    assert_eq!(heard.all(), [("echo restored".to_owned(), json!({}))]);
}

#[tokio::test]
async fn listed_events_are_sent_by_the_service_alone() {
    let (app, _connection, heard) = open(to_everybody().events(["created", "typing", "typing"]));
    app.service("echo").create(json!({}), Params::new()).await.unwrap();
    app.service("echo").emit("created", &1).await.unwrap();
    app.service("echo").emit("typing", &[1, 2]).await.unwrap();
    let error = app.service("echo").emit("unlisted", &3).await.unwrap_err();
    let told = format!("{error:?}");
    assert!(told.contains("'unlisted'") && told.contains("list it among"), "{told}");
    assert!(!error.message().contains("unlisted"), "clients can do nothing about it");
    assert_eq!(heard.all(), [("echo created".into(), json!(1)), ("echo typing".into(), json!([1, 2]))]);
}

#[tokio::test]
async fn publishers_that_wait_are_so_many_and_then_calls_wait_with_them_but_nobody_elses() {
    let (open, gate) = tokio::sync::watch::channel(false);
    let mount = Mount::new(Echo).publish_async(move |_| {
        let mut gate = gate.clone();
        async move {
            gate.wait_for(|open| *open).await.ok();
            channel("everybody")
        }
    });
    let app = App::builder().mount("echo", mount).build().unwrap();
    let (client, other) = (Client::connect(&app).await.unwrap(), Client::connect(&app).await.unwrap());
    app.channel("everybody").join(client.connection());
    let echo = client.service("echo");
    let mut calls: Vec<_> = (0..2000).map(|n| Box::pin(echo.create(json!(n)))).collect();
    calls.retain_mut(|call| call.now_or_never().is_none());
    assert!((1000..2000).contains(&calls.len()), "{} wait", calls.len());
    assert!(other.service("echo").create(json!(2000)).now_or_never().is_some(), "it waits for another's");
    // The server's own calls may come from a publisher, which must not wait for itself.
    app.service("echo").create(json!(2001), Params::new()).await.unwrap();
    open.send(true).unwrap();
    futures_util::future::try_join_all(calls).await.unwrap();
    while client.heard().len() < 2002 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn hooks_do_not_make_methods_send_events_that_are_listed() {
    let hooked = to_everybody().events(["created"]).before(All, sync(|_| Ok(())));
    let (app, _connection, heard) = open(hooked);
    app.service("echo").create(json!({}), Params::new()).await.unwrap();
    app.service("echo").emit("created", &1).await.unwrap();
    assert_eq!(heard.all(), [("echo created".into(), json!(1))]);
}

#[tokio::test]
async fn a_method_emits_through_its_params() {
    let mount = to_everybody().events(["progress"]).method("work", async |steps: u32, params: &Params| {
        for step in 0..steps {
            params.emit("progress", &step).await?;
        }
        Ok("done")
    });
    let (app, _connection, heard) = open(mount);
    app.service("echo").call("work", json!(2), Params::new()).await.unwrap();
    assert_eq!(heard.data(), [json!(0), json!(1)]);
}

#[tokio::test]
async fn listeners_and_publishers_that_panic_hurt_nobody() {
    let mount = Mount::new(Echo)
        .on("created", |_| panic!("on purpose"))
        .publish(|_: &Publication| -> Audience { panic!("on purpose") });
    let (app, _connection, heard) = open(mount);
    app.service("echo").create(json!({}), Params::new()).await.unwrap();
    assert_eq!(heard.all(), []);
}

#[tokio::test]
async fn a_publisher_that_waits_does_not_hold_up_the_call() {
    let (open_gate, gate) = tokio::sync::watch::channel(false);
    let waiting = Mount::new(Echo).publish_async(move |_| {
        let mut gate = gate.clone();
        async move {
            gate.wait_for(|open| *open).await.ok();
            channel("everybody")
        }
    });
    let (app, _connection, heard) = open(waiting);
    app.service("echo").create(json!({}), Params::new()).await.unwrap();
    assert_eq!(heard.all(), []);
    open_gate.send(true).unwrap();
    while heard.all().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_unknown_event_can_not_be_published_or_heard() {
    let publish = Mount::new(Echo).publish_event("nope", |_: &Publication| channel("x"));
    let listen = Mount::new(Echo).on("nope", |_| {});
    for mount in [publish, listen] {
        let error = App::builder().mount("echo", mount).build().unwrap_err();
        assert!(error.message().contains("'nope' is not a valid service event"), "{error}");
    }
}

#[tokio::test]
async fn a_pattern_names_all_channels_that_fit() {
    let mount = Mount::new(Echo)
        .publish(|_: &Publication| crate::realtime::channels_matching("rooms/*").send(json!("in a room")));
    let app = App::builder().mount("echo", mount).build().unwrap();
    let people: Vec<_> = (0..3).map(|_| Heard::connect(&app)).collect();
    app.channels(["rooms/1", "rooms/2"]).join(&people[0].0);
    app.channel("rooms/2").join(&people[1].0);
    app.channel("room").join(&people[2].0);
    app.service("echo").create(json!(1), Params::new()).await.unwrap();
    let heard: Vec<_> = people.iter().map(|(_, heard)| heard.data().len()).collect();
    assert_eq!(heard, [1, 1, 0]);
    let rooms = app.channels_matching("rooms/*");
    assert_eq!(rooms.len(), 2);
    rooms.leave(&people[0].0);
    assert_eq!(app.channel_names(), ["room", "rooms/2"]);
}

#[tokio::test]
async fn a_service_whose_publisher_names_nobody_is_not_published_by_the_application() {
    let app = App::builder()
        .mount("echo", Mount::new(Echo).publish_event("created", |_: &Publication| nobody()))
        .publish(|_| channel("everybody"))
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .build()
        .unwrap();
    let (_connection, heard) = Heard::connect(&app);
    app.service("echo").create(json!(1), Params::new()).await.unwrap();
    app.service("echo").emit("patched", &2).await.unwrap();
    assert_eq!(heard.data(), [json!(2)]);
}

#[tokio::test]
async fn several_records_that_change_are_an_event_each() {
    let store = crate::store::Memory::new().start(1).multi(true);
    let app = App::builder()
        .mount("notes", Mount::new(store).publish(|_| channel("everybody")))
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .build()
        .unwrap();
    let (_connection, heard) = Heard::connect(&app);
    let notes = app.service("notes");
    notes.create(json!([{"n": 1}, {"n": 2}]), Params::new()).await.unwrap();
    notes.patch(None, json!({"n": 0}), Params::new()).await.unwrap();
    notes.update(1, json!({"n": 5}), Params::new()).await.unwrap();
    notes.remove(None, Params::new()).await.unwrap();
    let told: Vec<String> =
        heard.all().into_iter().map(|(event, data)| format!("{} {}{}", event, data["id"], data["n"])).collect();
    let expected = [
        "notes created 11",
        "notes created 22",
        "notes patched 10",
        "notes patched 20",
        "notes updated 15",
        "notes removed 15",
        "notes removed 20",
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_event_can_go_to_a_connection_beside_channels() {
    let mount = Mount::new(Echo).publish(|publication: &Publication| {
        let caller = publication.caller().cloned();
        vec![Some(channel("staff")), caller.map(Audience::from)]
    });
    let app = App::builder().mount("echo", mount).build().unwrap();
    let ((staff, staff_heard), (other, other_heard)) = (Heard::connect(&app), Heard::connect(&app));
    app.channel("staff").join(&staff);
    let (_, nobody_heard) = Heard::connect(&app);
    for caller in [&other, &staff] {
        let mut params = Params::new();
        params.connection = Some(caller.clone());
        app.service("echo").create(json!(1), params).await.unwrap();
    }
    let heard = [staff_heard, other_heard, nobody_heard].map(|heard| heard.data().len());
    assert_eq!(heard, [2, 1, 0]);
}

#[tokio::test]
async fn a_publisher_sees_the_record_as_its_type() {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Task {
        team_id: Id,
    }
    let mount = Mount::new(crate::store::Memory::new()).publish_as(|task: Task, publication| {
        assert_eq!(publication.id("teamId"), Some(task.team_id.clone()));
        channel(("teams", task.team_id))
    });
    let app = App::builder().mount("tasks", mount).build().unwrap();
    let client = crate::test::Client::connect(&app).await.unwrap();
    app.channel(("teams", "red/1")).join(client.connection());
    app.channel("teams/7").join(client.connection());
    let tasks = app.service("tasks");
    // Of what is no task nobody hears, and the call succeeds.
    for data in [json!({"id": 1}), json!({"id": 2, "teamId": "red/1"}), json!({"id": 3, "teamId": 7})] {
        tasks.create(data, Params::new()).await.unwrap();
    }
    assert_eq!(client.hears("tasks created").await["id"], 2);
    assert_eq!(client.hears("tasks created").await["id"], 3);
}
