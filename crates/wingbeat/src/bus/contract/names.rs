//! Topics are what they are named, whatever is in their names.

use super::facts;
use super::node::{Node, channel};
use crate::bus::{Bus, Topic};

facts! {
    names_may_be_anything
    a_name_is_no_pattern
    the_kinds_of_topics_are_apart
    long_names_are_told_apart_by_their_last_letter
}

const NAMES: [&str; 26] = [
    "", " ", "  ", "a b", "*", ">", "a.*", "a.>", ".", "..", "a.b", "a..b", ".a", "a.", "{}", "{a}b", "?", "[ab]",
    "\\", "a:b", "\0", "a\0b", "\r\n", "ö😀", "=20", "%20",
];

async fn names_may_be_anything([bus, _]: [impl Bus; 2]) {
    let topics: Vec<_> = NAMES.map(channel).to_vec();
    let (speaker, node) = (Node::on(&bus).await, Node::listening(&bus, &topics).await);
    for (n, topic) in topics.iter().enumerate() {
        speaker.says(topic, n.to_string());
    }
    for (n, topic) in topics.iter().enumerate() {
        assert_eq!(node.hears(topic, 1).await, [n.to_string()], "{topic:?}");
    }
    assert_eq!(node.messages(), NAMES.len());
}

async fn a_name_is_no_pattern([bus, _]: [impl Bus; 2]) {
    let patterns = ["*", ">", "a.*", "a.>", "a*", "?", "[ab]", "{a}"].map(channel);
    let node = Node::listening(&bus, &[&patterns[..], &[Topic::All]].concat()).await;
    for name in ["a", "b", "a.b", "ab", "a.b.c"] {
        node.says(&channel(name), "to nobody");
    }
    node.says(&Topic::All, "the end");
    node.hears(&Topic::All, 1).await;
    assert_eq!(node.messages(), 1);
}

async fn the_kinds_of_topics_are_apart([bus, _]: [impl Bus; 2]) {
    let name = format!("{:016x}", 7);
    let topics = [
        channel(&name),
        Topic::Room(name.as_str().into()),
        Topic::Node(7),
        channel(""),
        Topic::Room("".into()),
        Topic::All,
    ];
    let node = Node::listening(&bus, &topics).await;
    for (n, topic) in topics.iter().enumerate() {
        node.says(topic, n.to_string());
    }
    for (n, topic) in topics.iter().enumerate() {
        assert_eq!(node.hears(topic, 1).await, [n.to_string()], "{topic:?}");
    }
    assert_eq!(node.messages(), topics.len());
}

async fn long_names_are_told_apart_by_their_last_letter([bus, _]: [impl Bus; 2]) {
    let long = "ö".repeat(10_000);
    let (one, two) = (channel(&format!("{long}1")), channel(&format!("{long}2")));
    let (first, second) = (
        Node::listening(&bus, std::slice::from_ref(&one)).await,
        Node::listening(&bus, std::slice::from_ref(&two)).await,
    );
    first.says(&two, "two");
    first.says(&one, "one");
    assert_eq!(first.hears(&one, 1).await, ["one"]);
    assert_eq!(second.hears(&two, 1).await, ["two"]);
    assert_eq!((first.messages(), second.messages()), (1, 1));
}
