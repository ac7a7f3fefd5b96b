//! What is told, and when.

use super::*;
use tokio::task::yield_now;
use tokio::time::{advance, pause};

#[tokio::test]
async fn what_is_not_kept_any_more_is_told() {
    let mut world = World::new(Limits { log_bytes: 1_000, ..limits() });
    world.lose(0, 100);
    world.lose(1, 100);
    (0..20).for_each(|_| world.publish(To::Room(2)));
    // Nobody is in that one.
    (0..20).for_each(|_| world.publish(To::Rooms(3, 3)));
    assert_eq!(world.come_back(0), Err(Refused::Gone));
}

#[tokio::test]
async fn a_quiet_client_comes_back_however_old_its_last_event_is() {
    let mut world = World::new(Limits { log_bytes: 1_000, ..limits() });
    // In the first rooms alone.
    let quiet = 30;
    world.publish(To::Room(0));
    while !world.delivery.is_idle() {
        yield_now().await;
    }
    world.lose(quiet, 100);
    (0..50).for_each(|_| world.publish(To::Room(2)));
    assert_eq!(world.come_back(quiet), Ok(0));
}

#[tokio::test]
async fn what_was_sent_by_pattern_before_a_client_was_there_does_not_keep_it_from_coming_back() {
    let mut world = World::new(Limits { log_bytes: 1_000, ..limits() });
    world.publish(To::Matching);
    (0..50).for_each(|_| world.publish(To::Room(2)));
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
        (0..count).for_each(|_| world.publish(To::Room(3)));
        assert_eq!(world.come_back(0), outcome);
    }
    let mut world = World::new(Limits { bytes: 2, ..limits() });
    world.lose(0, 100);
    (0..3).for_each(|_| world.publish(To::Room(3)));
    assert_eq!(world.come_back(0), Err(Refused::TooMuch));
}

#[tokio::test]
async fn one_of_two_that_come_back_for_the_same_begins_anew() {
    let mut world = World::new(limits());
    world.lose(0, 100);
    let connection = world.connection(0, &Written::default());
    let (private_id, after) = (world.clients[0].private_id.clone(), world.clients[0].offset);
    let first = world.recovery.claim(&private_id, &connection, after).unwrap();
    assert!(first.holds());
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
    assert!(!claim.holds());
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
    assert!(world.channels.end_some(&world.recovery, false).is_empty());
    advance(Duration::from_secs(1)).await;
    let expired = world.channels.end_some(&world.recovery, false);
    assert_eq!(expired, [world.clients[1].connection.clone(), world.clients[2].connection.clone()]);
    assert_eq!(world.come_back(1), Err(Refused::Unknown));
}

#[tokio::test]
async fn whose_time_is_over_while_it_comes_back_is_told_so() {
    pause();
    let mut world = World::new(limits());
    world.lose(0, 100);
    world.clients[0].back = world.ask(0).ok();
    advance(Duration::from_secs(121)).await;
    assert_eq!(world.channels.end_some(&world.recovery, false).len(), 1);
    assert!(!world.clients[0].back.as_ref().unwrap().claim.holds());
    assert_eq!(world.come_back(0), Err(Refused::Unknown));
}

#[tokio::test]
async fn many_whose_time_is_over_end_in_slices() {
    pause();
    let mut world = World::new(limits());
    (0..CLIENTS).for_each(|who| world.lose(who, 100));
    advance(Duration::from_secs(121)).await;
    let ended: Vec<usize> = (0..3).map(|_| world.channels.end_some(&world.recovery, false).len()).collect();
    assert_eq!(ended, [64, CLIENTS - 64, 0]);
    assert!(world.recovery.is_clean());
}

#[tokio::test]
async fn what_was_for_others_of_the_same_channel_does_not_count_as_missed() {
    let mut world = World::new(Limits { events: 3, ..limits() });
    for (others, outcome) in [(9, Ok(3)), (10, Err(Refused::TooMuch))] {
        world.lose(0, 100);
        (0..others).for_each(|_| world.publish(To::Having(3, 1)));
        (0..3).for_each(|_| world.publish(To::Having(3, 0)));
        assert_eq!(world.come_back(0), outcome);
    }
}

#[tokio::test]
async fn what_several_parts_of_an_audience_share_counts_once() {
    const DATA: usize = 100_000;
    let mut world = World::new(limits());
    let name = EventName::new(&"numbers".into(), "created");
    let data = RawJson::new(&"0".repeat(DATA)).unwrap();
    let (all, before) = (channels(["pair", "some", "rooms/many"]), world.recovery.log_bytes());
    let nobody = all.having("team", "nobody");
    world.delivery.send(&nobody, &name, &data, None).now_or_never().unwrap().unwrap();
    assert_eq!(world.recovery.log_bytes(), before, "nobody could ask for it");
    world.lose(0, 100);
    world.delivery.send(&nobody, &name, &data, None).now_or_never().unwrap().unwrap();
    let own = nobody.send(json!("0".repeat(DATA)));
    let shared = world.recovery.log_bytes() - before;
    world.delivery.send(&own, &name, &data, None).now_or_never().unwrap().unwrap();
    let each = world.recovery.log_bytes() - before - shared;
    assert!((DATA..DATA + 2_000).contains(&shared), "{shared}");
    assert!((3 * DATA..3 * DATA + 2_000).contains(&each), "{each}");
}
