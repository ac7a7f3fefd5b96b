//! Several nodes of one application, in one process.

use super::Echo;
use crate::BoxFuture;
use crate::app::Builder;
use crate::bus::{self, Bus, BusConnection, Full, Inbox, Topic};
use crate::hooks::protect;
use crate::prelude::*;
use crate::realtime::channels_matching;
use crate::test::Client;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wingbeat_core::Binary;

async fn nodes<const N: usize>(bus: &bus::Memory, build: impl Fn() -> Builder) -> [App; N] {
    let mut nodes = Vec::new();
    for _ in 0..N {
        let app = build().bus(bus.clone()).build().unwrap();
        app.setup().await.unwrap();
        nodes.push(app);
    }
    nodes.try_into().unwrap_or_else(|_| unreachable!())
}

fn echo<P, A>(publisher: P) -> impl Fn() -> Builder
where
    P: Fn(&Publication) -> A + Clone + Send + Sync + 'static,
    A: crate::realtime::IntoAudience,
{
    move || App::builder().mount("echo", Mount::new(Echo).publish(publisher.clone()))
}

/// A client that is in these channels, and its node hears of them.
async fn client(app: &App, channels: &[&str]) -> Client {
    let client = Client::connect(app).await.unwrap();
    let channels = app.channels(channels.iter().copied());
    channels.join(client.connection());
    channels.subscribed().await.unwrap();
    client
}

fn data(client: &Client) -> Vec<Value> {
    client.heard().into_iter().map(|heard| heard.data).collect()
}

async fn until(mut done: impl FnMut() -> bool) {
    let waiting = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("it never happens");
}

/// Publishes something that all of them hear, and waits for it: whatever was published before has come by then.
async fn drained(from: &App, clients: &[&Client]) {
    let end = json!("the end");
    from.service("echo").create(end.clone(), Params::new()).await.unwrap();
    until(|| clients.iter().all(|client| data(client).last() == Some(&end))).await;
}

#[tokio::test]
async fn an_event_reaches_the_members_of_its_channels_on_every_node_once() {
    let bus = bus::Memory::new();
    let [one, two, three] = nodes(&bus, echo(|_| channels(["all", "also"]))).await;
    let clients = [
        client(&one, &["all", "also"]).await,
        client(&two, &["also", "all"]).await,
        client(&two, &["also"]).await,
        client(&three, &["all"]).await,
    ];
    let stranger = client(&three, &["other"]).await;
    for n in 0..100 {
        one.service("echo").create(json!(n), Params::new()).await.unwrap();
    }
    let expected: Vec<Value> = (0..100).map(|n| json!(n)).collect();
    until(|| clients.iter().all(|client| client.heard().len() >= 100)).await;
    for client in &clients {
        assert_eq!(data(client), expected);
        assert_eq!(client.heard()[0].event, "echo created");
    }
    assert!(data(&stranger).is_empty());
    assert_eq!(one.node_count(), 3);
}

#[tokio::test]
async fn each_hears_the_data_of_the_first_part_that_has_it() {
    let bus = bus::Memory::new();
    let audience = |_: &Publication| channel("admins").or(channel("all").send(json!("public")));
    let [one, two] = nodes(&bus, echo(audience)).await;
    let (admin, guest) = (client(&two, &["all", "admins"]).await, client(&two, &["all"]).await);
    one.service("echo").create(json!("secret"), Params::new()).await.unwrap();
    until(|| data(&admin).len() + data(&guest).len() == 2).await;
    assert_eq!((data(&admin), data(&guest)), (vec![json!("secret")], vec![json!("public")]));
}

#[tokio::test]
async fn restrictions_travel_and_the_caller_stays_out_where_it_is() {
    let bus = bus::Memory::new();
    let audience = |event: &Publication| {
        let all = channel("all").except(event.caller());
        if event.data() == "the end" { channel("all") } else { all.having("user.team", "red") }
    };
    let [one, two] = nodes(&bus, echo(audience)).await;
    let (caller, red, blue) =
        (client(&one, &["all"]).await, client(&two, &["all"]).await, client(&two, &["all"]).await);
    caller.connection().set("user", json!({"team": "red"}));
    red.connection().set("user", json!({"team": "red"}));
    blue.connection().set("user", json!({"team": "blue"}));
    caller.service("echo").create(json!(1)).await.unwrap();
    drained(&one, &[&caller, &red, &blue]).await;
    assert_eq!(data(&red)[0], json!(1));
    assert_eq!((data(&caller).len(), data(&blue).len()), (1, 1));
}

#[tokio::test]
async fn patterns_and_many_channels_reach_every_node() {
    let bus = bus::Memory::new();
    let audience = |event: &Publication| match event.data().as_u64() {
        Some(_) => channels((0..40).map(|room| ("rooms", room))),
        None => channels_matching("rooms/*"),
    };
    let [one, two] = nodes(&bus, echo(audience)).await;
    let clients = [client(&two, &["rooms/39", "rooms/3"]).await, client(&two, &["rooms/0"]).await];
    let stranger = client(&two, &["halls/0"]).await;
    one.service("echo").create(json!(1), Params::new()).await.unwrap();
    drained(&one, &[&clients[0], &clients[1]]).await;
    assert!(clients.iter().all(|client| data(client) == [json!(1), json!("the end")]));
    assert!(data(&stranger).is_empty());
}

#[tokio::test]
async fn bytes_travel() {
    let bus = bus::Memory::new();
    let [one, two] = nodes(&bus, echo(|_| channel("all"))).await;
    let client = client(&two, &["all"]).await;
    let file = json!({"file": Binary::from(vec![0, 1, 255])});
    one.service("echo").create(file.clone(), Params::new()).await.unwrap();
    until(|| !data(&client).is_empty()).await;
    assert_eq!(data(&client), [file]);
}

/// Which part of an event other nodes may not know decides whether they may ask their own publisher.
#[tokio::test]
async fn filters_are_asked_on_every_node_unless_it_could_not_answer() {
    let bus = bus::Memory::new();
    let build = || {
        let red = |connection: &Connection| connection.get("team") == Some(json!("red"));
        App::builder()
            .mount("echo", Mount::new(Echo).publish(move |_| channel("all").filter(red)))
            .mount(
                "caller",
                Mount::new(Echo).publish(move |event| {
                    let caller = event.caller().map(Connection::id);
                    channel("all").filter(move |connection| Some(connection.id()) != caller)
                }),
            )
            .mount(
                "hidden",
                Mount::new(Echo).after(Create, protect(["secret"])).publish(move |_| channel("all").filter(red)),
            )
            .mount("waits", Mount::new(Echo).publish_async(move |_| async move { channel("all").filter(red) }))
            .mount("last", Mount::new(Echo).publish(|_| channel("all")))
    };
    let [one, two] = nodes(&bus, build).await;
    let members = [client(&one, &["all"]).await, client(&two, &["all"]).await];
    members.iter().for_each(|member| member.connection().set("team", "red"));
    let blue = client(&two, &["all"]).await;
    for path in ["echo", "caller", "hidden", "waits", "last"] {
        one.service(path).create(json!({"secret": 1}), Params::new()).await.unwrap();
        one.delivered().await;
    }
    let events = |client: &Client| client.heard().into_iter().map(|heard| heard.event).collect::<Vec<_>>();
    until(|| events(&blue).len() == 1 && events(&members[1]).len() == 2 && events(&members[0]).len() == 5).await;
    assert_eq!(events(&members[1]), ["echo created", "last created"]);
}

#[tokio::test]
async fn listeners_and_publishers_run_where_it_happened() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    static TOLD: AtomicUsize = AtomicUsize::new(0);
    let bus = bus::Memory::new();
    let build = || {
        let echo = Mount::new(Echo).on("created", |_| {
            TOLD.fetch_add(1, Ordering::SeqCst);
        });
        App::builder().mount(
            "echo",
            echo.publish(|_| {
                ASKED.fetch_add(1, Ordering::SeqCst);
                channel("all")
            }),
        )
    };
    let [one, two] = nodes(&bus, build).await;
    let client = client(&two, &["all"]).await;
    one.service("echo").create(json!(1), Params::new()).await.unwrap();
    until(|| !data(&client).is_empty()).await;
    assert_eq!((ASKED.load(Ordering::SeqCst), TOLD.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn who_leaves_by_a_value_leaves_on_every_node() {
    let bus = bus::Memory::new();
    let [one, two] =
        nodes(&bus, echo(|event| channel(if event.data() == "the end" { "lobby" } else { "rooms/1" }))).await;
    let (kicked, other) = (client(&two, &["rooms/1", "lobby"]).await, client(&two, &["rooms/1", "lobby"]).await);
    kicked.connection().set("user", json!({"id": 7}));
    one.channels_matching("rooms/*").leave_where("user.id", 7);
    until(|| kicked.connection().channels() == ["lobby"]).await;
    one.service("echo").create(json!(1), Params::new()).await.unwrap();
    drained(&one, &[&kicked, &other]).await;
    assert_eq!((data(&kicked).len(), data(&other).len()), (1, 2));
    two.channel("lobby").join(kicked.connection());
    one.channel("lobby").leave_where("user.id", 7);
    until(|| kicked.connection().channels().is_empty()).await;
}

/// Tells what a node asks for, and carries little.
#[derive(Clone)]
struct Spy(bus::Memory, Arc<Mutex<Vec<(Topic, bool)>>>);

struct SpyConnection(Arc<dyn BusConnection>, Arc<Mutex<Vec<(Topic, bool)>>>);

impl Bus for Spy {
    fn connect(&self, inbox: Arc<dyn Inbox>) -> BoxFuture<'_, Result<Arc<dyn BusConnection>>> {
        Box::pin(async move {
            Ok(Arc::new(SpyConnection(self.0.connect(inbox).await?, self.1.clone())) as Arc<dyn BusConnection>)
        })
    }
}

impl BusConnection for SpyConnection {
    fn publish(&self, topics: &[Topic], message: &Bytes) -> Result<(), Full> {
        if message.len() > self.largest() { Err(Full) } else { self.0.publish(topics, message) }
    }
    fn largest(&self) -> usize {
        4096
    }
    fn has_room(&self) -> BoxFuture<'_, ()> {
        self.0.has_room()
    }
    fn subscribe(&self, topic: &Topic) {
        self.1.lock().unwrap().push((topic.clone(), true));
        self.0.subscribe(topic);
    }
    fn unsubscribe(&self, topic: &Topic) {
        self.1.lock().unwrap().push((topic.clone(), false));
        self.0.unsubscribe(topic);
    }
    fn subscribed(&self) -> BoxFuture<'_, Result<()>> {
        self.0.subscribed()
    }
    fn close(&self, patience: Duration) -> BoxFuture<'_, ()> {
        self.0.close(patience)
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_asks_for_the_channels_that_somebody_is_in() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let app = echo(|_| channel("all"))().bus(Spy(bus::Memory::new(), asked.clone())).build().unwrap();
    let early = Client::connect(&app).await.unwrap();
    app.channel("early").join(early.connection());
    app.setup().await.unwrap();
    let (one, two) = (Client::connect(&app).await.unwrap(), Client::connect(&app).await.unwrap());
    let topics = || {
        let asked = asked.lock().unwrap();
        let channel = |(topic, on): &(Topic, bool)| match topic {
            Topic::Channel(name) => Some((name.to_string(), *on)),
            _ => None,
        };
        asked.iter().filter_map(channel).collect::<Vec<_>>()
    };
    assert_eq!(topics(), [("early".to_owned(), true)]);
    for client in [&one, &two] {
        app.channel("all").join(client.connection());
    }
    assert_eq!(topics()[1..], [("all".to_owned(), true)]);
    app.channel("all").leave(one.connection());
    drop(two);
    tokio::time::sleep(Duration::from_secs(3)).await;
    app.channel("all").join(one.connection());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(topics().iter().all(|(_, on)| *on), "somebody has come back in time");
    app.channel("all").leave(one.connection());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(topics().last(), Some(&("all".to_owned(), false)));
}

#[tokio::test]
async fn what_is_too_large_for_the_bus_stays_and_nobody_waits_for_it() {
    let bus = Spy(bus::Memory::new(), Arc::default());
    let build = || echo(|_| channel("all"))().bus(bus.clone()).build().unwrap();
    let (one, two) = (build(), build());
    one.setup().await.unwrap();
    two.setup().await.unwrap();
    let clients = [client(&one, &["all"]).await, client(&two, &["all"]).await];
    let large = json!("x".repeat(5_000));
    let echo = one.service("echo");
    let creating = echo.create(large.clone(), Params::new());
    tokio::time::timeout(Duration::from_secs(2), creating).await.expect("it waits for room").unwrap();
    drained(&one, &[&clients[0], &clients[1]]).await;
    assert_eq!((data(&clients[0]).len(), data(&clients[1]).len()), (2, 1));
    let publisher = bus::Publisher::connect(&bus).await.unwrap();
    let error = publisher.publish("echo", "created", large, channel("all")).await.unwrap_err();
    assert!(error.code() == 400 && error.message().contains("the bus carries 4096"), "{error}");
}

#[tokio::test]
async fn after_the_end_nobody_waits_for_room() {
    let bus = bus::Memory::new();
    let [one, two] = nodes(&bus, echo(|_| channel("all"))).await;
    let _client = client(&two, &["all"]).await;
    one.shutdown(Duration::from_secs(1)).await;
    let echo = one.service("echo");
    let creating = echo.create(json!(1), Params::new());
    let _ = tokio::time::timeout(Duration::from_secs(2), creating).await.expect("it waits for room");
}

#[tokio::test]
async fn what_no_node_can_read_is_left_out() {
    let bus = bus::Memory::new();
    let [app] = nodes(&bus, echo(|_| channel("all"))).await;
    let client = client(&app, &["all"]).await;
    struct Nobody;
    impl Inbox for Nobody {
        fn arrived(&self, _: bus::Incoming) -> BoxFuture<'_, ()> {
            Box::pin(async {})
        }
    }
    let stranger = bus.connect(Arc::new(Nobody)).await.unwrap();
    for bytes in [&b""[..], b"\x01", b"\x01\x01\0\0\0\0\0\0\0\0", b"\x07\x01\0\0\0\0\0\0\0\0", &[0xFF; 100]] {
        for topic in [Topic::All, Topic::Channel("all".into())] {
            stranger.publish(&[topic], &Bytes::copy_from_slice(bytes)).unwrap();
        }
    }
    drained(&app, &[&client]).await;
    assert_eq!(data(&client).len(), 1);
}

#[tokio::test]
async fn an_application_that_is_alone_counts_itself() {
    let app = echo(|_| channel("all"))().build().unwrap();
    app.setup().await.unwrap();
    assert_eq!((app.node_count(), app.is_among_nodes()), (1, None));
    let bus = bus::Memory::new();
    let [app] = nodes(&bus, echo(|_| channel("all"))).await;
    assert_eq!(app.is_among_nodes(), Some(true));
}

#[tokio::test]
async fn a_program_that_is_no_node_publishes() {
    let bus = bus::Memory::new();
    let [one, two] = nodes(&bus, echo(|_| channel("all"))).await;
    let clients = [client(&one, &["rooms/1"]).await, client(&two, &["rooms/1", "rooms/2"]).await];
    let publisher = bus::Publisher::connect(&bus).await.unwrap();
    let rooms = channels((1..=2).map(|room| ("rooms", room)));
    publisher.publish("invoices", "created", json!({"id": 7}), rooms).await.unwrap();
    until(|| clients.iter().all(|client| !client.heard().is_empty())).await;
    for client in &clients {
        let heard = client.heard();
        assert_eq!((&*heard[0].event, &heard[0].data, heard.len()), ("invoices created", &json!({"id": 7}), 1));
    }
    for audience in [channel("all").filter(|_| true), clients[0].connection().clone().into(), crate::realtime::nobody()]
    {
        let error = publisher.publish("invoices", "created", json!(1), audience).await.unwrap_err();
        assert_eq!(error.code(), 400);
    }
    publisher.close().await;
}

#[tokio::test(start_paused = true)]
async fn orders_that_were_missed_are_asked_for() {
    let bus = bus::Memory::new();
    let [one, two, three] = nodes(&bus, echo(|_| channel("all"))).await;
    let clients = [client(&two, &["all"]).await, client(&three, &["all"]).await];
    clients.iter().for_each(|client| client.connection().set("user", json!({"id": 7})));
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(two.node_count(), 3);
    bus.cut(1);
    one.channel("all").leave_where("user.id", 7);
    until(|| clients[1].connection().channels().is_empty()).await;
    assert_eq!((two.is_among_nodes(), clients[0].connection().channels()), (Some(false), vec!["all".to_owned()]));
    bus.restore(1);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(clients[0].connection().channels().is_empty());
    assert_eq!(two.is_among_nodes(), Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_ends_says_so_and_one_that_is_gone_is_missed() {
    let bus = bus::Memory::new();
    let [one, two, three] = nodes(&bus, echo(|_| channel("all"))).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(one.node_count(), 3);
    two.shutdown(Duration::from_secs(1)).await;
    until(|| one.node_count() == 2).await;
    bus.cut(2);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!((one.node_count(), three.is_among_nodes()), (1, Some(false)));
}

#[tokio::test(start_paused = true)]
async fn a_program_that_has_published_and_ended_is_no_node_that_is_missed() {
    let bus = bus::Memory::new();
    let [one] = nodes(&bus, echo(|_| channel("all"))).await;
    let client = client(&one, &["a", "b"]).await;
    let publisher = bus::Publisher::connect(&bus).await.unwrap();
    publisher.publish("notes", "created", json!(1), channels(["a", "b"])).await.unwrap();
    until(|| !client.heard().is_empty()).await;
    publisher.close().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((one.node_count(), client.heard().len()), (1, 1));
    assert!(client.connection().is_connected());
}

#[tokio::test]
async fn all_nodes_are_asked_and_who_does_not_answer_is_counted() {
    let bus = bus::Memory::new();
    let numbers = Arc::new(AtomicUsize::new(0));
    let build = || {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        App::builder().on_question("number", move |_: App, times: usize| async move { Ok(number * times) }).on_question(
            "moody",
            move |_: App, _: ()| async move {
                match number {
                    0 => Ok("well"),
                    1 => Err(Error::general("not today")),
                    _ => panic!("on purpose"),
                }
            },
        )
    };
    let [one, two, three] = nodes(&bus, build).await;
    until(|| one.node_count() == 3).await;
    let mut answers = one.everywhere().ask::<usize>("number", 10).await.unwrap();
    answers.answers.sort();
    assert_eq!((answers.answers, answers.missing), (vec![0, 10, 20], 0));
    let moods = one.everywhere().ask::<String>("moody", ()).await.unwrap();
    assert_eq!((moods.answers, moods.missing), (vec!["well".to_owned()], 2));
    assert_eq!(two.everywhere().ask::<String>("moody", ()).await.unwrap_err().message(), "not today");
    assert_eq!(one.everywhere().ask::<usize>("unknown", ()).await.unwrap_err().code(), 404);
    let here = [client(&two, &["room"]).await, client(&three, &["room"]).await, client(&three, &["room"]).await];
    let mut len = one.everywhere().len("room").await;
    len.answers.sort();
    assert_eq!((len.answers, len.missing), (vec![0, 1, 2], 0));
    drop(here);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_dies_or_is_cut_off_keeps_nobody_waiting() {
    let bus = bus::Memory::new();
    let asleep = || App::builder().on_question("sleep", |_: App, _: ()| std::future::pending::<Result<()>>());
    let [one] = nodes(&bus, || App::builder().on_question("sleep", async |_: App, _: ()| Ok(()))).await;
    let [two] = nodes(&bus, asleep).await;
    until(|| one.node_count() == 2).await;
    let begun = tokio::time::Instant::now();
    let everywhere = one.everywhere().patience(Duration::from_secs(60));
    let asking = tokio::spawn(async move { everywhere.ask::<()>("sleep", ()).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    two.shutdown(Duration::from_millis(10)).await;
    let answers = asking.await.unwrap().unwrap();
    assert_eq!((answers.answers.len(), answers.missing), (1, 1));
    assert!(begun.elapsed() < Duration::from_secs(5), "its end was waited out: {:?}", begun.elapsed());
    let [three] = nodes(&bus, asleep).await;
    until(|| one.node_count() == 2).await;
    let answers = one.everywhere().patience(Duration::from_secs(2)).ask::<()>("sleep", ()).await.unwrap();
    assert_eq!((answers.answers.len(), answers.missing), (1, 1));
    let late = three.everywhere().patience(Duration::from_secs(2)).ask::<()>("sleep", ()).await.unwrap_err();
    assert_eq!(late.code(), 408, "it does not wait for itself either");
    bus.cut(0);
    let answers = one.everywhere().ask::<()>("sleep", ()).await.unwrap();
    assert_eq!((answers.answers.len(), answers.missing), (1, 1));
}

#[test]
fn a_question_is_answered_once_and_has_no_colon() {
    let answer = async |_: App, _: ()| Ok(());
    for (builder, why) in [
        (App::builder().on_question("a", answer).on_question("a", answer), "The question 'a' is answered twice"),
        (
            App::builder().on_question("wingbeat:len", answer),
            "The question 'wingbeat:len' has a colon, as those of Wingbeat itself",
        ),
    ] {
        assert_eq!(builder.build().unwrap_err().message(), why);
    }
}
