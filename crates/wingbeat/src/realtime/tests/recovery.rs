//! Clients that are lost and come back: each hears everything that is meant for it, once and in order, or is told that it
//! does not.

use super::super::recovery::{Limits, LostSocket, Recovery, Refused};
use super::super::{
    Audience, Batch, Channel, Channels, Connection, Delivery, Message, Peer, channel, channels, channels_matching,
};
use crate::locked;
use crate::realtime::EventName;
use futures_util::FutureExt;
use proptest::prelude::*;
use serde_json::json;
use std::cell::Cell;
use std::env;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::{advance, pause};
use wingbeat_core::RawJson;

const CLIENTS: usize = 90;
/// The rooms, and how many are in them at first. More than 64 are not served at once.
const ROOMS: [(&str, usize); 4] = [("rooms/all", 80), ("rooms/many", 66), ("some", 20), ("pair", 2)];

fn limits() -> Limits {
    Limits {
        window: Duration::from_secs(120),
        unnoticed: Duration::from_secs(45),
        log_bytes: 64 << 20,
        events: 10_000,
        bytes: 64 << 20,
        connections: 1_000,
        ends_at_gaps: true,
    }
}

/// What was written for a connection: the number of each event, and its place.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<(u32, u64)>>>);

impl Peer for Written {
    fn deliver(&self, message: &Message) {
        let place = message.position().expect("every event has a place").number;
        locked(&self.0).push((message.data().to().unwrap(), place));
    }
    fn deliver_all(&self, batch: &Batch) {
        batch.messages().iter().for_each(|message| self.deliver(message));
    }
    fn disconnect(&self, _: &Connection) {}
    fn is_recoverable(&self) -> bool {
        true
    }
}

/// One application, and clients as socket.io-client is one.
struct World {
    channels: Arc<Channels>,
    delivery: Arc<Delivery>,
    recovery: Arc<Recovery>,
    clients: Vec<Client>,
    sockets: usize,
    connections: Cell<u64>,
    last: u32,
}

fn number(connection: &Connection) -> u64 {
    connection.get_as("number").unwrap()
}

struct Client {
    connection: Connection,
    written: Written,
    socket: LostSocket,
    private_id: String,
    /// The place of the last event that it has heard, in whichever session that was.
    offset: u64,
    is_lost: bool,
    heard: Vec<u32>,
    /// What it has to hear, and what it may hear: it left the channel while that was on its way.
    owed: Vec<(u32, Owed)>,
    is_in: [bool; ROOMS.len()],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Owed {
    /// By the room that it was found in, if it was one.
    In(Option<usize>),
    /// In whichever room was looked at first.
    Matching,
    Maybe,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Join(usize, usize),
    Leave(usize, usize),
    /// By a question to all who are there.
    Kick(usize, usize),
    Publish(To, Option<usize>),
    /// The client is lost, when so many percent of what was written last have come to it.
    Lose(usize, usize),
    Return(usize),
    /// The server ends it, wherever it is.
    Remove(usize),
    Turns(usize),
}

#[derive(Clone, Copy, Debug)]
enum To {
    Room(usize),
    Filtered(usize, u64),
    Having(usize, usize),
    Except(usize, usize),
    Rooms(usize, usize),
    RoomOrOne(usize, usize),
    /// With data of its own for the first of them.
    Matching,
    One(usize),
}

fn to() -> impl Strategy<Value = To> {
    let (room, who) = (0..ROOMS.len(), 0..CLIENTS);
    prop_oneof![
        4 => room.clone().prop_map(To::Room),
        1 => (room.clone(), 1..4u64).prop_map(|(room, by)| To::Filtered(room, by)),
        1 => (room.clone(), 0..3usize).prop_map(|(room, team)| To::Having(room, team)),
        1 => (room.clone(), who.clone()).prop_map(|(room, who)| To::Except(room, who)),
        1 => (room.clone(), room.clone()).prop_map(|(a, b)| To::Rooms(a, b)),
        1 => (room, who.clone()).prop_map(|(room, who)| To::RoomOrOne(room, who)),
        1 => Just(To::Matching),
        1 => who.prop_map(To::One),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    // Few of them do most, so that the same are lost in the middle of coming back.
    let (room, who) = (0..ROOMS.len(), prop_oneof![0..6usize, 0..CLIENTS]);
    prop_oneof![
        3 => (who.clone(), room.clone()).prop_map(|(who, room)| Op::Join(who, room)),
        2 => (who.clone(), room.clone()).prop_map(|(who, room)| Op::Leave(who, room)),
        1 => (who.clone(), room).prop_map(|(who, room)| Op::Kick(who, room)),
        8 => (to(), proptest::option::of(who.clone())).prop_map(|(to, caller)| Op::Publish(to, caller)),
        4 => (who.clone(), 0..=100usize).prop_map(|(who, percent)| Op::Lose(who, percent)),
        4 => who.clone().prop_map(Op::Return),
        1 => who.prop_map(Op::Remove),
        3 => (0..4usize).prop_map(Op::Turns),
    ]
}

impl Client {
    /// So many of what was written have come to it.
    fn hears(&mut self, count: usize) {
        let written = std::mem::take(&mut *locked(&self.written.0));
        for (event, place) in &written[..count] {
            self.heard.push(*event);
            self.offset = *place;
        }
    }

    /// What it has heard is what it had to hear, and perhaps what it may.
    fn check(&self, who: usize) {
        let mut heard = self.heard.iter().peekable();
        for (event, owed) in &self.owed {
            if heard.peek() == Some(&event) {
                heard.next();
            } else {
                assert_eq!(*owed, Owed::Maybe, "{who} has not heard {event}: {:?} of {:?}", self.heard, self.owed);
            }
        }
        assert_eq!(heard.next(), None, "{who} should not have heard it then: {:?} of {:?}", self.heard, self.owed);
    }
}

impl World {
    fn new(limits: Limits) -> World {
        let channels = Arc::new(Channels::default());
        let recovery = Recovery::new(limits, 7);
        assert!(channels.set_recovery(recovery.clone()));
        let delivery = Delivery::new(channels.clone());
        let mut world =
            World { channels, delivery, recovery, clients: Vec::new(), sockets: 0, connections: Cell::new(0), last: 0 };
        world.clients = (0..CLIENTS).map(|who| world.connect(who)).collect();
        for (room, (_, count)) in ROOMS.into_iter().enumerate() {
            (0..count).for_each(|who| world.join(who, room));
        }
        world
    }

    fn connection(&self, who: usize, written: &Written) -> Connection {
        let connection = Connection::new("test", written.clone());
        connection.set("team", json!(who % 3));
        // Another one for each connection: filters ask the one that was there when it was published.
        connection.set("number", json!(self.connections.get()));
        self.connections.set(self.connections.get() + 1);
        connection
    }

    /// A client that begins anew.
    fn connect(&mut self, who: usize) -> Client {
        self.sockets += 1;
        let private_id = format!("client {:>13}", self.sockets);
        let written = Written::default();
        Client {
            connection: self.connection(who, &written),
            written,
            socket: LostSocket::new(&format!("socket {:>13}", self.sockets), &private_id).unwrap(),
            private_id,
            // socket.io-client keeps that of an earlier session.
            offset: self.clients.get(who).map_or(0, |client| client.offset),
            is_lost: false,
            heard: Vec::new(),
            owed: Vec::new(),
            is_in: [false; ROOMS.len()],
        }
    }

    fn join(&mut self, who: usize, room: usize) {
        let client = &mut self.clients[who];
        if !client.is_lost {
            self.channels.join(ROOMS[room].0, &client.connection);
            client.is_in[room] = true;
        }
    }

    fn left(&mut self, who: usize, room: usize) {
        let client = &mut self.clients[who];
        client.is_in[room] = false;
        let written: Vec<u32> = locked(&client.written.0).iter().map(|(event, _)| *event).collect();
        for (event, owed) in &mut client.owed {
            let is_of = *owed == Owed::In(Some(room)) || *owed == Owed::Matching;
            if is_of && !client.is_lost && !written.contains(event) && !client.heard.contains(event) {
                *owed = Owed::Maybe;
            }
        }
    }

    fn place(&self, to: To, who: usize) -> Option<Option<usize>> {
        let client = &self.clients[who];
        let within = |room: usize| client.is_in[room].then_some(Some(room));
        let one = |one: usize| (one == who).then_some(None);
        match to {
            To::Room(room) => within(room),
            To::Filtered(room, by) => within(room).filter(|_| number(&client.connection).is_multiple_of(by)),
            To::Having(room, team) => within(room).filter(|_| who % 3 == team),
            To::Except(room, other) => within(room).filter(|_| who != other),
            To::Rooms(a, b) => within(a).or_else(|| within(b)),
            To::RoomOrOne(room, other) => within(room).or_else(|| one(other)),
            To::Matching => within(0).or_else(|| within(1)),
            To::One(other) => one(other),
        }
    }

    fn audience(&self, to: To) -> Audience {
        let room = |room: usize| channel(ROOMS[room].0);
        let one = |who: usize| Audience::from(self.clients[who].connection.clone());
        match to {
            To::Room(of) => room(of),
            To::Filtered(of, by) => room(of).filter(move |connection| number(connection).is_multiple_of(by)),
            To::Having(of, team) => room(of).having("team", team as u64),
            To::Except(of, who) => room(of).except(&self.clients[who].connection),
            To::Rooms(a, b) => channels([ROOMS[a].0, ROOMS[b].0]),
            To::RoomOrOne(of, who) => room(of).or(one(who)),
            To::Matching => channels_matching("rooms/*"),
            To::One(who) => one(who),
        }
    }

    fn publish(&mut self, to: To, caller: Option<usize>) {
        self.last += 1;
        for who in 0..CLIENTS {
            if let Some(room) = self.place(to, who) {
                let owed = if matches!(to, To::Matching) { Owed::Matching } else { Owed::In(room) };
                self.clients[who].owed.push((self.last, owed));
            }
        }
        let name = EventName::new(&"numbers".into(), "created");
        let data = RawJson::new(&self.last).unwrap();
        let caller =
            caller.map(|who| &self.clients[who]).filter(|client| !client.is_lost).map(|client| &client.connection);
        let audience = self.audience(to);
        let sending = self.delivery.send(&audience, &name, &data, caller);
        sending.now_or_never().expect("there are places").unwrap();
    }

    fn lose(&mut self, who: usize, percent: usize) {
        let client = &mut self.clients[who];
        if client.is_lost {
            return;
        }
        let count = locked(&client.written.0).len() * percent / 100;
        client.hears(count);
        client.is_lost = true;
        let client = &self.clients[who];
        if self.channels.park(&self.recovery, &client.connection, client.socket).is_none() {
            // It has come back too often.
            self.channels.gone(&client.connection);
        }
    }

    /// Whether the client was told that it has missed nothing.
    fn come_back(&mut self, who: usize) -> Result<usize, Refused> {
        let client = &self.clients[who];
        let written = Written::default();
        let connection = self.connection(who, &written);
        let claim = self.recovery.claim(&client.private_id, &connection, client.offset);
        let outcome = claim.and_then(|claim| self.delivery.give_back(&claim, &connection));
        match outcome {
            Ok(_) => {
                let client = &mut self.clients[who];
                (client.connection, client.written, client.is_lost) = (connection, written, false);
            }
            Err(_) => {
                self.channels.end_parked_client(&self.recovery, &self.clients[who].private_id);
                self.clients[who].check_part(who);
                self.clients[who] = self.connect(who);
            }
        }
        outcome
    }

    fn remove(&mut self, who: usize) {
        let client = &mut self.clients[who];
        client.connection.disconnect();
        if !client.is_lost {
            let count = locked(&client.written.0).len();
            client.hears(count);
            self.channels.gone(&client.connection);
            client.is_lost = true;
        }
        client.owed.iter_mut().filter(|(event, _)| !client.heard.contains(event)).for_each(|owed| owed.1 = Owed::Maybe);
        assert!(self.come_back(who).is_err(), "{who} was removed");
    }

    async fn run(&mut self, ops: &[Op]) {
        for op in ops {
            match *op {
                Op::Join(who, room) => self.join(who, room),
                Op::Leave(who, room) => {
                    self.channels.leave(ROOMS[room].0, &self.clients[who].connection);
                    self.left(who, room);
                }
                Op::Kick(who, room) => {
                    let connection = self.clients[who].connection.clone();
                    let room_of = Channel::new(self.channels.clone(), [ROOMS[room].0.into()].into());
                    room_of.leave_if(|other| *other == connection);
                    self.left(who, room);
                }
                Op::Publish(to, caller) => self.publish(to, caller),
                Op::Lose(who, percent) => self.lose(who, percent),
                Op::Return(who) if self.clients[who].is_lost => {
                    if let Err(why) = self.come_back(who) {
                        assert_eq!(why, Refused::Unknown, "{who} has not come back too often");
                    }
                }
                Op::Return(_) => {}
                Op::Remove(who) => self.remove(who),
                Op::Turns(count) => {
                    for _ in 0..count {
                        yield_now().await;
                    }
                }
            }
        }
        while !self.delivery.is_idle() {
            yield_now().await;
        }
        for who in 0..CLIENTS {
            if self.clients[who].is_lost && self.come_back(who).is_err() {
                continue;
            }
            let count = locked(&self.clients[who].written.0).len();
            self.clients[who].hears(count);
            self.clients[who].check(who);
        }
        for who in 0..CLIENTS {
            self.lose(who, 100);
        }
        for client in &self.clients {
            self.channels.end_parked_client(&self.recovery, &client.private_id);
        }
        assert_eq!(self.channels.names_matching("*").len(), 0, "channels are left");
    }
}

impl Client {
    /// It begins anew: what it has heard until then was in order, and no more than was meant for it.
    fn check_part(&self, who: usize) {
        let mut owed = self.owed.iter().map(|(event, _)| event);
        assert!(self.heard.iter().all(|heard| owed.any(|owed| owed == heard)), "{who}: {:?}", self.heard);
    }
}

/// How many runs of up to 200 steps: `RECOVERY_STEPS=1000000` in the environment for as many steps.
fn cases() -> u32 {
    let steps: u32 = env::var("RECOVERY_STEPS").map_or(20_000, |steps| steps.parse().expect("a number of steps"));
    steps / 100
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 100_000, ..ProptestConfig::default() })]
    #[test]
    fn a_client_that_comes_back_has_heard_everything_once_and_in_order(ops in proptest::collection::vec(op(), 0..200)) {
        Builder::new_current_thread().enable_time().build().unwrap().block_on(World::new(limits()).run(&ops));
    }
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_told() {
    let mut world = World::new(Limits { log_bytes: 1_000, ..limits() });
    world.lose(0, 100);
    world.lose(1, 100);
    (0..20).for_each(|_| world.publish(To::Room(2), None));
    // Nobody is in that one.
    (0..20).for_each(|_| world.publish(To::Rooms(3, 3), Some(5)));
    assert_eq!(world.come_back(0), Err(Refused::Gone));
}

#[tokio::test]
async fn a_quiet_client_comes_back_however_old_its_last_event_is() {
    let mut world = World::new(Limits { log_bytes: 1_000, ..limits() });
    // In the first rooms alone.
    let quiet = 30;
    world.publish(To::Room(0), None);
    while !world.delivery.is_idle() {
        yield_now().await;
    }
    world.lose(quiet, 100);
    (0..50).for_each(|_| world.publish(To::Room(2), None));
    assert_eq!(world.come_back(quiet), Ok(0));
}

#[tokio::test]
async fn what_was_sent_by_pattern_before_a_client_was_there_does_not_keep_it_from_coming_back() {
    let mut world = World::new(Limits { log_bytes: 1_000, ..limits() });
    world.publish(To::Matching, None);
    (0..50).for_each(|_| world.publish(To::Room(2), None));
    let late = CLIENTS - 1;
    world.clients[late] = world.connect(late);
    world.join(late, 0);
    world.lose(late, 100);
    assert_eq!(world.come_back(late), Ok(0));
}

#[tokio::test]
async fn who_has_missed_too_much_is_told() {
    let mut world = World::new(Limits { events: 3, ..limits() });
    for (count, outcome) in [(3, Ok(3)), (4, Err(Refused::TooMuch))] {
        world.lose(0, 100);
        (0..count).for_each(|_| world.publish(To::Room(3), None));
        assert_eq!(world.come_back(0), outcome);
    }
    let mut world = World::new(Limits { bytes: 2, ..limits() });
    world.lose(0, 100);
    (0..3).for_each(|_| world.publish(To::Room(3), None));
    assert_eq!(world.come_back(0), Err(Refused::TooMuch));
}

#[tokio::test]
async fn one_of_two_that_come_back_for_the_same_begins_anew() {
    let mut world = World::new(limits());
    world.lose(0, 100);
    let connection = world.connection(0, &Written::default());
    let (private_id, after) = (world.clients[0].private_id.clone(), world.clients[0].offset);
    let first = world.recovery.claim(&private_id, &connection, after).unwrap();
    assert!(first.holds(&connection));
    assert_eq!(world.recovery.claim(&private_id, &connection, after).map(|_| ()), Err(Refused::Unknown));
    // The first did not get as far as that.
    drop(first);
    assert_eq!(world.come_back(0), Ok(0));
}

#[tokio::test]
async fn who_is_removed_while_it_comes_back_begins_anew() {
    let mut world = World::new(limits());
    world.lose(0, 100);
    let connection = world.connection(0, &Written::default());
    let claim = world.recovery.claim(&world.clients[0].private_id, &connection, 0).unwrap();
    world.clients[0].connection.disconnect();
    assert!(!claim.holds(&connection));
    assert_eq!(world.delivery.give_back(&claim, &connection), Err(Refused::Unknown));
}

#[tokio::test]
async fn a_filter_that_panics_lets_nobody_come_back() {
    let mut world = World::new(limits());
    world.lose(0, 100);
    let name = EventName::new(&"numbers".into(), "created");
    let lost = world.clients[0].connection.clone();
    let audience =
        channel("pair").filter(move |connection| if *connection == lost { panic!("on purpose") } else { true });
    let data = RawJson::new(&1).unwrap();
    let sending = world.delivery.send(&audience, &name, &data, None);
    assert!(sending.now_or_never().unwrap().unwrap());
    assert_eq!(world.come_back(0), Err(Refused::Failed));
}

#[tokio::test]
async fn the_oldest_go_where_more_are_lost_than_are_kept_and_all_with_the_time() {
    pause();
    let mut world = World::new(Limits { connections: 2, ..limits() });
    world.lose(0, 100);
    world.lose(1, 100);
    let third = &world.clients[2];
    let parked = world.channels.park(&world.recovery, &third.connection, third.socket).unwrap();
    assert_eq!(parked.ended, [world.clients[0].connection.clone()]);
    advance(Duration::from_secs(119)).await;
    assert!(world.channels.end_expired(&world.recovery).is_empty());
    advance(Duration::from_secs(1)).await;
    let expired = world.channels.end_expired(&world.recovery);
    assert_eq!(expired, [world.clients[1].connection.clone(), world.clients[2].connection.clone()]);
    assert_eq!(world.come_back(1), Err(Refused::Unknown));
}
