//! What comes of two parameters that name the same: `utils.merge` of qs.

use super::node::Node;
use std::collections::BTreeMap;

/// Adds what a later parameter says.
pub(super) fn merge(target: Node, source: Node) -> Node {
    match (target, source) {
        // JavaScript takes an empty text for nothing.
        (target, Node::Text(text)) if text.is_empty() => target,
        (Node::List(mut items), text @ (Node::Text(_) | Node::True)) => {
            push(&mut items, text);
            Node::List(items)
        }
        (Node::Object(mut members), Node::Text(text)) => {
            members.set(text, Node::True);
            Node::Object(members)
        }
        (Node::Object(members), Node::True) => Node::Object(members),
        (first @ (Node::Text(_) | Node::True), Node::List(items)) => {
            let mut all = BTreeMap::from([(0, first)]);
            all.extend(items.into_iter().map(|(place, node)| (place + 1, node)));
            Node::List(all)
        }
        (first @ (Node::Text(_) | Node::True), second) => Node::list([first, second]),
        (Node::List(mut items), Node::List(more)) => {
            for (place, node) in more {
                match items.remove(&place) {
                    None => drop(items.insert(place, node)),
                    Some(before) if before.is_tree() && node.is_tree() => {
                        items.insert(place, merge(before, node));
                    }
                    Some(before) => {
                        items.insert(place, before);
                        push(&mut items, node);
                    }
                }
            }
            Node::List(items)
        }
        (target, source) => {
            let mut members = target.into_named();
            for (name, node) in source.into_named() {
                match members.get_mut(&name) {
                    Some(place) => *place = merge(std::mem::replace(place, Node::True), node),
                    None => members.set(name, node),
                }
            }
            Node::Object(members)
        }
    }
}

fn push(items: &mut BTreeMap<usize, Node>, node: Node) {
    let end = items.last_key_value().map_or(0, |(place, _)| place + 1);
    items.insert(end, node);
}

impl Node {
    fn is_tree(&self) -> bool {
        matches!(self, Node::List(_) | Node::Object(_))
    }
}
