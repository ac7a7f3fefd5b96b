//! What comes of two parameters that name the same: `utils.merge` of qs.

use super::node::{Items, Node};

/// Adds what a later parameter says.
pub(super) fn merge(target: Node, source: Node) -> Node {
    match (target, source) {
        // JavaScript takes an empty text for nothing.
        (target, Node::Text(text)) if text.is_empty() => target,
        (Node::List(mut items), text @ Node::Text(_)) => {
            items.push(text);
            Node::List(items)
        }
        (Node::Object(mut members), text @ Node::Text(_)) => match members.conflict {
            Some(highest) => {
                members.set((highest + 1).to_string(), text);
                Node::Object(members)
            }
            None => {
                let nodes = [(0, Node::Object(members)), (1, text)].into();
                Node::List(Items { nodes, is_conflict: true })
            }
        },
        (first @ Node::Text(_), Node::List(items)) => {
            let behind = items.nodes.into_iter().map(|(place, node)| (place + 1, node));
            let nodes = [(0, first)].into_iter().chain(behind).collect();
            Node::List(Items { nodes, is_conflict: false })
        }
        (first @ Node::Text(_), second) => Node::list([first, second]),
        (Node::List(mut items), Node::List(more)) => {
            for (place, node) in more.nodes {
                match items.nodes.remove(&place) {
                    None => drop(items.nodes.insert(place, node)),
                    Some(before) if before.is_tree() && node.is_tree() => {
                        items.nodes.insert(place, merge(before, node));
                    }
                    Some(before) => {
                        items.nodes.insert(place, before);
                        items.push(node);
                    }
                }
            }
            Node::List(items)
        }
        (target, source) => {
            let mut members = target.into_named();
            for (name, node) in source.into_named() {
                match members.get_mut(&name) {
                    Some(place) => *place = merge(std::mem::replace(place, Node::object()), node),
                    None => members.set(name, node),
                }
            }
            Node::Object(members)
        }
    }
}

impl Node {
    fn is_tree(&self) -> bool {
        matches!(self, Node::List(_) | Node::Object(_))
    }
}
