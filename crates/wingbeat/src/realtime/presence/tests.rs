//! The books of a node and of what others tell it, without a bus.

use super::EntryId;
use super::others::{Missed, Others};
use super::own::Own;
use super::told::Told;
use serde_json::{Value, json};

fn id(channel: &str, key: &str) -> EntryId {
    (channel.into(), key.into())
}

/// Hands over what one node has told; whether the other one missed something.
fn hear(others: &mut Others, node: u64, told: Told) -> Result<Vec<EntryId>, Missed> {
    match told {
        Told::Changes { version, changes } => others.change(node, version, changes),
        Told::Whole { version, changes, part } => Ok(others.replace(node, version, changes, part)),
        Told::Wanted => unreachable!("nobody asks here"),
    }
}

#[test]
fn a_member_is_there_until_its_last_connection_has_left() {
    let mut own = Own::default();
    let ann = json!({"id": 1, "name": "Ann"});
    assert_eq!(own.join(10, id("a", "1"), ann.clone()), [id("a", "1")]);
    assert!(own.join(11, id("a", "1"), ann.clone()).is_empty(), "a second tab changes nothing");
    assert!(own.join(11, id("a", "1"), ann.clone()).is_empty(), "nor does joining twice");
    assert_eq!(own.leave(10, &"a".into()), None);
    assert_eq!(own.get(&id("a", "1")), Some(&ann));
    assert_eq!((own.leave(12, &"a".into()), own.leave(11, &"b".into())), (None, None));
    assert_eq!(own.leave(11, &"a".into()), Some(id("a", "1")));
    assert_eq!(own.get(&id("a", "1")), None);
    assert_eq!(own.leave(11, &"a".into()), None);
}

#[test]
fn a_connection_that_is_somebody_else_now_is_that_one_alone() {
    let mut own = Own::default();
    own.join(1, id("a", "guest"), json!("guest"));
    assert_eq!(own.join(1, id("a", "7"), json!({"id": 7})), [id("a", "guest"), id("a", "7")]);
    assert_eq!((own.get(&id("a", "guest")), own.get(&id("a", "7"))), (None, Some(&json!({"id": 7}))));
    let renamed = json!({"id": 7, "name": "Ann"});
    assert_eq!(own.join(1, id("a", "7"), renamed.clone()), [id("a", "7")]);
    assert_eq!(own.get(&id("a", "7")), Some(&renamed));
}

#[test]
fn changes_come_in_order_or_all_is_asked_for() {
    let (mut own, mut others) = (Own::default(), Others::default());
    let change = |own: &mut Own, key: &str| {
        own.join(key.len() as u64, id("a", key), json!(key));
        own.changes(&[id("a", key)]).unwrap()
    };
    let (first, second, third) = (change(&mut own, "1"), change(&mut own, "22"), change(&mut own, "333"));
    assert_eq!(hear(&mut others, 5, second.clone()), Err(Missed), "the first has not come");
    assert_eq!(hear(&mut others, 5, first.clone()), Ok(vec![id("a", "1")]));
    assert_eq!(hear(&mut others, 5, first), Ok(vec![]), "it has come before");
    assert_eq!(hear(&mut others, 5, third.clone()), Err(Missed));
    assert_eq!(others.get(&id("a", "22")), None);
    for part in own.whole() {
        hear(&mut others, 5, part).unwrap();
    }
    assert_eq!(others.get(&id("a", "333")), Some(&json!("333")));
    assert_eq!(hear(&mut others, 5, second), Ok(vec![]));
    let gone = {
        own.leave(1, &"a".into());
        own.changes(&[id("a", "1")]).unwrap()
    };
    assert_eq!(hear(&mut others, 5, gone), Ok(vec![id("a", "1")]));
    assert_eq!(others.get(&id("a", "1")), None);
    assert_eq!(own.changes(&[id("a", "1")]), None, "others know that");
}

#[test]
fn a_whole_comes_in_parts_and_replaces_what_was_known() {
    let (mut own, mut others) = (Own::default(), Others::default());
    let ids: Vec<EntryId> = (0..1201).map(|key: u64| id("a", &key.to_string())).collect();
    ids.iter().zip(0..).for_each(|(id, connection)| drop(own.join(connection, id.clone(), json!(connection))));
    own.changes(&ids).unwrap();
    let parts = own.whole();
    assert_eq!(parts.len(), 3);
    // The first attempt is cut off after its first part.
    hear(&mut others, 5, parts[0].clone()).unwrap();
    assert_eq!(others.get(&ids[0]), None, "a part is not all");
    parts.into_iter().for_each(|part| drop(hear(&mut others, 5, part).unwrap()));
    let known = |others: &Others| ids.iter().filter(|id| others.get(id).is_some()).count();
    assert_eq!(known(&others), 1201);
    // A node that has begun anew has nobody.
    own.leave(0, &"a".into());
    own.changes(&ids[..1]).unwrap();
    own.whole().into_iter().for_each(|part| drop(hear(&mut others, 5, part).unwrap()));
    assert_eq!((known(&others), others.get(&ids[0])), (1200, None));
    assert_eq!(others.gone(5).len(), 1200);
    assert!(others.gone(5).is_empty() && known(&others) == 0);
}

#[test]
fn an_older_whole_undoes_no_newer_change() {
    let (mut own, mut others) = (Own::default(), Others::default());
    own.join(1, id("a", "1"), Value::Null);
    let first = own.changes(&[id("a", "1")]).unwrap();
    let whole = own.whole().remove(0);
    own.join(2, id("a", "2"), Value::Null);
    let second = own.changes(&[id("a", "2")]).unwrap();
    for told in [first, second, whole] {
        hear(&mut others, 5, told).unwrap();
    }
    assert!(others.get(&id("a", "2")).is_some());
}
