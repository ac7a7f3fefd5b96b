//! Who asks for what.

use super::facts;
use super::node::{Node, channel};
use crate::bus::{Bus, Topic};

facts! {
    what_is_asked_for_no_longer_does_not_arrive
    asking_twice_is_asking_once
    the_last_word_counts
    many_topics_are_asked_for
    one_who_stops_leaves_the_others
}

async fn what_is_asked_for_no_longer_does_not_arrive([bus, _]: [impl Bus; 2]) {
    let (room, hall) = (channel("room"), channel("hall"));
    let node = Node::listening(&bus, &[room.clone(), hall.clone()]).await;
    node.says(&room, "heard");
    node.hears(&room, 1).await;
    node.asks_no_more(std::slice::from_ref(&room)).await;
    node.says(&room, "not heard");
    node.says(&hall, "the end");
    node.hears(&hall, 1).await;
    assert_eq!(node.of(&room), ["heard"]);
    node.asks(std::slice::from_ref(&room)).await;
    node.says(&room, "heard again");
    assert_eq!(node.hears(&room, 2).await, ["heard", "heard again"]);
}

async fn asking_twice_is_asking_once([bus, _]: [impl Bus; 2]) {
    let (room, hall) = (channel("room"), channel("hall"));
    let node = Node::listening(&bus, &[room.clone(), hall.clone(), room.clone()]).await;
    node.asks(std::slice::from_ref(&room)).await;
    node.says(&room, "once");
    node.says(&hall, "the end");
    node.hears(&hall, 1).await;
    assert_eq!(node.hears(&room, 1).await, ["once"]);
    node.asks_no_more(&[room.clone(), channel("never asked for")]).await;
    node.says(&room, "not heard");
    node.says(&hall, "the end");
    node.hears(&hall, 2).await;
    assert_eq!(node.of(&room).len(), 1);
}

async fn the_last_word_counts([bus, _]: [impl Bus; 2]) {
    let node = Node::on(&bus).await;
    let topics: Vec<_> = (0..100).map(|n| channel(&format!("rooms/{n}"))).collect();
    for round in 0..21 {
        for (n, topic) in topics.iter().enumerate() {
            if (round + n) % 2 == 0 { node.connection.subscribe(topic) } else { node.connection.unsubscribe(topic) }
        }
        tokio::task::yield_now().await;
    }
    node.asks(&[Topic::All]).await;
    node.connection.publish(&topics, &"to the even ones".into()).expect("there is room");
    node.says(&Topic::All, "the end");
    node.hears(&Topic::All, 1).await;
    for (n, topic) in topics.iter().enumerate() {
        // On a bus of several threads they may come after what was sent to all.
        let heard = if n % 2 == 0 { node.hears(topic, 1).await } else { node.of(topic) };
        assert_eq!(heard.len(), usize::from(n % 2 == 0), "{topic:?}");
    }
}

async fn many_topics_are_asked_for([bus, _]: [impl Bus; 2]) {
    const TOPICS: usize = 5_000;
    let topics: Vec<_> = (0..TOPICS).map(|n| channel(&format!("rooms/{n}"))).collect();
    let (speaker, node) = (Node::on(&bus).await, Node::listening(&bus, &topics).await);
    for (n, topic) in topics.iter().enumerate() {
        speaker.says_when_there_is_room(topic, &n.to_string().into()).await;
    }
    for n in [TOPICS - 1, 0, 2_500] {
        assert_eq!(node.hears(&topics[n], 1).await, [n.to_string()]);
    }
    node.until("a message of every topic", || node.messages() == TOPICS).await;
    node.asks_no_more(&topics[1..]).await;
    speaker.connection.publish(&topics, &"once more".into()).expect("there is room");
    node.hears(&topics[0], 2).await;
    speaker.says(&topics[0], "the end");
    node.hears(&topics[0], 3).await;
    assert_eq!(node.messages(), TOPICS + 2);
}

async fn one_who_stops_leaves_the_others([bus, _]: [impl Bus; 2]) {
    let room = channel("room");
    let nodes = [
        Node::listening(&bus, std::slice::from_ref(&room)).await,
        Node::listening(&bus, std::slice::from_ref(&room)).await,
    ];
    nodes[0].asks_no_more(std::slice::from_ref(&room)).await;
    nodes[0].says(&room, "to the other");
    assert_eq!(nodes[1].hears(&room, 1).await, ["to the other"]);
    assert_eq!(nodes[0].messages(), 0);
}
