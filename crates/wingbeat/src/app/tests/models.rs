//! Random hooks and random channels, held against models that are too simple to be wrong.

use super::Echo;
use crate::hooks::{sync, with};
use crate::locked;
use crate::prelude::*;
use crate::test::Client;
use proptest::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Wrap,
    Around,
    Before,
    After,
    Error,
}

/// A hook that leaves its number, and perhaps fails.
#[derive(Clone, Copy, Debug)]
struct Registered {
    in_app: bool,
    kind: Kind,
    all: bool,
    fails: bool,
}

type Trace = Arc<Mutex<Vec<String>>>;

fn hooks() -> impl Strategy<Value = Vec<Registered>> {
    let kind =
        prop_oneof![Just(Kind::Wrap), Just(Kind::Around), Just(Kind::Before), Just(Kind::After), Just(Kind::Error)];
    let hook = (any::<bool>(), kind, any::<bool>(), prop::bool::weighted(0.1));
    let hook = hook.prop_map(|(in_app, kind, all, fails)| Registered {
        // The application has no hooks of this kind.
        in_app: in_app && kind != Kind::Wrap,
        kind,
        all,
        fails: fails && matches!(kind, Kind::Before | Kind::After | Kind::Error),
    });
    prop::collection::vec(hook, 0..14)
}

/// What must happen: the trace, and whether the call succeeds.
struct Model<'a>(&'a [Registered], bool, Vec<String>);

impl Model<'_> {
    fn of(&self, in_app: bool, kind: Kind, all: bool) -> Vec<(usize, bool)> {
        let fits = |hook: &Registered| hook.in_app == in_app && hook.kind == kind && hook.all == all;
        self.0.iter().enumerate().filter(|(_, hook)| fits(hook)).map(|(at, hook)| (at, hook.fails)).collect()
    }

    fn run(&mut self, in_app: bool) -> bool {
        let mut around = Vec::new();
        for kind in [Kind::Wrap, Kind::Around] {
            around.extend(self.of(in_app, kind, true));
            around.extend(self.of(in_app, kind, false));
        }
        self.2.extend(around.iter().map(|(at, _)| format!("{at}>")));
        let well = self.series(in_app, Kind::Before, true) && self.within(in_app);
        if !well {
            self.series(in_app, Kind::Error, true);
        }
        self.2.extend(around.iter().rev().map(|(at, _)| format!("<{at}")));
        well
    }

    /// What hooks for all methods are around.
    fn within(&mut self, in_app: bool) -> bool {
        let mut well = self.series(in_app, Kind::Before, false);
        well = well && if in_app { self.run(false) } else { self.1 };
        well = well && self.series(in_app, Kind::After, true) && self.series(in_app, Kind::After, false);
        if !well {
            self.series(in_app, Kind::Error, false);
        }
        well
    }

    fn series(&mut self, in_app: bool, kind: Kind, all: bool) -> bool {
        for (at, fails) in self.of(in_app, kind, all) {
            self.2.push(at.to_string());
            if fails {
                return false;
            }
        }
        true
    }
}

fn note(trace: &Trace, at: usize, fails: bool) -> impl crate::hooks::Hook {
    let trace = trace.clone();
    sync(move |_| {
        locked(&trace).push(at.to_string());
        if fails { Err(Error::general("on purpose")) } else { Ok(()) }
    })
}

fn nest(trace: &Trace, at: usize) -> impl crate::hooks::Around {
    with((trace.clone(), at), async |(trace, at): (Trace, usize), context: &mut Context, next: Next<'_>| {
        locked(&trace).push(format!("{at}>"));
        let outcome = next.run(context).await;
        locked(&trace).push(format!("<{at}"));
        outcome
    })
}

fn registered(hooks: &[Registered], trace: &Trace) -> App {
    let (mut app, mut mount) = (App::builder(), Mount::new(Echo));
    for (at, hook) in hooks.iter().enumerate() {
        let methods = || if hook.all { crate::hooks::Methods::from(All) } else { Get.into() };
        match (hook.in_app, hook.kind) {
            (true, Kind::Around | Kind::Wrap) => app = app.around(methods(), nest(trace, at)),
            (true, Kind::Before) => app = app.before(methods(), note(trace, at, hook.fails)),
            (true, Kind::After) => app = app.after(methods(), note(trace, at, hook.fails)),
            (true, Kind::Error) => app = app.error(methods(), note(trace, at, hook.fails)),
            (false, Kind::Wrap) => mount = mount.wrap(methods(), nest(trace, at)),
            (false, Kind::Around) => mount = mount.around(methods(), nest(trace, at)),
            (false, Kind::Before) => mount = mount.before(methods(), note(trace, at, hook.fails)),
            (false, Kind::After) => mount = mount.after(methods(), note(trace, at, hook.fails)),
            (false, Kind::Error) => mount = mount.error(methods(), note(trace, at, hook.fails)),
        }
    }
    app.mount("echo", mount).build().unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Join(usize, u8),
    Leave(usize, u8),
    LeaveIf(u8),
    Disconnect(usize),
    /// To these channels in this order; for those with an even number only, if so.
    Publish(Vec<u8>, bool),
}

const CLIENTS: usize = 5;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (client, channel) = (0..CLIENTS, 0..4u8);
    let step = prop_oneof![
        6 => (client.clone(), channel.clone()).prop_map(|(client, channel)| Step::Join(client, channel)),
        3 => (client.clone(), channel.clone()).prop_map(|(client, channel)| Step::Leave(client, channel)),
        1 => channel.clone().prop_map(Step::LeaveIf),
        1 => client.prop_map(Step::Disconnect),
        4 => (prop::collection::vec(channel, 0..4), any::<bool>()).prop_map(|(to, even)| Step::Publish(to, even)),
    ];
    prop::collection::vec(step, 0..40)
}

/// Publishes to the channels that the record names, each with its own name as data.
fn publishing() -> App {
    let mount = Mount::new(Echo).publish(|publication: &Publication| {
        let to: Vec<u8> = publication.data_as().unwrap();
        to.into_iter().map(|name| channel(name.to_string()).send(json!(name))).collect::<Audience>()
    });
    let even = Mount::new(Echo).publish(|publication: &Publication| {
        let to: Vec<u8> = publication.data_as().unwrap();
        let all: Audience = to.into_iter().map(|name| channel(name.to_string()).send(json!(name))).collect();
        all.filter(|connection| connection.get("even") == Some(json!(true)))
    });
    App::builder().mount("all", mount).mount("even", even).build().unwrap()
}

async fn channels_follow_the_model(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let app = publishing();
    let mut clients = Vec::new();
    for at in 0..CLIENTS {
        clients.push(Some(Client::to(&app).value("even", at % 2 == 0).connect().await.unwrap()));
    }
    let connections: Vec<Connection> = clients.iter().flatten().map(|client| client.connection().clone()).collect();
    let mut model: BTreeMap<u8, BTreeSet<usize>> = BTreeMap::new();
    for step in steps {
        match step {
            // Who has gone joins nothing.
            Step::Join(client, name) => {
                app.channel(name.to_string()).join(&connections[client]);
                if clients[client].is_some() {
                    model.entry(name).or_default().insert(client);
                }
            }
            Step::Leave(client, name) => {
                app.channel(name.to_string()).leave(&connections[client]);
                model.entry(name).or_default().remove(&client);
            }
            Step::LeaveIf(name) => {
                app.channel(name.to_string()).leave_if(|connection| connection.get("even") == Some(json!(true)));
                model.entry(name).or_default().retain(|client| client % 2 != 0);
            }
            Step::Disconnect(client) => {
                clients[client] = None;
                model.values_mut().for_each(|members| members.retain(|other| *other != client));
            }
            Step::Publish(to, even) => {
                // In a list, because a list of records would be published one by one.
                let path = if even { "even" } else { "all" };
                app.service(path).create(json!([to]), Params::new()).await.unwrap();
                for (at, client) in clients.iter().enumerate() {
                    let Some(client) = client else { continue };
                    let first = to.iter().find(|name| model.get(name).is_some_and(|members| members.contains(&at)));
                    let expected = first.filter(|_| !even || at % 2 == 0);
                    let heard: Vec<_> = client.heard().into_iter().map(|heard| heard.data).collect();
                    prop_assert_eq!(heard, expected.map(|name| json!(name)).into_iter().collect::<Vec<_>>());
                    if expected.is_some() {
                        client.next().await;
                    }
                }
            }
        }
        model.retain(|_, members| !members.is_empty());
        let names: Vec<String> = model.keys().map(u8::to_string).collect();
        prop_assert_eq!(app.channel_names(), names);
        for (name, members) in &model {
            let found: BTreeSet<u64> = app.channel(name.to_string()).connections().iter().map(Connection::id).collect();
            prop_assert_eq!(found, members.iter().map(|&at| connections[at].id()).collect::<BTreeSet<_>>());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn hooks_run_in_the_order_of_the_model(hooks in hooks(), succeeds in any::<bool>()) {
        let trace = Trace::default();
        let app = registered(&hooks, &trace);
        let id = if succeeds { "1" } else { "boom" };
        let outcome = block_on(app.service("echo").get(id, Params::new()));
        let mut model = Model(&hooks, succeeds, Vec::new());
        prop_assert_eq!(model.run(true), outcome.is_ok());
        prop_assert_eq!(&*locked(&trace), &model.2);
    }

    #[test]
    fn channels_are_sets_and_everyone_hears_once(steps in steps()) {
        block_on(channels_follow_the_model(steps))?;
    }
}
