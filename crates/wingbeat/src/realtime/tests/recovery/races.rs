//! What happens to a lost connection while its client comes back, and after that by its old name.

use super::*;
use crate::realtime::Channel;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const WHO: usize = 0;

/// Publishes a number.
fn send(world: &mut World, audience: &Audience) -> u32 {
    world.last += 1;
    world.send(audience, None)
}

/// Takes what was written for a connection.
fn take(written: &Written) -> Vec<u32> {
    std::mem::take(&mut *locked(&written.0)).into_iter().map(|(event, _)| event).collect()
}

/// A client asks for what it has lost.
fn ask(world: &World) -> (Connection, Written, Claim) {
    let Back { connection, written, claim, .. } = world.ask(WHO).unwrap();
    (connection, written, claim)
}

/// One that is in a channel of its own alone.
fn alone(world: &mut World, channel: &str) -> Connection {
    world.clients[WHO] = world.connect(WHO);
    world.channels.join(channel, &world.clients[WHO].connection);
    world.clients[WHO].connection.clone()
}

#[tokio::test]
async fn an_event_is_kept_for_who_is_lost_while_its_audience_is_looked_up() {
    // Channels are looked through in any order: one of these is as the test wants it.
    for round in 0..20 {
        let mut world = World::new(limits());
        let lost = alone(&mut world, "single/lost");
        let other = world.clients[1].connection.clone();
        world.channels.join(&format!("single/{round}"), &other);
        let (channels, recovery, socket) = (world.channels.clone(), world.recovery.clone(), world.clients[WHO].socket);
        let loses = lost.clone();
        let audience = channels_matching("single/*").filter(move |connection| {
            if *connection == other {
                channels.park(&recovery, &loses, socket);
            }
            *connection != other
        });
        let event = send(&mut world, &audience);
        let was_heard = take(&world.clients[WHO].written) == [event];
        world.clients[WHO].is_lost = true;
        assert_eq!(world.come_back(WHO), Ok(usize::from(!was_heard)), "round {round}");
    }
}

#[tokio::test]
async fn an_event_is_heard_by_who_comes_back_while_its_audience_is_looked_up() {
    for round in 0..20 {
        let mut world = World::new(limits());
        let _ = alone(&mut world, "single/lost");
        let other = world.clients[1].connection.clone();
        world.channels.join(&format!("single/{round}"), &other);
        world.lose(WHO, 100);
        let (connection, written, claim) = ask(&world);
        let (delivery, to, is_back) = (world.delivery.clone(), connection.clone(), AtomicBool::new(false));
        let audience = channels_matching("single/*").filter(move |connection| {
            if *connection == other && !is_back.swap(true, Ordering::SeqCst) {
                delivery.give_back(&claim, &to).unwrap();
            }
            *connection != other
        });
        let event = send(&mut world, &audience);
        assert_eq!(take(&written), [event], "round {round}");
    }
}

#[tokio::test]
async fn what_is_published_before_a_return_is_complete_comes_behind_what_was_missed() {
    let mut world = World::new(limits());
    world.lose(WHO, 100);
    let missed = send(&mut world, &channel("pair"));
    let (connection, written, claim) = ask(&world);
    // Middleware lets it in, which does not know that it comes back.
    world.channels.join("pair", &connection);
    world.channels.join("another", &connection);
    let of_both = send(&mut world, &channel("pair"));
    let of_another = send(&mut world, &channel("another"));
    let to_itself = send(&mut world, &connection.clone().into());
    assert_eq!(take(&written), [0; 0]);
    assert_eq!(world.delivery.give_back(&claim, &connection), Ok(4));
    assert_eq!(take(&written), [missed, of_both, of_another, to_itself]);
}

#[tokio::test]
async fn what_was_missed_is_missed_until_it_is_heard_also_where_the_channel_was_joined_anew() {
    let mut world = World::new(limits());
    world.lose(WHO, 100);
    let missed = send(&mut world, &channel("pair"));
    let (connection, written, claim) = ask(&world);
    world.channels.join("pair", &connection);
    world.delivery.give_back(&claim, &connection).unwrap();
    // It is lost again before it has heard a word.
    assert_eq!(take(&written), [missed]);
    let client = &mut world.clients[WHO];
    (client.connection, client.is_lost) = (connection, false);
    world.lose(WHO, 0);
    assert_eq!(world.come_back(WHO), Ok(1));
}

#[tokio::test]
async fn who_joins_a_channel_while_it_is_lost_is_in_it_when_it_is_back() {
    let mut world = World::new(limits());
    world.lose(WHO, 100);
    let lost = world.clients[WHO].connection.clone();
    send(&mut world, &channel("late"));
    world.channels.join("late", &lost);
    world.channels.join("pair", &lost);
    let missed = [send(&mut world, &channel("late")), send(&mut world, &channel("pair"))];
    assert_eq!(world.come_back(WHO), Ok(2));
    assert_eq!(take(&world.clients[WHO].written), missed);
    let later = send(&mut world, &channel("late"));
    assert_eq!(take(&world.clients[WHO].written), [later]);
    // A call of the lost connection that ends only now.
    world.channels.join("later", &lost);
    let later = send(&mut world, &channel("later"));
    assert_eq!(take(&world.clients[WHO].written), [later]);
}

#[tokio::test]
async fn a_channel_that_only_lost_connections_have_joined_goes_with_them() {
    let mut world = World::new(limits());
    world.lose(WHO, 100);
    world.channels.join("late", &world.clients[WHO].connection);
    assert_eq!(world.channels.names_matching("late").len(), 1);
    world.channels.end_parked_client(&world.recovery, &world.clients[WHO].private_id);
    assert_eq!(world.channels.names_matching("late").len(), 0);
    // Nor does one that comes back no more leave anything behind.
    world.channels.join("later", &world.clients[WHO].connection);
    assert_eq!(world.channels.names_matching("later").len(), 0);
}

#[tokio::test]
async fn who_is_taken_out_by_its_old_connection_is_out() {
    let mut world = World::new(limits());
    let lost = world.clients[WHO].connection.clone();
    for _ in 0..3 {
        // However often it went on since.
        world.lose(WHO, 100);
        assert_eq!(world.come_back(WHO), Ok(0));
    }
    world.channels.leave("pair", &lost);
    let event = send(&mut world, &channel("pair"));
    assert_eq!(take(&world.clients[WHO].written), [0; 0]);
    world.lose(WHO, 100);
    world.channels.leave("some", &lost);
    send(&mut world, &channel("some"));
    assert_eq!((world.come_back(WHO), event), (Ok(0), world.last - 1));
    lost.disconnect();
    world.lose(WHO, 100);
    assert_eq!(world.come_back(WHO), Err(Refused::Unknown), "it was disconnected");
}

#[tokio::test]
async fn who_comes_back_while_a_channel_is_asked_who_has_to_leave_leaves() {
    let mut world = World::new(limits());
    world.lose(WHO, 100);
    let (connection, written, claim) = ask(&world);
    let (delivery, lost, is_back) = (world.delivery.clone(), claim.lost.clone(), AtomicBool::new(false));
    let room = Channel::new(world.channels.clone(), ["pair".into()].into());
    room.leave_if(|other| {
        if !is_back.swap(true, Ordering::SeqCst) {
            delivery.give_back(&claim, &connection).unwrap();
        }
        *other == connection || *other == lost
    });
    send(&mut world, &channel("pair"));
    assert_eq!(take(&written), [0; 0]);
}

#[tokio::test]
async fn events_for_all_but_a_connection_and_for_it_alone_follow_it() {
    let mut world = World::new(limits());
    let lost = world.clients[WHO].connection.clone();
    world.lose(WHO, 100);
    let missed = send(&mut world, &lost.clone().into());
    assert_eq!(world.come_back(WHO), Ok(1));
    let heard = send(&mut world, &lost.clone().into());
    send(&mut world, &channel("pair").except(&lost));
    assert_eq!(take(&world.clients[WHO].written), [missed, heard]);
    world.clients[WHO].offset = world.recovery.now().number;
    world.lose(WHO, 0);
    let missed = send(&mut world, &lost.clone().into());
    send(&mut world, &channel("pair").except(&lost));
    assert_eq!(world.come_back(WHO), Ok(1));
    assert_eq!(take(&world.clients[WHO].written), [missed]);
}

#[tokio::test]
async fn an_event_from_before_its_connection_was_given_another_value_is_judged_by_nobody() {
    for (change, outcome) in [("team", Err(Refused::Changed)), ("same", Ok(2)), ("unset", Err(Refused::Changed))] {
        let mut world = World::new(limits());
        let connection = world.clients[WHO].connection.clone();
        connection.set("same", "value");
        send(&mut world, &channel("pair"));
        world.publish(To::Having(3, 0));
        match change {
            "unset" => connection.unset("team"),
            "same" => connection.set("same", "value"),
            _ => connection.set("team", json!(1)),
        }
        world.lose(WHO, 0);
        assert_eq!(world.come_back(WHO), outcome, "{change}");
    }
    // What nobody was asked about goes to who was in the channel, and what came later is judged by what it has now.
    let mut world = World::new(limits());
    send(&mut world, &channel("pair"));
    world.clients[WHO].connection.set("team", json!(1));
    send(&mut world, &channel("pair").having("team", 1));
    send(&mut world, &channel("pair").having("team", 0));
    world.lose(WHO, 0);
    assert_eq!(world.come_back(WHO), Ok(2));
}

/// Lets two functions begin at the same moment.
fn at_once<A: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() + Send) -> A {
    let ready = AtomicUsize::new(0);
    let wait = || {
        ready.fetch_add(1, Ordering::SeqCst);
        while ready.load(Ordering::SeqCst) < 2 {
            std::hint::spin_loop();
        }
    };
    std::thread::scope(|threads| {
        threads.spawn(|| {
            wait();
            other();
        });
        wait();
        one()
    })
}

#[tokio::test]
async fn whatever_takes_it_out_at_the_moment_of_its_return_takes_it_out() {
    for round in 0..600 {
        let mut world = World::new(limits());
        world.lose(WHO, 100);
        let (connection, written, claim) = ask(&world);
        let (channels, delivery, lost) = (world.channels.clone(), world.delivery.clone(), claim.lost.clone());
        let give_back = || delivery.give_back(&claim, &connection);
        let outcome = match round % 3 {
            0 => at_once(give_back, || channels.leave("pair", &lost)),
            1 => at_once(give_back, || {
                let room = Channel::new(channels.clone(), ["pair".into()].into());
                room.leave_where("team", (WHO % 3) as u64);
            }),
            _ => at_once(give_back, || lost.disconnect()),
        };
        match round % 3 {
            2 => {
                let client = &mut world.clients[WHO];
                (client.connection, client.is_lost) = (connection.clone(), outcome.is_err());
                world.lose(WHO, 100);
                assert!(outcome.is_err() || world.come_back(WHO).is_err(), "round {round}: it was disconnected");
            }
            _ => {
                assert!(outcome.is_ok());
                send(&mut world, &channel("pair"));
                assert_eq!(take(&written), [0; 0], "round {round}");
            }
        }
    }
}

#[tokio::test]
async fn a_channel_that_is_joined_at_the_moment_of_a_return_is_joined() {
    for round in 0..400 {
        let mut world = World::new(limits());
        world.lose(WHO, 100);
        let (connection, written, claim) = ask(&world);
        let (channels, delivery, lost) = (world.channels.clone(), world.delivery.clone(), claim.lost.clone());
        let give_back = || delivery.give_back(&claim, &connection);
        assert_eq!(at_once(give_back, || channels.join("late", &lost)), Ok(0));
        let event = send(&mut world, &channel("late"));
        assert_eq!(take(&written), [event], "round {round}");
    }
}

#[tokio::test]
async fn one_of_two_that_come_back_at_the_same_moment_goes_on() {
    for round in 0..400 {
        let mut world = World::new(limits());
        world.lose(WHO, 100);
        let client = &world.clients[WHO];
        let [one, other] = [(); 2].map(|()| world.connection(WHO, &Written::default()));
        let (recovery, private_id, offset) = (&world.recovery, &client.private_id, client.offset);
        let mut second = None;
        let first = at_once(
            || recovery.claim(private_id, &one, offset).ok(),
            || second = recovery.claim(private_id, &other, offset).ok(),
        );
        assert!(first.is_some() != second.is_some(), "round {round}");
        let claim = first.or(second).unwrap();
        assert_eq!(world.delivery.give_back(&claim, &one), Ok(0));
    }
}
