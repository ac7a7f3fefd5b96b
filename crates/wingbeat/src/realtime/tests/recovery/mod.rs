//! Clients that are lost and come back: each hears everything that is meant for it, once and in order, or is told that it
//! does not.

mod facts;
mod model;
mod races;

use super::super::recovery::{Claim, Limits, LostSocket, Recovery, Refused};
use super::super::{
    Audience, Batch, Channels, Connection, Delivery, Message, Peer, channel, channels, channels_matching,
};
use crate::locked;
use crate::realtime::EventName;
use futures_util::FutureExt;
use serde_json::json;
use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wingbeat_core::RawJson;

const CLIENTS: usize = 90;
/// The rooms, and how many are in them at first. More than 64 are not served at once.
const ROOMS: [(&str, usize); 4] = [("rooms/all", 80), ("rooms/many", 66), ("some", 20), ("pair", 2)];
/// What the first of two parts sends is higher by this.
const PART: u32 = 1 << 24;

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

impl Written {
    fn events(&self) -> Vec<u32> {
        locked(&self.0).iter().map(|(event, _)| *event).collect()
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
    /// Those that it goes on from.
    before: Vec<Connection>,
    written: Written,
    socket: LostSocket,
    private_id: String,
    /// The place of the last event that it has heard, in whichever session that was.
    offset: u64,
    is_lost: bool,
    /// The connection over which it is about to come back.
    back: Option<Back>,
    heard: Vec<u32>,
    owed: Vec<Owed>,
    is_in: [bool; ROOMS.len()],
    /// Whether filters may say something else of it than when an event was published.
    has_changed: bool,
}

struct Back {
    connection: Connection,
    written: Written,
    claim: Claim,
    /// The rooms that this connection has joined by itself.
    is_in: [bool; ROOMS.len()],
}

/// An event that a client has to hear.
#[derive(Clone, Copy, Debug)]
struct Owed {
    event: u32,
    by: By,
    /// Only if it comes back over the connection that it has asked for.
    if_back: bool,
    /// It may not have: it left the channel while that was on its way.
    maybe: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    /// By the room that it was found in, if it was one.
    In(Option<usize>),
    /// In whichever room was looked at first.
    Matching,
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
    Parts(usize, usize),
    Matching,
    One(usize),
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

    /// A connection of it: the one that it is at, or an older one that somebody has kept.
    fn named(&self, is_old: bool) -> &Connection {
        self.before.last().filter(|_| is_old).unwrap_or(&self.connection)
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

    /// Another one for each connection: filters ask the one that was there when it was published.
    fn set_number(&self, connection: &Connection) {
        connection.set("number", json!(self.connections.get()));
        self.connections.set(self.connections.get() + 1);
    }

    fn connection(&self, who: usize, written: &Written) -> Connection {
        let connection = Connection::new("test", written.clone());
        connection.set("team", json!(who % 3));
        self.set_number(&connection);
        connection
    }

    /// A client that begins anew.
    fn connect(&mut self, who: usize) -> Client {
        self.sockets += 1;
        let private_id = format!("client {:>13}", self.sockets);
        let written = Written::default();
        Client {
            connection: self.connection(who, &written),
            before: Vec::new(),
            written,
            socket: LostSocket::new(&format!("socket {:>13}", self.sockets), &private_id).unwrap(),
            private_id,
            // socket.io-client keeps that of an earlier session.
            offset: self.clients.get(who).map_or(0, |client| client.offset),
            is_lost: false,
            back: None,
            heard: Vec::new(),
            owed: Vec::new(),
            is_in: [false; ROOMS.len()],
            has_changed: false,
        }
    }

    fn join(&mut self, who: usize, room: usize) {
        self.channels.join(ROOMS[room].0, &self.clients[who].connection);
        self.clients[who].is_in[room] = true;
    }

    fn audience(&self, to: To, is_old: bool) -> Audience {
        let room = |room: usize| channel(ROOMS[room].0);
        let named = |who: usize| self.clients[who].named(is_old);
        let one = |who: usize| Audience::from(named(who).clone());
        match to {
            To::Room(of) => room(of),
            To::Filtered(of, by) => room(of).filter(move |connection| number(connection).is_multiple_of(by)),
            To::Having(of, team) => room(of).having("team", team as u64),
            To::Except(of, who) => room(of).except(named(who)),
            To::Rooms(a, b) => channels([ROOMS[a].0, ROOMS[b].0]),
            To::RoomOrOne(of, who) => room(of).or(one(who)),
            To::Parts(a, b) => room(a).send(json!(self.last + PART)).or(room(b)),
            To::Matching => channels_matching("rooms/*"),
            To::One(who) => one(who),
        }
    }

    /// Publishes a number to an audience.
    fn send(&mut self, audience: &Audience, caller: Option<&Connection>) -> u32 {
        let name = EventName::new(&"numbers".into(), "created");
        let data = RawJson::new(&self.last).unwrap();
        let sending = self.delivery.send(audience, &name, &data, caller);
        sending.now_or_never().expect("there are places").unwrap();
        self.last
    }

    /// As [`publish_by`](World::publish_by), by nobody.
    fn publish(&mut self, to: To) {
        self.publish_by(to, None, false);
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

    /// A client asks for what it has lost. As on the way to CONNECT nothing reaches the new connection until it has it.
    fn ask(&self, who: usize) -> Result<Back, Refused> {
        let (client, written) = (&self.clients[who], Written::default());
        let connection = self.connection(who, &written);
        let claim = self.recovery.claim(&client.private_id, &connection, client.offset)?;
        claim.look_up(&connection)?;
        connection.hold();
        Ok(Back { connection, written, claim, is_in: [false; ROOMS.len()] })
    }

    /// Whether the client was told that it has missed nothing, and how many events it is sent again.
    fn come_back(&mut self, who: usize) -> Result<usize, Refused> {
        let back = self.clients[who].back.take().map_or_else(|| self.ask(who), Ok);
        let outcome = back.and_then(|back| {
            assert_eq!(back.written.events(), [0; 0], "{who} has heard something before what it missed");
            let outcome = self.delivery.give_back(&back.claim, &back.connection);
            if outcome.is_err() {
                self.channels.gone(&back.connection);
            }
            outcome.map(|count| (count, back))
        });
        match outcome {
            Ok((count, Back { connection, written, is_in, .. })) => {
                let client = &mut self.clients[who];
                client.before.push(std::mem::replace(&mut client.connection, connection));
                (client.written, client.is_lost) = (written, false);
                client.is_in.iter_mut().zip(is_in).for_each(|(own, back)| *own |= back);
                client.owed.iter_mut().for_each(|owed| owed.if_back = false);
                Ok(count)
            }
            Err(why) => {
                self.channels.end_parked_client(&self.recovery, &self.clients[who].private_id);
                self.clients[who].check_part(who);
                self.clients[who] = self.connect(who);
                Err(why)
            }
        }
    }
}
