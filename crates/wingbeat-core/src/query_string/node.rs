//! The values that a query string is made of, while it is read.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub(super) enum Node {
    Text(String),
    List(Items),
    Object(Members),
}

/// A list, by places: it may have gaps until all is read.
#[derive(Default)]
pub(super) struct Items {
    pub(super) nodes: BTreeMap<usize, Node>,
    /// Whether it was made because an object met a text of its name.
    pub(super) is_conflict: bool,
}

impl Items {
    pub(super) fn push(&mut self, node: Node) {
        let end = self.nodes.last_key_value().map_or(0, |(place, _)| place + 1);
        self.nodes.insert(end, node);
    }
}

/// In the order in which they came.
#[derive(Default)]
pub(super) struct Members {
    places: std::collections::HashMap<String, usize>,
    nodes: Vec<(String, Node)>,
    /// Of an object that was such a list: the highest place, behind which further texts stand.
    pub(super) conflict: Option<usize>,
}

impl Members {
    /// The node of a name, to change.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.places.get(name).map(|&place| &mut self.nodes[place].1)
    }

    /// Sets a member, unless it would change what JavaScript's objects are.
    pub(super) fn set(&mut self, name: String, node: Node) {
        if name == "__proto__" {
            return;
        }
        if let Some(highest) = &mut self.conflict
            && let Some(place) = name.parse().ok().filter(|place: &usize| place > highest && place.to_string() == name)
        {
            *highest = place;
        }
        match self.get_mut(&name) {
            Some(before) => *before = node,
            None => {
                self.places.insert(name.clone(), self.nodes.len());
                self.nodes.push((name, node));
            }
        }
    }
}

impl IntoIterator for Members {
    type Item = (String, Node);
    type IntoIter = std::vec::IntoIter<(String, Node)>;

    fn into_iter(self) -> Self::IntoIter {
        self.nodes.into_iter()
    }
}

impl Node {
    pub(super) fn object() -> Node {
        Node::Object(Members::default())
    }

    pub(super) fn member(name: &str, node: Node) -> Node {
        let mut members = Members::default();
        members.set(name.to_owned(), node);
        Node::Object(members)
    }

    pub(super) fn list(nodes: impl IntoIterator<Item = Node>) -> Node {
        Node::List(Items { nodes: nodes.into_iter().enumerate().collect(), is_conflict: false })
    }

    pub(super) fn item(place: usize, node: Node) -> Node {
        Node::List(Items { nodes: [(place, node)].into(), is_conflict: false })
    }

    /// The members of an object; those of a list are named by their places.
    pub(super) fn into_named(self) -> Members {
        match self {
            Node::Object(members) => members,
            Node::List(Items { nodes, is_conflict }) => {
                let conflict = nodes.keys().last().copied().filter(|_| is_conflict);
                let mut members = Members { conflict, ..Members::default() };
                nodes.into_iter().for_each(|(place, node)| members.set(place.to_string(), node));
                members
            }
            Node::Text(_) => Members::default(),
        }
    }

    pub(super) fn into_members(self) -> Map<String, Value> {
        self.into_named().into_iter().map(|(name, node)| (name, node.into_value())).collect()
    }

    fn into_value(self) -> Value {
        match self {
            Node::Text(text) => text.into(),
            Node::List(items) => items.nodes.into_values().map(Node::into_value).collect(),
            object @ Node::Object(_) => Value::Object(object.into_members()),
        }
    }
}
