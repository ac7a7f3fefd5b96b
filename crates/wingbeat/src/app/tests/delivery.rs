use super::{Echo, Heard};
use crate::prelude::*;
use crate::test::Client;
use futures_util::FutureExt as _;
use serde_json::{Value, json};

fn everybody() -> App {
    App::builder()
        .mount("echo", Mount::new(Echo).publish(|_| channel("everybody")))
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .build()
        .unwrap()
}

fn crowd(app: &App, size: usize) -> Vec<(Connection, Heard)> {
    (0..size).map(|_| Heard::connect(app)).collect()
}

async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}

fn called_by(connection: &Connection) -> Params {
    let mut params = Params::new();
    params.connection = Some(connection.clone());
    params
}

#[tokio::test]
async fn a_large_audience_hears_everything_once_and_in_order() {
    let app = everybody();
    let crowd = crowd(&app, 1000);
    for n in 0..50 {
        app.service("echo").create(json!(n), Params::new()).await.unwrap();
    }
    until(|| crowd.iter().all(|(_, heard)| heard.data().len() >= 50)).await;
    let all: Vec<Value> = (0..50).map(|n| json!(n)).collect();
    assert!(crowd.iter().all(|(_, heard)| heard.data() == all));
}

#[tokio::test]
async fn the_caller_has_its_event_before_its_answer() {
    let app = everybody();
    let crowd = crowd(&app, 1000);
    let (caller, heard) = &crowd[700];
    // Pipelined: the later ones find the queue busy.
    let calls = (0..20).map(|n| {
        let (app, caller, heard) = (app.clone(), caller.clone(), heard.clone());
        async move {
            app.service("echo").create(json!(n), called_by(&caller)).await.unwrap();
            assert!(heard.data().contains(&json!(n)), "answered before event {n}");
        }
    });
    futures_util::future::join_all(calls).await;
    until(|| crowd.iter().all(|(_, heard)| heard.data().len() >= 20)).await;
    let all: Vec<Value> = (0..20).map(|n| json!(n)).collect();
    assert!(crowd.iter().all(|(_, heard)| heard.data() == all));
}

#[tokio::test]
async fn who_leaves_during_a_delivery_hears_no_more_of_it() {
    let app = everybody();
    let crowd = crowd(&app, 1000);
    app.service("echo").create(json!(1), Params::new()).await.unwrap();
    for (connection, _) in &crowd {
        app.channel("everybody").leave(connection);
    }
    app.service("echo").create(json!(2), Params::new()).await.unwrap();
    tokio::task::yield_now().await;
    assert!(crowd.iter().all(|(_, heard)| !heard.data().contains(&json!(2))));
    assert!(crowd.iter().any(|(_, heard)| heard.data().is_empty()), "the delivery was over before anyone left");
}

#[tokio::test]
async fn a_call_is_answered_at_once_however_much_waits_before_its_event() {
    let mount = Mount::new(Echo).publish(|_| channel("everybody").filter(|_| true));
    let joining = |app: &App, connection: &Connection| app.channel("everybody").join(connection);
    let app = App::builder().mount("echo", mount).on_connection(joining).build().unwrap();
    let crowd = crowd(&app, 1000);
    let (caller, heard) = &crowd[700];
    app.service("echo").create(json!(1), Params::new()).await.unwrap();
    let echo = app.service("echo");
    echo.create(json!(2), called_by(caller)).now_or_never().expect("the call waits for its turn").unwrap();
    assert_eq!(heard.data(), [json!(1), json!(2)]);
    until(|| crowd.iter().all(|(_, heard)| heard.data().len() >= 2)).await;
    assert!(crowd.iter().all(|(_, heard)| heard.data() == [json!(1), json!(2)]));
}

#[tokio::test]
async fn an_audience_that_can_not_be_found_out_is_nobody_and_the_call_succeeds() {
    let mount = Mount::new(Echo).publish(|_| channel("everybody").filter(|_| panic!("on purpose")));
    let joining = |app: &App, connection: &Connection| app.channel("everybody").join(connection);
    let app = App::builder().mount("echo", mount).on_connection(joining).build().unwrap();
    let (_ann, heard) = Heard::connect(&app);
    let client = Client::connect(&app).await.unwrap();
    assert_eq!(client.service("echo").create(json!(1)).await.unwrap(), 1);
    assert_eq!(app.service("echo").create(json!(2), Params::new()).await.unwrap().into_value().unwrap(), 2);
    assert_eq!(heard.all(), []);
}

#[tokio::test]
async fn each_connection_hears_an_event_once_with_the_data_of_its_first_channel() {
    let mount = Mount::new(Echo).publish(|_| {
        let staff = channel("staff").send(json!("staff"));
        vec![None, Some(staff), None, Some(channel("everybody").or(channel("guests").send(json!("guest"))))]
    });
    let app = App::builder()
        .mount("echo", mount)
        .on_connection(|app, connection| app.channels(["everybody", "guests"]).join(connection))
        .build()
        .unwrap();
    let ((staff, staff_heard), (_guest, guest_heard)) = (Heard::connect(&app), Heard::connect(&app));
    app.channel("staff").join(&staff);
    app.service("echo").create(json!("record"), Params::new()).await.unwrap();
    assert_eq!((staff_heard.data(), guest_heard.data()), (vec![json!("staff")], vec![json!("record")]));
}

#[tokio::test]
async fn filters_choose_among_the_members() {
    let mount = Mount::new(Echo).publish(|publication: &Publication| {
        let wanted = publication.data().clone();
        channel("everybody").filter(move |connection| connection.get("user").as_ref() == Some(&wanted))
    });
    let app = App::builder()
        .mount("echo", mount)
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .build()
        .unwrap();
    let (ann, bob) = (Heard::connect(&app), Heard::connect(&app));
    ann.0.set("user", "ann");
    bob.0.set("user", "bob");
    app.service("echo").create(json!("bob"), Params::new()).await.unwrap();
    assert_eq!((ann.1.data().len(), bob.1.data().len()), (0, 1));
}

#[tokio::test]
async fn a_channel_exists_while_someone_is_in_it() {
    let app = everybody();
    let ((ann, _ann), (bob, heard)) = (Heard::connect(&app), Heard::connect(&app));
    let room = app.channel("room");
    assert_eq!((room.len(), app.channel_names()), (0, vec!["everybody".to_owned()]));
    room.join(&ann);
    room.join(&ann);
    room.join(&bob);
    assert_eq!((room.len(), ann.channels()), (2, vec!["everybody".to_owned(), "room".to_owned()]));
    room.leave_if(|connection| *connection == ann);
    assert_eq!(room.connections(), std::slice::from_ref(&bob));
    app.disconnected(&bob);
    room.join(&bob);
    assert_eq!((room.is_empty(), bob.is_connected(), app.channel_names()), (true, false, vec!["everybody".to_owned()]));
    app.service("echo").create(json!(1), Params::new()).await.unwrap();
    assert_eq!(heard.all(), []);
}

#[tokio::test]
async fn channels_taken_together_hold_everyone_once() {
    let app = everybody();
    let ((ann, _ann), (bob, _bob)) = (Heard::connect(&app), Heard::connect(&app));
    let both = app.channels(["a", "b"]);
    app.channel("a").join(&ann);
    both.join(&bob);
    assert_eq!((both.len(), app.channel("b").len()), (2, 1));
    both.leave_if(|connection| *connection == bob);
    assert_eq!((both.connections(), app.channel_names()), (vec![ann.clone()], vec!["a".into(), "everybody".into()]));
    let all = app.channels(app.channel_names());
    assert_eq!(all.len(), 2);
    all.leave(&ann);
    assert_eq!((ann.channels().len(), app.channel_names()), (0, vec!["everybody".to_owned()]));
    // Asking makes no channel.
    assert!(app.channel("asked").is_empty() && app.channel_names().len() == 1);
    assert_eq!(app.channels(Vec::<String>::new()).len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn joining_and_leaving_under_way_loses_and_doubles_nothing_for_those_who_stay() {
    let app = everybody();
    let staying = crowd(&app, 200);
    let coming_and_going = tokio::spawn({
        let app = app.clone();
        async move {
            for _ in 0..300 {
                let (connection, _heard) = Heard::connect(&app);
                tokio::task::yield_now().await;
                app.disconnected(&connection);
            }
        }
    });
    let mut publishing = Vec::new();
    for source in 0..4 {
        let app = app.clone();
        publishing.push(tokio::spawn(async move {
            for n in 0..100 {
                app.service("echo").create(json!([[source, n]]), Params::new()).await.unwrap();
            }
        }));
    }
    for task in publishing {
        task.await.unwrap();
    }
    coming_and_going.await.unwrap();
    until(|| staying.iter().all(|(_, heard)| heard.all().len() >= 400)).await;
    for (_, heard) in &staying {
        let heard = heard.data();
        assert_eq!(heard.len(), 400);
        for source in 0..4 {
            let of_source: Vec<_> = heard.iter().filter(|data| data[0] == source).map(|data| data[1].clone()).collect();
            assert_eq!(of_source, (0..100).map(|n| json!(n)).collect::<Vec<_>>());
        }
    }
    assert_eq!(app.channel("everybody").len(), 200);
}
