//! What nodes tell each other, as bytes.
//!
//! A version, a kind, the number of the node that sends it, and fields: a tag, a length, and that many bytes. Nodes of
//! different releases run side by side while an application is replaced: what a field of a tag below 128 says has to be
//! understood, so a message with an unknown one is left out as a whole; others are passed over.

use super::fields::{Fields, NotUnderstood, Writer, needed, tag, text};
use bytes::{BufMut, Bytes, BytesMut};
use wingbeat_core::RawJson;

const VERSION: u8 = 1;
/// The version, the kind and the sender.
const HEAD: usize = 1 + 1 + 8;

/// A message of a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    Event(Event),
    /// An event for raw sockets: which ones, its arguments, and as of an [`Event`] its number.
    Raw {
        written: RawJson,
        args: RawJson,
        several: Option<u64>,
    },
    /// Something that every node has to do, with its number among those of its sender.
    Order {
        number: u64,
        name: Box<str>,
        data: RawJson,
    },
    /// What a part of the application tells its counterparts on other nodes.
    Told {
        name: Box<str>,
        data: RawJson,
    },
    /// The sender wants to know something of every node.
    Asked {
        number: u64,
        name: Box<str>,
        data: RawJson,
    },
    /// What the sender says to that. Nothing, if it cannot say anything.
    Answer {
        number: u64,
        data: Option<RawJson>,
    },
    /// The sender is there, and has sent so many orders; sent to all, its sender too.
    Heartbeat {
        orders: u64,
        beat: u64,
    },
    /// The sender ends.
    Bye,
    /// Events of the sender were lost on their way.
    Gap,
    /// The sender wants the orders after this one again, those of the last so many milliseconds.
    OrdersAfter {
        number: u64,
        within: u64,
    },
    /// All that were wanted up to this one have been sent again.
    OrdersSent {
        number: u64,
    },
    /// Some of those that were wanted up to this one are not kept any more.
    OrdersGone {
        number: u64,
    },
}

/// An event for clients of other nodes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) path: Box<str>,
    pub(crate) event: Box<str>,
    pub(crate) data: RawJson,
    pub(crate) to: Whom,
    /// Its number, if it was sent to several topics: who hears several of them takes it once.
    pub(crate) several: Option<u64>,
}

/// Whom an event is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Whom {
    /// The members of the channel by whose topic it has come.
    Members,
    /// What these selectors say.
    Selectors(RawJson),
    /// Whom the publisher names that the receiving node has itself.
    Publishers,
}

mod kind {
    pub(super) const EVENT: u8 = 1;
    pub(super) const ORDER: u8 = 2;
    pub(super) const HEARTBEAT: u8 = 3;
    pub(super) const BYE: u8 = 4;
    pub(super) const GAP: u8 = 5;
    pub(super) const ORDERS_AFTER: u8 = 6;
    pub(super) const ORDERS_SENT: u8 = 7;
    pub(super) const ORDERS_GONE: u8 = 8;
    pub(super) const RAW: u8 = 9;
    pub(super) const TOLD: u8 = 10;
    pub(super) const ASKED: u8 = 11;
    pub(super) const ANSWER: u8 = 12;
}

impl Message {
    /// The message of a node, to be sent.
    pub(crate) fn encode(&self, sender: u64) -> Bytes {
        let mut out = Writer(BytesMut::new());
        let head = |out: &mut Writer, kind: u8, room: usize| {
            out.0.reserve(HEAD + room);
            out.0.put_u8(VERSION);
            out.0.put_u8(kind);
            out.0.put_u64(sender);
        };
        match self {
            Message::Event(event) => {
                let Event { path, event: name, data, to, several } = event;
                head(&mut out, kind::EVENT, 64 + path.len() + name.len() + data.as_bytes().len());
                out.field(tag::PATH, path.as_bytes());
                out.field(tag::NAME, name.as_bytes());
                out.json(data, tag::DATA, tag::ATTACHMENT);
                match to {
                    Whom::Members => {}
                    Whom::Selectors(selectors) => out.json(selectors, tag::SELECTORS, tag::SELECTORS_ATTACHMENT),
                    Whom::Publishers => out.field(tag::PUBLISHERS, &[]),
                }
                if let Some(number) = several {
                    out.number(tag::SEVERAL, *number);
                }
            }
            Message::Raw { written, args, several } => {
                head(&mut out, kind::RAW, 32 + written.as_bytes().len() + args.as_bytes().len());
                out.json(written, tag::SELECTORS, tag::SELECTORS_ATTACHMENT);
                out.json(args, tag::DATA, tag::ATTACHMENT);
                if let Some(number) = several {
                    out.number(tag::SEVERAL, *number);
                }
            }
            Message::Order { number, name, data } => {
                head(&mut out, kind::ORDER, 64 + name.len() + data.as_bytes().len());
                out.number(tag::NUMBER, *number);
                out.field(tag::NAME, name.as_bytes());
                out.json(data, tag::DATA, tag::ATTACHMENT);
            }
            Message::Told { name, data } => {
                head(&mut out, kind::TOLD, 32 + name.len() + data.as_bytes().len());
                out.field(tag::NAME, name.as_bytes());
                out.json(data, tag::DATA, tag::ATTACHMENT);
            }
            Message::Asked { number, name, data } => {
                head(&mut out, kind::ASKED, 48 + name.len() + data.as_bytes().len());
                out.number(tag::NUMBER, *number);
                out.field(tag::NAME, name.as_bytes());
                out.json(data, tag::DATA, tag::ATTACHMENT);
            }
            Message::Answer { number, data } => {
                head(&mut out, kind::ANSWER, 32 + data.as_ref().map_or(0, |data| data.as_bytes().len()));
                out.number(tag::NUMBER, *number);
                if let Some(data) = data {
                    out.json(data, tag::DATA, tag::ATTACHMENT);
                }
            }
            Message::Heartbeat { orders, beat } => {
                head(&mut out, kind::HEARTBEAT, 26);
                out.number(tag::NUMBER, *orders);
                out.number(tag::SEVERAL, *beat);
            }
            Message::Bye => head(&mut out, kind::BYE, 0),
            Message::Gap => head(&mut out, kind::GAP, 0),
            Message::OrdersAfter { number, within } => {
                head(&mut out, kind::ORDERS_AFTER, 26);
                out.number(tag::NUMBER, *number);
                out.number(tag::WITHIN, *within);
            }
            Message::OrdersSent { number } => {
                head(&mut out, kind::ORDERS_SENT, 13);
                out.number(tag::NUMBER, *number);
            }
            Message::OrdersGone { number } => {
                head(&mut out, kind::ORDERS_GONE, 13);
                out.number(tag::NUMBER, *number);
            }
        }
        out.0.freeze()
    }

    /// Who has sent it. Nothing if these are no bytes of a node.
    pub(crate) fn sender(bytes: &[u8]) -> Option<u64> {
        Some(u64::from_be_bytes(bytes.get(2..HEAD)?.try_into().ok()?))
    }

    /// Whether these are the bytes of a heartbeat.
    pub(crate) fn is_heartbeat(bytes: &[u8]) -> bool {
        bytes.get(1) == Some(&kind::HEARTBEAT)
    }

    /// Reads a message. Whatever comes in, it is one or an error.
    pub(crate) fn decode(bytes: &Bytes) -> Result<Message, NotUnderstood> {
        let [version, kind] = bytes.first_chunk::<2>().copied().ok_or(NotUnderstood::CUT_OFF)?;
        if version != VERSION || bytes.len() < HEAD {
            return Err(NotUnderstood("it is of another version"));
        }
        let fields = Fields::read(bytes.slice(HEAD..))?;
        match kind {
            kind::EVENT => {
                let to = match (&fields.selectors.text, fields.publishers) {
                    (None, false) => Whom::Members,
                    (Some(_), false) => Whom::Selectors(fields.selectors.read()?),
                    (None, true) => Whom::Publishers,
                    (Some(_), true) => return Err(NotUnderstood("it names its audience twice")),
                };
                let (path, event) = (text(&fields.path)?, text(&fields.name)?);
                Ok(Message::Event(Event { path, event, to, several: fields.several, data: fields.data.read()? }))
            }
            kind::RAW => {
                let (written, args) = (fields.selectors.read()?, fields.data.read()?);
                Ok(Message::Raw { written, args, several: fields.several })
            }
            kind::ORDER => Ok(Message::Order {
                number: needed(fields.number)?,
                name: text(&fields.name)?,
                data: fields.data.read()?,
            }),
            kind::TOLD => Ok(Message::Told { name: text(&fields.name)?, data: fields.data.read()? }),
            kind::ASKED => Ok(Message::Asked {
                number: needed(fields.number)?,
                name: text(&fields.name)?,
                data: fields.data.read()?,
            }),
            kind::ANSWER => Ok(Message::Answer {
                number: needed(fields.number)?,
                data: fields.data.text.is_some().then(|| fields.data.read()).transpose()?,
            }),
            kind::HEARTBEAT => Ok(Message::Heartbeat { orders: needed(fields.number)?, beat: needed(fields.several)? }),
            kind::BYE => Ok(Message::Bye),
            kind::GAP => Ok(Message::Gap),
            kind::ORDERS_AFTER => {
                Ok(Message::OrdersAfter { number: needed(fields.number)?, within: needed(fields.within)? })
            }
            kind::ORDERS_SENT => Ok(Message::OrdersSent { number: needed(fields.number)? }),
            kind::ORDERS_GONE => Ok(Message::OrdersGone { number: needed(fields.number)? }),
            _ => Err(NotUnderstood("it is of an unknown kind")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn event(to: Whom, several: Option<u64>) -> Message {
        let data = RawJson::new(&json!({"id": 1})).unwrap();
        Message::Event(Event { path: "rooms/messages".into(), event: "created".into(), data, to, several })
    }

    fn examples() -> Vec<Message> {
        let file = json!({"file": wingbeat_core::Binary::from(vec![0, 1, 255])});
        let binary = RawJson::new(&file).unwrap();
        let selectors = RawJson::new(&json!([{"of": {"channel": "a"}, "data": file}])).unwrap();
        vec![
            event(Whom::Members, None),
            event(Whom::Selectors(selectors), Some(u64::MAX)),
            event(Whom::Publishers, Some(0)),
            Message::Event(Event {
                path: "".into(),
                event: "ä".into(),
                data: binary,
                to: Whom::Members,
                several: None,
            }),
            Message::Order { number: 7, name: "logout".into(), data: RawJson::NULL },
            Message::Told { name: "presence".into(), data: RawJson::NULL },
            Message::Asked { number: 1, name: "len".into(), data: RawJson::NULL },
            Message::Answer { number: 1, data: None },
            Message::Answer { number: 1, data: Some(RawJson::NULL) },
            Message::Heartbeat { orders: 3, beat: 9 },
            Message::Raw { written: RawJson::NULL, args: RawJson::NULL, several: None },
            Message::Bye,
            Message::Gap,
            Message::OrdersAfter { number: 1, within: 2 },
            Message::OrdersSent { number: 3 },
            Message::OrdersGone { number: 4 },
        ]
    }

    #[test]
    fn messages_come_back_as_they_were_sent() {
        for message in examples() {
            let bytes = message.encode(0xFEED);
            assert_eq!((Message::sender(&bytes), Message::decode(&bytes)), (Some(0xFEED), Ok(message)));
        }
    }

    /// The bytes of this release, which later ones have to read.
    #[test]
    fn messages_are_written_as_they_always_were() {
        let written =
            |message: &Message| message.encode(1).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let head = "01010000000000000001";
        let names = "010000000e726f6f6d732f6d65737361676573020000000763726561746564";
        let data = "03000000087b226964223a317d";
        assert_eq!(written(&event(Whom::Members, None)), format!("{head}{names}{data}"));
        let ends = "06000000000700000008000000000000000a";
        assert_eq!(written(&event(Whom::Publishers, Some(10))), format!("{head}{names}{data}{ends}"));
        let order = Message::Order { number: 7, name: "logout".into(), data: RawJson::NULL };
        let fields = "0800000008000000000000000702000000066c6f676f757403000000046e756c6c";
        assert_eq!(written(&order), format!("01020000000000000001{fields}"));
    }

    #[test]
    fn what_may_be_passed_over_is_and_what_may_not_is_an_error() {
        let known = event(Whom::Members, None);
        let with = |tag: u8| {
            let mut out = Writer(BytesMut::from(&known.encode(1)[..]));
            out.field(tag, b"later");
            Message::decode(&out.0.freeze())
        };
        assert_eq!(with(200), Ok(known.clone()));
        assert!(with(100).is_err());
        let mut later = known.encode(1).to_vec();
        later[0] = 2;
        assert!(Message::decode(&later.into()).is_err());
    }

    #[test]
    fn data_that_are_no_json_are_an_error() {
        for data in ["", "{", "1 2", "\u{0}", "nul"] {
            let mut out = Writer(BytesMut::from(&Message::Bye.encode(1)[..]));
            out.0[1] = kind::ORDER;
            out.number(tag::NUMBER, 1);
            out.field(tag::NAME, b"a");
            out.field(tag::DATA, data.as_bytes());
            assert!(Message::decode(&out.0.freeze()).is_err(), "{data}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (Message::sender(&bytes), Message::decode(&bytes.into()));
        }

        #[test]
        fn a_message_that_was_changed_is_one_or_an_error(which in 0..12_usize, at in any::<usize>(), to in any::<u8>()) {
            let mut bytes = examples()[which].encode(1).to_vec();
            let at = at % bytes.len();
            bytes[at] = to;
            let _ = Message::decode(&bytes.clone().into());
            bytes.truncate(at);
            prop_assert!(Message::decode(&bytes.into()).is_err() || at >= HEAD);
        }
    }
}
