//! Selectors: what an audience says as data.

use super::Connection;
use super::pattern::Pattern;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use wingbeat_core::{Escaped, Payload, json};

/// One part of an [`Audience`](super::Audience) as data: connections that are found in a channel or by their number,
/// without some of them, and what these are sent.
///
/// It can be sent and stored; the [numbers](Connection::id) of connections in it are those of one process. What it does
/// not know makes reading it an error, because a restriction that is passed over would let others hear.
///
/// ```
/// use serde_json::json;
/// use wingbeat::realtime::{Selector, channel};
///
/// let audience = channel("rooms/7").having("role", "admin");
/// let selectors: Vec<&Selector> = audience.selectors().into_iter().flatten().collect();
/// assert_eq!(format!("{:?}", selectors[0]), "channel rooms/7 having role=admin");
/// let written = json!([{"of": {"channel": "rooms/7"}, "having": {"role": "admin"}}]);
/// assert_eq!(serde_json::to_value(&selectors).unwrap(), written);
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    pub(super) of: Source,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) except: Vec<u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "having")]
    pub(super) having: BTreeMap<Box<str>, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "value")]
    pub(super) data: Option<Payload>,
}

/// Where connections are looked for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Source {
    Channel(Box<str>),
    Matching(Pattern),
    Connection(u64),
}

impl Selector {
    pub(super) fn new(of: Source) -> Selector {
        Selector { of, except: Vec::new(), having: BTreeMap::new(), data: None }
    }

    /// Whether all who are found are meant.
    pub(super) fn takes_all(&self) -> bool {
        self.except.is_empty() && self.having.is_empty()
    }

    /// Whether a connection that was found is meant.
    pub(super) fn takes(&self, connection: &Connection) -> bool {
        !self.except.contains(&connection.id())
            && self.having.iter().all(|(name, value)| named(connection, name).as_ref() == Some(value))
    }

    /// Restricts it further. False if nobody is left, because it wants another value already.
    pub(super) fn have(&mut self, name: &str, value: &Value) -> bool {
        let value = as_connections_have(value);
        *self.having.entry(name.into()).or_insert_with(|| value.clone()) == value
    }
}

/// As connections have them, where 1.0 is 1.
fn as_connections_have(value: &Value) -> Value {
    json::read_value(value).unwrap_or_else(|_| value.clone())
}

/// A name that stands twice is an error: each is a restriction.
fn having<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Box<str>, Value>, D::Error> {
    struct Having;

    impl<'de> Visitor<'de> for Having {
        type Value = BTreeMap<Box<str>, Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of names and values")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut having = BTreeMap::new();
            while let Some((name, value)) = map.next_entry::<Box<str>, Value>()? {
                if having.insert(name, as_connections_have(&value)).is_some() {
                    return Err(A::Error::custom("a name appears twice"));
                }
            }
            Ok(having)
        }
    }

    deserializer.deserialize_map(Having)
}

/// A named value of a connection, or what is in one.
fn named(connection: &Connection, name: &str) -> Option<Value> {
    if let Some(value) = connection.get(name) {
        return Some(value);
    }
    let (name, inside) = name.split_once('.')?;
    let mut value = connection.get(name)?;
    for key in inside.split('.') {
        value = value.get_mut(key)?.take();
    }
    Some(value)
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            Source::Channel(name) => write!(f, "channel {}", Escaped(name))?,
            Source::Matching(pattern) => write!(f, "channels {}", Escaped(pattern))?,
            Source::Connection(id) => write!(f, "connection {id}")?,
        }
        let mut before = " ";
        for (at, id) in self.except.iter().enumerate() {
            write!(f, "{}{id}", if at == 0 { " except " } else { ", " })?;
            before = ", ";
        }
        for (at, (name, value)) in self.having.iter().enumerate() {
            write!(f, "{before}{}{}=", if at == 0 { "having " } else { "" }, Escaped(name))?;
            match value {
                Value::String(text) => write!(f, "{}", Escaped(text))?,
                value => write!(f, "{}", Escaped(value))?,
            }
            before = ", ";
        }
        f.write_str(if self.data.is_some() { " with data" } else { "" })
    }
}

/// Data as a value, with what bytes there are in it.
mod value {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};
    use serde_json::Value;
    use wingbeat_core::Payload;

    pub(super) fn serialize<S: Serializer>(data: &Option<Payload>, serializer: S) -> Result<S::Ok, S::Error> {
        let value = data.as_ref().map(Payload::to_value).transpose();
        value.map_err(|error| S::Error::custom(error.message()))?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Payload>, D::Error> {
        // What is there is data, also null.
        Value::deserialize(deserializer).map(|value| Some(value.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Audience, Message, Peer, channel, channels, channels_matching};
    use super::*;
    use serde_json::json;

    struct Nowhere;

    impl Peer for Nowhere {
        fn deliver(&self, _: &Message) {}
        fn disconnect(&self, _: &Connection) {}
    }

    fn written(audience: &Audience) -> Value {
        serde_json::to_value(audience.selectors().expect("it has filters").collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn selectors_come_back_as_they_were_sent() {
        let someone = Connection::new("test", Nowhere);
        let id = someone.id();
        let audience = channels(["a", "b"])
            .except(&someone)
            .having("tenant", 1.0)
            .or(channels_matching("rooms/*").send(json!(null)))
            .or(Audience::from(someone.clone()).send(json!({"a": wingbeat_core::Binary::from(vec![7])})));
        let sent = written(&audience);
        let selectors: Vec<Selector> = serde_json::from_value(sent.clone()).unwrap();
        let found = |known: u64| (known == id).then(|| someone.clone());
        let back = Audience::from_selectors(selectors.clone(), found);
        assert_eq!((written(&back), format!("{back:?}")), (sent.clone(), format!("{audience:?}")));
        assert_eq!(sent[0], json!({"of": {"channel": "a"}, "except": [id], "having": {"tenant": 1}}));
        assert_eq!(sent[2], json!({"of": {"matching": "rooms/*"}, "data": null}));
        // Who is not found hears nothing.
        let alone = Audience::from_selectors(selectors, |_| None);
        assert_eq!(written(&alone)[0], json!({"of": {"channel": "a"}, "having": {"tenant": 1}}));
        assert_eq!(written(&alone).as_array().unwrap().len(), 3);
    }

    #[test]
    fn each_restriction_counts() {
        let someone = channel("a").having("tenant", 1);
        assert_eq!(written(&someone.clone().having("tenant", 1.0)), written(&someone));
        assert_eq!(written(&someone.having("tenant", 2)), json!([]));
        assert!(channel("a").filter(|_| true).selectors().is_none());
        let twice = r#"{"of": {"channel": "a"}, "having": {"tenant": 1, "tenant": 2}}"#;
        assert!(serde_json::from_str::<Selector>(twice).is_err());
        let written = r#"{"of": {"channel": "a"}, "having": {"tenant": 1.0}}"#;
        assert_eq!(serde_json::from_str::<Selector>(written).unwrap().having["tenant"], json!(1));
    }

    #[test]
    fn a_restriction_that_is_unknown_is_an_error() {
        let selector = json!({"of": {"channel": "a"}, "within": "Europe"});
        assert!(serde_json::from_value::<Selector>(selector).is_err());
    }

    #[test]
    fn selectors_read_well() {
        let someone = Connection::new("test", Nowhere);
        let id = someone.id();
        for (audience, expected) in [
            (channel("rooms/7"), "channel rooms/7".to_owned()),
            (
                channel("rooms/7").except(&someone).having("role", "admin"),
                format!("channel rooms/7 except {id}, having role=admin"),
            ),
            (channel("a").having("b", true).having("a", 1), "channel a having a=1, b=true".to_owned()),
            (channels_matching("rooms/*").send(json!(1)), "channels rooms/* with data".to_owned()),
            (someone.clone().into(), format!("connection {id}")),
            (channel("a").filter(|_| true), "channel a filtered".to_owned()),
        ] {
            assert_eq!(format!("{audience:?}"), format!("[{expected}]"));
        }
    }

    #[test]
    fn values_are_found_by_name_and_inside_one() {
        let someone = Connection::new("test", Nowhere);
        someone.set("user", json!({"id": 1, "team": {"role": "admin"}}));
        someone.set("a.b", 2);
        let takes = |name: &str, value: Value| {
            let mut selector = Selector::new(Source::Channel("a".into()));
            selector.have(name, &value);
            selector.takes(&someone)
        };
        assert!(takes("user.team.role", json!("admin")) && takes("user.id", json!(1.0)) && takes("a.b", json!(2)));
        assert!(
            !takes("user.team.role", json!("guest")) && !takes("user.name", json!(null)) && !takes("b", json!(null))
        );
    }
}
