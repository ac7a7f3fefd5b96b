//! Anything that may happen, and what each client has heard after it.

use super::*;
use crate::realtime::Channel;
use proptest::prelude::*;
use std::env;
use tokio::runtime::Builder;
use tokio::task::yield_now;

#[derive(Clone, Copy, Debug)]
enum Op {
    /// By the connection that the client is at or has lost, or by an older one.
    Join(usize, usize, bool),
    Leave(usize, usize, bool),
    /// By a question to all who are there.
    Kick(usize, usize),
    /// Whoever the audience names is named by an older connection.
    Publish(To, Option<usize>, bool),
    /// What filters ask for becomes something else.
    Change(usize),
    /// The client is lost, when so many percent of what was written last have come to it.
    Lose(usize, usize),
    /// It asks for what it has lost.
    Ask(usize),
    /// The connection that it does so over joins a room, or ends.
    JoinBack(usize, usize),
    EndBack(usize),
    /// Another one asks for the same, with any place.
    Steal(usize, u64),
    Return(usize),
    /// The server ends it, wherever it is, by the connection that it is at or an older one.
    Remove(usize, bool),
    Turns(usize),
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
        // None that are joined on the way back: which part it was would depend on that.
        1 => prop_oneof![Just(To::Parts(2, 3)), Just(To::Parts(3, 2))],
        1 => Just(To::Matching),
        1 => who.prop_map(To::One),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    // Few of them do most, so that the same are lost in the middle of coming back.
    let (room, who) = (0..ROOMS.len(), prop_oneof![0..6usize, 0..CLIENTS]);
    let is_old = any::<bool>();
    prop_oneof![
        3 => (who.clone(), room.clone(), is_old).prop_map(|(who, room, old)| Op::Join(who, room, old)),
        2 => (who.clone(), room.clone(), is_old).prop_map(|(who, room, old)| Op::Leave(who, room, old)),
        1 => (who.clone(), room).prop_map(|(who, room)| Op::Kick(who, room)),
        8 => (to(), proptest::option::of(who.clone()), is_old).prop_map(|(to, by, old)| Op::Publish(to, by, old)),
        1 => (0..CLIENTS).prop_map(Op::Change),
        4 => (who.clone(), 0..=100usize).prop_map(|(who, percent)| Op::Lose(who, percent)),
        2 => who.clone().prop_map(Op::Ask),
        1 => (who.clone(), 0..2usize).prop_map(|(who, room)| Op::JoinBack(who, room)),
        1 => who.clone().prop_map(Op::EndBack),
        1 => (who.clone(), any::<u64>()).prop_map(|(who, after)| Op::Steal(who, after)),
        4 => who.clone().prop_map(Op::Return),
        1 => (who, is_old).prop_map(|(who, old)| Op::Remove(who, old)),
        3 => (0..4usize).prop_map(Op::Turns),
    ]
}

impl Client {
    /// What it has heard is what it had to hear, and perhaps what it may.
    fn check(&self, who: usize) {
        let mut heard = self.heard.iter().peekable();
        for owed in &self.owed {
            if heard.peek() == Some(&&owed.event) {
                heard.next();
            } else {
                assert!(owed.maybe, "{who} has not heard {owed:?}: {:?} of {:?}", self.heard, self.owed);
            }
        }
        assert_eq!(heard.next(), None, "{who} should not have heard it then: {:?} of {:?}", self.heard, self.owed);
    }

    /// It begins anew: what it has heard until then was in order, and no more than was meant for it.
    pub(super) fn check_part(&self, who: usize) {
        let mut owed = self.owed.iter().map(|owed| owed.event);
        assert!(self.heard.iter().all(|heard| owed.any(|owed| owed == *heard)), "{who}: {:?}", self.heard);
    }

    /// What an event is to it, if anything.
    fn owed(&self, who: usize, to: To, event: u32) -> Option<Owed> {
        let found = |is_back: bool| {
            let back = self.back.as_ref().filter(|_| is_back);
            let is_in = |room: usize| self.is_in[room] || back.is_some_and(|back| back.is_in[room]);
            let within = |room: usize| is_in(room).then_some((event, By::In(Some(room))));
            let one = |one: usize| (one == who).then_some((event, By::In(None)));
            match to {
                To::Room(room) => within(room),
                To::Filtered(room, by) => within(room).filter(|_| number(&self.connection).is_multiple_of(by)),
                To::Having(room, team) => within(room).filter(|_| who % 3 == team),
                To::Except(room, other) => within(room).filter(|_| who != other),
                To::Rooms(a, b) => within(a).or_else(|| within(b)),
                To::RoomOrOne(room, other) => within(room).or_else(|| one(other)),
                To::Parts(a, b) => within(a).map(|(event, by)| (event + PART, by)).or_else(|| within(b)),
                To::Matching => within(0).or_else(|| within(1)).map(|(event, _)| (event, By::Matching)),
                To::One(other) => one(other),
            }
        };
        let own = found(false);
        let (event, by) = own.or_else(|| found(true))?;
        Some(Owed { event, by, if_back: own.is_none(), maybe: false })
    }
}

impl World {
    fn left(&mut self, who: usize, room: usize) {
        let client = &mut self.clients[who];
        client.is_in[room] = false;
        let written = client.written.events();
        for owed in &mut client.owed {
            let is_of = owed.by == By::In(Some(room)) || owed.by == By::Matching;
            if is_of && !client.is_lost && !written.contains(&owed.event) && !client.heard.contains(&owed.event) {
                owed.maybe = true;
            }
        }
    }

    /// Publishes to an audience, and notes who has to hear it.
    pub(super) fn publish_by(&mut self, to: To, caller: Option<usize>, is_old: bool) {
        self.last += 1;
        for (who, client) in self.clients.iter_mut().enumerate() {
            let owed = client.owed(who, to, self.last);
            client.owed.extend(owed);
        }
        let caller = caller.map(|who| self.clients[who].named(is_old).now());
        let audience = self.audience(to, is_old);
        self.send(&audience, caller.as_ref().filter(|caller| caller.is_connected()));
    }

    /// The connection over which a client has asked for what it has lost ends without having got it.
    fn end_back(&mut self, who: usize) {
        let client = &mut self.clients[who];
        if let Some(back) = client.back.take() {
            self.channels.gone(&back.connection);
            client.owed.retain(|owed| !owed.if_back);
        }
    }

    fn steal(&mut self, who: usize, after: u64) {
        let thief = Connection::new("test", Written::default());
        let claim = self.recovery.claim(&self.clients[who].private_id, &thief, after);
        let client = &self.clients[who];
        assert!(claim.is_err() || (client.is_lost && client.back.is_none()), "{who} has had what somebody else got");
    }

    fn remove(&mut self, who: usize, is_old: bool) {
        let client = &mut self.clients[who];
        client.named(is_old).disconnect();
        if !client.is_lost {
            let count = locked(&client.written.0).len();
            client.hears(count);
            self.channels.gone(&client.connection);
            client.is_lost = true;
        }
        assert!(self.come_back(who).is_err(), "{who} was removed");
    }

    fn returns(&mut self, who: usize) {
        let has_changed = self.clients[who].has_changed;
        match self.come_back(who) {
            Ok(_) => {}
            // It has come back too often.
            Err(Refused::Unknown) => {}
            Err(why) => assert!(why == Refused::Changed && has_changed, "{who} was refused: {why:?}"),
        }
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Join(who, room, is_old) => {
                let client = &mut self.clients[who];
                self.channels.join(ROOMS[room].0, client.named(is_old));
                client.is_in[room] = true;
            }
            Op::Leave(who, room, is_old) => {
                self.channels.leave(ROOMS[room].0, self.clients[who].named(is_old));
                self.left(who, room);
            }
            Op::Kick(who, room) => {
                let client = &self.clients[who];
                let back = client.back.as_ref().map(|back| back.connection.clone());
                let connection = client.connection.clone();
                let room_of = Channel::new(self.channels.clone(), [ROOMS[room].0.into()].into());
                room_of.leave_if(|other| *other == connection || Some(other) == back.as_ref());
                self.left(who, room);
                if let Some(back) = &mut self.clients[who].back {
                    back.is_in[room] = false;
                }
            }
            Op::Publish(to, caller, is_old) => self.publish_by(to, caller, is_old),
            Op::Change(who) => {
                self.set_number(&self.clients[who].connection);
                self.clients[who].has_changed = true;
            }
            Op::Lose(who, percent) => self.lose(who, percent),
            Op::Ask(who) if self.clients[who].is_lost && self.clients[who].back.is_none() => {
                self.clients[who].back = self.ask(who).ok();
            }
            Op::JoinBack(who, room) => {
                if let Some(back) = &mut self.clients[who].back {
                    self.channels.join(ROOMS[room].0, &back.connection);
                    back.is_in[room] = true;
                }
            }
            Op::EndBack(who) => self.end_back(who),
            Op::Steal(who, after) => self.steal(who, after),
            Op::Return(who) if self.clients[who].is_lost => self.returns(who),
            Op::Ask(_) | Op::Return(_) | Op::Turns(_) => {}
            Op::Remove(who, is_old) => self.remove(who, is_old),
        }
    }

    async fn run(&mut self, ops: &[Op]) {
        for op in ops {
            self.step(*op);
            let turns = if let Op::Turns(turns) = op { *turns } else { 0 };
            for _ in 0..turns {
                yield_now().await;
            }
        }
        while !self.delivery.is_idle() {
            yield_now().await;
        }
        for who in 0..CLIENTS {
            if self.clients[who].is_lost {
                self.returns(who);
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
        assert!(self.recovery.is_clean(), "something is left of clients that are gone");
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
