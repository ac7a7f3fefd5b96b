//! Which audiences other nodes have to know of, and by which topics they hear of them.

use super::message::{Event, Message, Whom};
use super::port::Topic;
use crate::realtime::audience::{Audience, Part};
use crate::realtime::selector::{Selector, Source};
use wingbeat_core::{RawJson, Result};

/// An event for more channels than these is sent to all nodes.
const TOPICS: usize = 16;

/// An event as other nodes are sent it.
pub(crate) enum Outgoing {
    /// All whom it is for are connected to this node.
    Nowhere,
    /// Its audience is code that other nodes cannot ask.
    Stays,
    To(Vec<Topic>, Message),
}

impl Outgoing {
    /// `data` is what clients are to be sent, `number` tells it from all others of its sender, and `may_ask` says whether other
    /// nodes may ask their own publisher.
    ///
    /// # Errors
    /// If the audience has no JSON form.
    pub(crate) fn new(
        audience: &Audience,
        (path, event): (&str, &str),
        data: &RawJson,
        number: impl FnOnce() -> u64,
        may_ask: impl FnOnce() -> bool,
    ) -> Result<Outgoing> {
        let (topics, to, data) = match audience.beyond()? {
            Beyond::Nobody => return Ok(Outgoing::Nowhere),
            Beyond::Data { topics, to, data: own } => (topics, to, own.unwrap_or_else(|| data.clone())),
            Beyond::Filtered(topics) if may_ask() => (topics, Whom::Publishers, data.clone()),
            Beyond::Filtered(_) => return Ok(Outgoing::Stays),
        };
        let several = (topics.len() > 1).then(number);
        Ok(Outgoing::To(topics, Message::Event(Event { path: path.into(), event: event.into(), data, to, several })))
    }
}

/// What of an audience is not of this node alone.
enum Beyond {
    /// All whom it names are connected here.
    Nobody,
    /// What it says as data.
    Data { topics: Vec<Topic>, to: Whom, data: Option<RawJson> },
    /// The application's own code decides about it, which does not travel. These are the topics.
    Filtered(Vec<Topic>),
}

impl Audience {
    fn beyond(&self) -> Result<Beyond> {
        // A connection is one of this node.
        let is_beyond = |part: &&Part| !matches!(part.selector.of, Source::Connection(_));
        let parts: Vec<&Part> = self.parts.iter().filter(is_beyond).collect();
        if parts.is_empty() {
            return Ok(Beyond::Nobody);
        }
        let topics = topics(&parts);
        if parts.iter().any(|part| !part.filters.is_empty()) {
            return Ok(Beyond::Filtered(topics));
        }
        if let [part] = &*parts
            && matches!(part.selector.of, Source::Channel(_))
            && part.selector.having.is_empty()
        {
            let data = part.selector.data.as_ref().map(|own| own.to_raw()).transpose()?;
            return Ok(Beyond::Data { topics, to: Whom::Members, data });
        }
        // Who is left out is a connection of this node.
        let selectors = parts.iter().map(|part| Selector { except: Vec::new(), ..part.selector.clone() });
        let selectors = RawJson::new(&selectors.collect::<Vec<_>>())?;
        Ok(Beyond::Data { topics, to: Whom::Selectors(selectors), data: None })
    }

    /// The audience of selectors that another node has sent.
    pub(super) fn from_beyond(selectors: &RawJson) -> Result<Audience> {
        let selectors: Vec<Selector> = selectors.to()?;
        Ok(Audience::from_selectors(selectors, |_| None))
    }
}

fn topics(parts: &[&Part]) -> Vec<Topic> {
    let mut topics: Vec<Topic> = Vec::new();
    for part in parts {
        let topic = match &part.selector.of {
            Source::Channel(name) if topics.len() < TOPICS => Topic::Channel((**name).into()),
            _ => return vec![Topic::All],
        };
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    topics
}

#[cfg(test)]
mod tests {
    use super::super::super::{channel, channels, channels_matching, nobody};
    use super::*;
    use crate::realtime::{Connection, Peer};
    use serde_json::json;

    struct Nowhere;

    impl Peer for Nowhere {
        fn deliver(&self, _: &crate::realtime::Message) {}
        fn disconnect(&self, _: &Connection) {}
    }

    fn data(audience: Audience) -> (Vec<String>, Whom, Option<RawJson>) {
        let Ok(Beyond::Data { topics, to, data }) = audience.beyond() else { panic!("{audience:?} does not travel") };
        let names = topics.iter().map(|topic| match topic {
            Topic::Channel(name) => name.to_string(),
            other => format!("{other:?}"),
        });
        (names.collect(), to, data)
    }

    #[test]
    fn members_of_one_channel_are_named_by_its_topic() {
        let caller = Connection::new("test", Nowhere);
        assert_eq!(data(channel("a")), (vec!["a".into()], Whom::Members, None));
        assert_eq!(data(channel("a").except(&caller)), (vec!["a".into()], Whom::Members, None));
        let own = RawJson::new(&json!({"less": true})).unwrap();
        assert_eq!(data(channel("a").send(json!({"less": true}))), (vec!["a".into()], Whom::Members, Some(own)));
        assert_eq!(data(Audience::from(caller).or(channel("a"))), (vec!["a".into()], Whom::Members, None));
    }

    #[test]
    fn others_travel_as_data_and_come_back_as_they_were() {
        let caller = Connection::new("test", Nowhere);
        for (audience, topics, back) in [
            (channels(["a", "b", "a"]), vec!["a", "b"], "[channel a, channel b, channel a]"),
            (channel("a").having("tenant", 7), vec!["a"], "[channel a having tenant=7]"),
            (channel("a").except(&caller).or(channel("b")), vec!["a", "b"], "[channel a, channel b]"),
            (channels_matching("rooms/*").or(channel("b")), vec!["All"], "[channels rooms/*, channel b]"),
        ] {
            let (names, to, _) = data(audience);
            let Whom::Selectors(selectors) = to else { panic!("{to:?}") };
            assert_eq!(names, topics);
            assert_eq!(format!("{:?}", Audience::from_beyond(&selectors).unwrap()), back);
        }
        let many = data(channels((0..17).map(|room| ("rooms", room))));
        assert_eq!(many.0, ["All"]);
    }

    #[test]
    fn bytes_in_the_data_of_a_part_travel() {
        let own = json!({"file": wingbeat_core::Binary::from(vec![0, 1, 255])});
        let (_, to, _) = data(channel("a").send(own.clone()).or(channel("b")));
        let Whom::Selectors(selectors) = to else { panic!("{to:?}") };
        let back = Audience::from_beyond(&selectors).unwrap();
        let sent = back.parts[0].selector.data.as_ref().unwrap().to_raw().unwrap();
        assert_eq!(sent, RawJson::new(&own).unwrap());
    }

    #[test]
    fn connections_stay_and_code_is_told_apart() {
        let caller = Connection::new("test", Nowhere);
        assert!(matches!(Audience::from(caller.clone()).beyond(), Ok(Beyond::Nobody)));
        assert!(matches!(nobody().beyond(), Ok(Beyond::Nobody)));
        assert!(matches!(Audience::from(caller).filter(|_| true).beyond(), Ok(Beyond::Nobody)));
        let Ok(Beyond::Filtered(topics)) = channel("a").filter(|_| true).or(channel("b")).beyond() else { panic!() };
        assert_eq!(topics.len(), 2);
    }
}
