//! What is carried, to whom, and in which order.

use super::facts;
use super::node::{Node, channel};
use crate::bus::{Bus, Topic};
use bytes::Bytes;
use futures_util::future::join_all;

facts! {
    what_is_published_arrives_where_it_is_asked_for_and_nowhere_else
    a_node_hears_itself
    a_message_for_several_topics_arrives_once_for_each
    what_one_says_of_one_topic_arrives_in_that_order_and_once
    bytes_arrive_as_they_were
    large_messages_arrive_and_larger_ones_are_refused
    a_node_that_is_busy_is_handed_nothing_more_of_that_topic
    what_is_too_much_waits_or_is_told
    buses_are_deaf_to_each_other
}

async fn what_is_published_arrives_where_it_is_asked_for_and_nowhere_else([bus, _]: [impl Bus; 2]) {
    let (room, hall) = (channel("room"), channel("hall"));
    let speaker = Node::on(&bus).await;
    let nodes = [
        Node::listening(&bus, &[room.clone(), Topic::All]).await,
        Node::listening(&bus, &[hall.clone(), Topic::All]).await,
        Node::listening(&bus, &[Topic::Node(7), Topic::All]).await,
    ];
    speaker.says(&room, "to the room");
    speaker.says(&channel("nowhere"), "to nobody");
    speaker.says(&Topic::Node(7), "to the seventh");
    speaker.says(&Topic::Node(8), "to nobody");
    speaker.says(&Topic::All, "to all");
    for (node, topic, expected) in [
        (&nodes[0], &room, Some("to the room")),
        (&nodes[1], &hall, None),
        (&nodes[2], &Topic::Node(7), Some("to the seventh")),
    ] {
        assert_eq!(node.hears(&Topic::All, 1).await, ["to all"]);
        let expected: Vec<_> = expected.into_iter().map(Bytes::from).collect();
        assert_eq!(node.hears(topic, expected.len()).await, expected);
        assert_eq!(node.messages(), 1 + expected.len());
    }
    assert_eq!(speaker.messages(), 0);
}

async fn a_node_hears_itself([bus, _]: [impl Bus; 2]) {
    let node = Node::listening(&bus, &[Topic::All]).await;
    node.says(&Topic::All, "myself");
    assert_eq!(node.hears(&Topic::All, 1).await, ["myself"]);
}

async fn a_message_for_several_topics_arrives_once_for_each([bus, _]: [impl Bus; 2]) {
    let topics = [channel("a"), channel("b"), channel("c")];
    let (speaker, node) = (Node::on(&bus).await, Node::listening(&bus, &topics[..2]).await);
    speaker.connection.publish(&topics, &"to three".into()).expect("there is room");
    speaker.says(&topics[1], "the end");
    assert_eq!(node.hears(&topics[1], 2).await, ["to three", "the end"]);
    assert_eq!(node.hears(&topics[0], 1).await, ["to three"]);
    assert_eq!(node.messages(), 3);
}

async fn what_one_says_of_one_topic_arrives_in_that_order_and_once([bus, _]: [impl Bus; 2]) {
    const MESSAGES: u32 = 2_000;
    let topics: Vec<_> = (0..4).map(|n| channel(&format!("rooms/{n}"))).collect();
    let listeners = [Node::listening(&bus, &topics).await, Node::listening(&bus, &topics).await];
    let speakers = join_all((0..3).map(|_| Node::on(&bus))).await;
    let says = async |speaker: usize| {
        for n in 0..MESSAGES {
            let message = Bytes::from(format!("{speaker} {n}"));
            speakers[speaker].says_when_there_is_room(&topics[n as usize % topics.len()], &message).await;
            if n % 64 == 0 {
                tokio::task::yield_now().await;
            }
        }
    };
    join_all((0..speakers.len()).map(says)).await;
    let each = MESSAGES as usize / topics.len() * speakers.len();
    for node in &listeners {
        for (at, topic) in topics.iter().enumerate() {
            let heard = node.hears(topic, each).await;
            assert_eq!(heard.len(), each);
            for speaker in 0..speakers.len() {
                let of_speaker: Vec<_> =
                    heard.iter().filter(|m| m.starts_with(speaker.to_string().as_bytes())).collect();
                let expected: Vec<_> =
                    (at as u32..MESSAGES).step_by(topics.len()).map(|n| format!("{speaker} {n}")).collect();
                assert_eq!(of_speaker, expected.iter().collect::<Vec<_>>());
            }
        }
        assert!(!node.was_lost());
    }
}

async fn bytes_arrive_as_they_were([bus, _]: [impl Bus; 2]) {
    let room = channel("room");
    let (speaker, node) = (Node::on(&bus).await, Node::listening(&bus, std::slice::from_ref(&room)).await);
    let all: Vec<u8> = (0..=255).collect();
    let messages: [&[u8]; 7] = [&all, b"", b"\r\n", b"$-1\r\n", b"PUB x 3\r\n", &[0xFF; 3], b"\0"];
    for message in messages {
        speaker.says(&room, message.to_vec());
    }
    assert_eq!(node.hears(&room, messages.len()).await, messages);
}

/// One that cannot be carried is refused, and the next ones are carried.
async fn large_messages_arrive_and_larger_ones_are_refused([bus, _]: [impl Bus; 2]) {
    let room = channel("room");
    let (speaker, node) = (Node::on(&bus).await, Node::listening(&bus, std::slice::from_ref(&room)).await);
    let most = speaker.connection.largest();
    let large = Bytes::from(vec![b'x'; most.min(8 * 1024 * 1024)]);
    speaker.says(&room, large.clone());
    if let Some(more) = most.checked_add(1).filter(|more| *more < 1 << 30) {
        speaker.connection.publish(std::slice::from_ref(&room), &vec![b'x'; more].into()).unwrap_err();
    }
    speaker.says(&room, "small");
    let heard = node.hears(&room, 2).await;
    assert!(heard[0] == large && heard[1] == "small", "{} bytes, {} bytes", heard[0].len(), heard[1].len());
    assert!(!node.was_lost() && !speaker.was_lost());
}

async fn a_node_that_is_busy_is_handed_nothing_more_of_that_topic([bus, _]: [impl Bus; 2]) {
    let room = channel("room");
    let node = Node::listening(&bus, &[room.clone(), Topic::All]).await;
    let other = Node::listening(&bus, std::slice::from_ref(&room)).await;
    let busy = node.is_busy().await;
    for n in 0..100 {
        node.says(&room, n.to_string());
    }
    other.hears(&room, 100).await;
    assert!(node.of(&room).len() <= 1);
    drop(busy);
    let expected: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    assert_eq!(node.hears(&room, 100).await, expected);
    assert!(!node.was_lost());
}

/// Nothing is missing unsaid, however much is said while somebody is busy.
async fn what_is_too_much_waits_or_is_told([bus, _]: [impl Bus; 2]) {
    const MESSAGES: usize = 1_500;
    let room = channel("room");
    let (speaker, node) = (Node::on(&bus).await, Node::listening(&bus, std::slice::from_ref(&room)).await);
    let message = Bytes::from(vec![b'x'; 64 * 1024]);
    let busy = node.is_busy().await;
    for _ in 0..MESSAGES {
        speaker.says_when_there_is_room(&room, &message).await;
    }
    drop(busy);
    node.until("all of it, or that some of it is lost", || node.of(&room).len() == MESSAGES || node.was_lost()).await;
}

async fn buses_are_deaf_to_each_other([bus, other]: [impl Bus; 2]) {
    let topics = [channel("room"), Topic::Node(1), Topic::All];
    let (here, there) = (Node::listening(&bus, &topics).await, Node::listening(&other, &topics).await);
    here.connection.publish(&topics, &"here".into()).expect("there is room");
    there.connection.publish(&topics, &"there".into()).expect("there is room");
    for (node, expected) in [(&here, "here"), (&there, "there")] {
        for topic in &topics {
            assert_eq!(node.hears(topic, 1).await, [expected]);
        }
        assert_eq!(node.messages(), topics.len());
    }
}
