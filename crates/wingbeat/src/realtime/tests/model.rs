//! Whatever happens in whatever order: each connection hears exactly what it should, once, in order.

use super::super::{Audience, channel, channels};
use super::World;
use crate::locked;
use proptest::prelude::*;
use tokio::runtime::Builder;
use tokio::task::yield_now;

const PEOPLE: usize = 150;
/// The rooms, and how many are in them at first. More than 64 are not served at once.
const ROOMS: [(&str, usize); 4] = [("all", 140), ("many", 70), ("some", 20), ("pair", 2)];

#[derive(Clone, Copy, Debug)]
enum Op {
    Join(usize, usize),
    Leave(usize, usize),
    Gone(usize),
    Publish(To, Option<usize>),
    /// The queue's task has so many turns.
    Turns(usize),
}

#[derive(Clone, Copy, Debug)]
enum To {
    Room(usize),
    /// Those of a room whose number can be divided.
    Filtered(usize, u64),
    /// Those of a room but one.
    Except(usize, usize),
    Rooms(usize, usize),
    RoomOrOne(usize, usize),
    One(usize),
}

fn to() -> impl Strategy<Value = To> {
    let (room, who) = (0..ROOMS.len(), 0..PEOPLE);
    prop_oneof![
        4 => room.clone().prop_map(To::Room),
        1 => (room.clone(), 1..4u64).prop_map(|(room, by)| To::Filtered(room, by)),
        1 => (room.clone(), who.clone()).prop_map(|(room, who)| To::Except(room, who)),
        1 => (room.clone(), room.clone()).prop_map(|(a, b)| To::Rooms(a, b)),
        1 => (room, who.clone()).prop_map(|(room, who)| To::RoomOrOne(room, who)),
        1 => who.prop_map(To::One),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let (room, who) = (0..ROOMS.len(), 0..PEOPLE);
    prop_oneof![
        4 => (who.clone(), room.clone()).prop_map(|(who, room)| Op::Join(who, room)),
        4 => (who.clone(), room).prop_map(|(who, room)| Op::Leave(who, room)),
        1 => who.clone().prop_map(Op::Gone),
        6 => (to(), proptest::option::of(who)).prop_map(|(to, caller)| Op::Publish(to, caller)),
        2 => (0..6usize).prop_map(Op::Turns),
    ]
}

/// What should be: who is in which rooms, and what each of them has to hear. An entry that was found in a room has to be
/// heard as long as its connection stays there.
struct Model {
    world: World,
    is_in: Vec<[bool; ROOMS.len()]>,
    is_gone: Vec<bool>,
    owed: Vec<Vec<(u32, Option<usize>)>>,
    last: u32,
}

impl Model {
    fn new() -> Model {
        let world = World::new(PEOPLE);
        let mut is_in = vec![[false; ROOMS.len()]; PEOPLE];
        for (room, (name, count)) in ROOMS.into_iter().enumerate() {
            world.join(name, 0..count);
            is_in[..count].iter_mut().for_each(|rooms| rooms[room] = true);
        }
        Model { world, is_in, is_gone: vec![false; PEOPLE], owed: vec![Vec::new(); PEOPLE], last: 0 }
    }

    /// In which room somebody hears what goes there; `Some(None)` if wherever he is.
    fn place(&self, to: To, who: usize) -> Option<Option<usize>> {
        let within = |room: usize| self.is_in[who][room].then_some(Some(room));
        let one = |one: usize| (one == who && !self.is_gone[who]).then_some(None);
        match to {
            To::Room(room) => within(room),
            To::Filtered(room, by) => {
                within(room).filter(|_| self.world.people[who].connection.id().is_multiple_of(by))
            }
            To::Except(room, other) => within(room).filter(|_| who != other),
            To::Rooms(a, b) => within(a).or_else(|| within(b)),
            To::RoomOrOne(room, other) => within(room).or_else(|| one(other)),
            To::One(other) => one(other),
        }
    }

    fn audience(&self, to: To) -> Audience {
        let room = |room: usize| channel(ROOMS[room].0);
        let one = |who: usize| Audience::from(self.world.people[who].connection.clone());
        match to {
            To::Room(of) => room(of),
            To::Filtered(of, by) => room(of).filter(move |connection| connection.id() % by == 0),
            To::Except(of, who) => room(of).except(&self.world.people[who].connection),
            To::Rooms(a, b) => channels([ROOMS[a].0, ROOMS[b].0]),
            To::RoomOrOne(of, who) => room(of).or(one(who)),
            To::One(who) => one(who),
        }
    }

    /// What has not been heard of a room (or of any) by now is never heard.
    fn forget(&mut self, who: usize, room: Option<usize>) {
        let heard = self.world.heard(who);
        self.owed[who].retain(|(number, of)| heard.contains(number) || (room.is_some() && *of != room));
    }

    fn publish(&mut self, to: To, caller: Option<usize>) {
        self.last += 1;
        let mut heard_by = Vec::new();
        for who in 0..PEOPLE {
            if let Some(room) = self.place(to, who) {
                self.owed[who].push((self.last, room));
                heard_by.push(who);
            }
        }
        self.world.publish(self.audience(to), self.last, caller);
        // Few are served at once, and so is the caller.
        let at_once = if heard_by.len() <= 10 {
            heard_by
        } else {
            heard_by.into_iter().filter(|who| Some(*who) == caller).collect()
        };
        for who in at_once {
            assert_eq!(self.world.heard(who).last(), Some(&self.last), "{who} has to wait");
        }
    }

    async fn run(&mut self, ops: &[Op]) {
        for op in ops {
            match *op {
                Op::Join(who, room) => {
                    self.world.join(ROOMS[room].0, [who]);
                    self.is_in[who][room] |= !self.is_gone[who];
                }
                Op::Leave(who, room) => {
                    self.world.channels.leave(ROOMS[room].0, &self.world.people[who].connection);
                    self.is_in[who][room] = false;
                    self.forget(who, Some(room));
                }
                Op::Gone(who) => {
                    self.world.channels.gone(&self.world.people[who].connection);
                    (self.is_in[who], self.is_gone[who]) = ([false; ROOMS.len()], true);
                    self.forget(who, None);
                }
                Op::Publish(to, caller) => self.publish(to, caller),
                Op::Turns(count) => {
                    for _ in 0..count {
                        yield_now().await;
                    }
                }
            }
        }
        self.world.delivered().await;
        for (who, owed) in self.owed.iter().enumerate() {
            let owed: Vec<u32> = owed.iter().map(|(number, _)| *number).collect();
            assert_eq!(*locked(&self.world.people[who].ears.0), owed, "what {who} hears");
        }
    }
}

proptest! {
    #[test]
    fn everybody_hears_exactly_what_is_meant_for_him(ops in proptest::collection::vec(op(), 0..120)) {
        Builder::new_current_thread().build().unwrap().block_on(Model::new().run(&ops));
    }
}
