//! The queue: who waits, who does not, and what happens when its task ends.

use super::super::channel;
use super::{POISON, World};
use crate::locked;
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::iter;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::timeout;

/// More than are served at once.
const MANY: usize = 100;

/// People who are all in the channel `all`.
fn crowd(people: usize) -> World {
    let world = World::new(people);
    world.join("all", 0..people);
    world
}

fn numbers(numbers: impl IntoIterator<Item = u32>) -> Vec<u32> {
    numbers.into_iter().collect()
}

#[test]
fn a_delivery_that_its_runtime_has_left_goes_on_in_the_next() {
    const PEOPLE: usize = 1000;
    let world = crowd(PEOPLE);
    for (turns, number) in [(0, 1), (1, 2), (3, 3)] {
        // Ended before the task has begun, and in the middle of its work.
        Builder::new_current_thread().build().unwrap().block_on(async {
            world.publish(channel("all"), number, None);
            for _ in 0..turns {
                yield_now().await;
            }
        });
    }
    assert!((0..PEOPLE).any(|who| world.heard(who).is_empty()), "the first runtimes have delivered all");
    Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
        world.publish(channel("all"), 4, None);
        timeout(Duration::from_secs(60), world.delivered()).await.expect("nobody is at work");
    });
    assert!((0..PEOPLE).all(|who| world.heard(who) == [1, 2, 3, 4]));
}

#[tokio::test]
async fn a_delivery_that_panics_keeps_nothing_from_the_others() {
    let world = crowd(MANY);
    for number in [1, POISON, 2] {
        world.publish(channel("all"), number, None);
        world.publish(channel("all").filter(|_| true), number, None);
    }
    timeout(Duration::from_secs(60), world.delivered()).await.expect("nobody is at work");
    assert!((0..MANY).all(|who| world.heard(who) == [1, 1, 2, 2]));
}

#[tokio::test]
async fn a_panic_before_a_few_costs_the_caller_nothing() {
    let world = crowd(3);
    for number in [1, POISON, 2] {
        world.publish(channel("all"), number, Some(1));
    }
    assert!((0..3).all(|who| world.heard(who) == [1, 2]));
}

#[tokio::test]
async fn a_direct_message_waits_for_no_broadcast_and_comes_after_what_was_published_before() {
    let world = crowd(MANY);
    world.join("pair", [7, 70]);
    world.publish(channel("all"), 1, None);
    world.publish(channel("all").filter(|connection| connection.provider() == "test"), 2, None);
    world.publish(channel("pair"), 3, None);
    world.publish(world.people[7].connection.clone(), 4, None);
    assert_eq!((world.heard(7), world.heard(70), world.heard(8)), (numbers(1..=4), numbers(1..=3), numbers([])));
    world.publish(channel("all"), 5, None);
    world.delivered().await;
    assert_eq!((world.heard(7), world.heard(70)), (numbers(1..=5), numbers([1, 2, 3, 5])));
    assert!((0..MANY).filter(|who| ![7, 70].contains(who)).all(|who| world.heard(who) == [1, 2, 5]));
}

#[tokio::test]
async fn who_would_have_to_be_caught_up_on_too_much_waits_in_the_line() {
    let world = crowd(MANY);
    world.join("some", 0..60);
    world.join("pair", [7, 70]);
    (1..=100).for_each(|number| world.publish(channel("all"), number, None));
    world.publish(channel("some"), 101, Some(9));
    assert_eq!((world.heard(8), world.heard(9)), (numbers([]), numbers(1..=101)));
    world.publish(channel("pair"), 102, None);
    assert_eq!(world.heard(7), numbers(1..=102));
    world.delivered().await;
    assert_eq!((world.heard(8), world.heard(9)), (numbers(1..=101), numbers(1..=101)));
    assert_eq!((world.heard(70), world.heard(80)), (numbers((1..=100).chain([102])), numbers(1..=100)));
}

#[tokio::test]
async fn who_publishes_too_much_waits_until_there_is_a_place_and_nobody_else_does() {
    let world = crowd(MANY);
    let mut flood: Vec<_> = (1..=1024).map(|number| Box::pin(world.send(channel("all"), number, Some(3)))).collect();
    flood.retain_mut(|sending| sending.now_or_never().is_none());
    let placed = 1024 - u32::try_from(flood.len()).unwrap();
    world.publish(channel("all"), 2000, Some(7));
    assert_eq!(world.heard(7), numbers((1..=placed).chain([2000])));
    // Nobody hears what is given up before it has a place.
    drop(flood.pop());
    join_all(flood).await;
    assert_eq!(world.heard(3).last(), Some(&1023));
    world.delivered().await;
    assert!((0..MANY).all(|who| world.heard(who) == numbers((1..=placed).chain([2000]).chain(placed + 1..=1023))));
    // Who has had his say has all places again.
    (1..=placed).for_each(|number| world.publish(channel("all"), number, Some(3)));
}

#[tokio::test]
async fn a_small_audience_that_has_to_wait_needs_a_place_as_well() {
    let world = crowd(MANY);
    world.join("some", 0..60);
    (1..=100).for_each(|number| world.publish(channel("all"), number, None));
    let mut flood: Vec<_> = (101..=500).map(|number| Box::pin(world.send(channel("some"), number, Some(3)))).collect();
    flood.retain_mut(|sending| sending.now_or_never().is_none());
    assert!(!flood.is_empty());
    join_all(flood).await;
    world.delivered().await;
    assert_eq!((world.heard(59), world.heard(60)), (numbers(1..=500), numbers(1..=100)));
}

#[tokio::test]
async fn who_joins_hears_nothing_from_before_and_who_leaves_nothing_more() {
    let world = crowd(MANY);
    world.publish(channel("all"), 1, None);
    // Takes the place of who leaves, ahead of the delivery.
    let newcomer = World::new(1);
    let connection = newcomer.people[0].connection.clone();
    world.channels.join("all", &connection);
    world.channels.leave("all", &world.people[0].connection);
    // Comes back too late.
    world.channels.leave("all", &world.people[1].connection);
    world.join("all", [1]);
    world.publish(channel("all"), 2, None);
    world.delivered().await;
    assert_eq!((newcomer.heard(0), world.heard(0), world.heard(1)), (numbers([2]), numbers([]), numbers([2])));
    assert!((2..MANY).all(|who| world.heard(who) == [1, 2]));
}

#[tokio::test]
async fn a_small_audience_is_asked_whether_it_has_left_as_well() {
    let world = World::new(3);
    world.join("few", 0..3);
    let (channels, leaving) = (world.channels.clone(), world.people[1].connection.clone());
    // The filter of the last one: between the choice and the delivery.
    let last = world.people[0].connection.id();
    let audience = channel("few").filter(move |connection| {
        if connection.id() == last {
            channels.leave("few", &leaving);
        }
        true
    });
    world.publish(audience, 1, None);
    assert_eq!((0..3).map(|who| world.heard(who).len()).collect::<Vec<_>>(), [1, 0, 1]);
}

#[test]
fn a_channel_that_has_become_small_gives_its_memory_back() {
    let world = crowd(5000);
    let room = world.channels.members("all").unwrap();
    iter::successors(Some(4999), |who: &usize| who.checked_sub(1)).take(4900).for_each(|who| {
        world.channels.leave("all", &world.people[who].connection);
    });
    assert!(room.capacity() < 2000 && room.len() == 100);
}

#[tokio::test]
async fn a_connection_in_channels_of_two_applications_hears_all_of_both() {
    let (world, other) = (crowd(MANY), crowd(MANY));
    // The last whom the one gets to, and the first whom the other does.
    let (shared, ears) = (&world.people[0].connection, &world.people[0].ears);
    other.channels.join("all", shared);
    other.channels.join("few", shared);
    for round in 0..3 {
        world.publish(channel("all"), 10 * round, None);
        other.publish(channel("all"), 10 * round + 1, None);
        other.publish(channel("few"), 10 * round + 2, None);
        world.publish(channel("all"), 10 * round + 3, None);
    }
    world.delivered().await;
    other.delivered().await;
    let heard = locked(&ears.0).clone();
    let (from_one, from_other): (Vec<u32>, Vec<u32>) =
        heard.iter().partition(|number| [0, 3].contains(&(**number % 10)));
    assert_eq!((from_one, from_other), (numbers([0, 3, 10, 13, 20, 23]), numbers([1, 2, 11, 12, 21, 22])));
}
