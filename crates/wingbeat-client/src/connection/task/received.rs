//! What the server sends: packets, and what each of them means.

use super::Task;
use super::namespace::lost_error;
use super::session::SessionEnd;
use crate::connection::{
    AckRequest, Answer, ConnectionEvent, Event, Kind, MAX_ARGUMENTS, Options, Reply, SUCCESS, Socket, received_error,
};
use crate::error::{Error, Problem};
use crate::transport::{Broken, Incoming, Outbox, Reason};
use bytes::Bytes;
use serde_json::Value;
use std::sync::Arc;
use wingbeat_core::json;
use wingbeat_protocol::packet::engine::{self, PacketType};
use wingbeat_protocol::packet::{AckId, Arguments, Assembly, Content, Limits, Malformed, PacketKind, Whole, msgpack};

/// The most attachments of a packet.
const MAX_ATTACHMENTS: usize = 1_000;

impl Task {
    pub(super) fn receive(
        &mut self,
        incoming: Incoming<'_>,
        assembly: &mut Assembly,
        outbox: &mut Outbox,
    ) -> Option<SessionEnd> {
        if is_ping(&incoming) {
            outbox.pong();
            return None;
        }
        if let Incoming::Text(text) = incoming
            && !self.shared.options.msgpack
            && self.result(text, assembly)
        {
            return None;
        }
        let whole = match incoming {
            Incoming::Binary(bytes) if self.shared.options.msgpack => translated(&bytes, assembly),
            Incoming::Binary(bytes) => assembly.binary(bytes),
            Incoming::Text(text) => match engine::decode(text) {
                Some((PacketType::Message, packet)) if !self.shared.options.msgpack => assembly.text(packet),
                Some((PacketType::Close, _)) => return Some(self.broken(Broken::closed())),
                Some((PacketType::Noop | PacketType::Pong, _)) => return None,
                _ => Err(Malformed),
            },
        };
        match whole {
            Ok(Some(whole)) => self.packet(whole),
            Ok(None) => None,
            Err(Malformed) => Some(self.broken(Broken::protocol("the server broke the protocol"))),
        }
    }

    /// Takes the result of a service call, which nearly every packet is, and leaves it to the caller to read: with what
    /// other packets need it would cost 1,400 instructions more. Whether it was one.
    fn result(&mut self, text: &str, assembly: &Assembly) -> bool {
        let Some(rest) = text.strip_prefix("43") else { return false };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        // No number of 18 digits is too large.
        if !(1..=18).contains(&digits) || !rest[digits..].starts_with(SUCCESS) || assembly.is_waiting() {
            return false;
        }
        let main = self.namespaces.first_mut().filter(|namespace| namespace.joined && &*namespace.name == "/");
        let id = rest[..digits].bytes().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        let Some(call) = main.and_then(|main| main.answered_if(id, |call| call.pending.kind == Kind::Call)) else {
            return false;
        };
        call.finish(Ok(Answer::Undecoded(rest[digits..].into())));
        true
    }

    fn packet(&mut self, whole: Whole) -> Option<SessionEnd> {
        let name = whole.namespace.as_deref().unwrap_or("/");
        let at = self.namespaces.iter().position(|namespace| *namespace.name == *name)?;
        match (whole.kind, whole.content) {
            (PacketKind::Connect, Content::Json(json)) => return self.joined(at, &json),
            (PacketKind::ConnectError, Content::Json(json)) => return self.refused(at, &json),
            (PacketKind::Disconnect, _) => return self.disconnected(at),
            // Nothing else belongs to a namespace that is not joined, or about to be.
            _ if !self.namespaces[at].is_open() => {}
            (PacketKind::Event | PacketKind::BinaryEvent, Content::Arguments(arguments)) => {
                self.event(at, whole.id, arguments, whole.attachments);
            }
            (PacketKind::Ack | PacketKind::BinaryAck, Content::Arguments(arguments)) => {
                // An answer that nobody waits for (any more) is not an error.
                if let Some(call) = whole.id.and_then(|id| self.namespaces[at].answered_if(id.number()?, |_| true)) {
                    self.finish(at, call, Ok(Answer::decoded(arguments, whole.attachments)));
                }
            }
            _ => {}
        }
        None
    }

    fn joined(&mut self, at: usize, text: &str) -> Option<SessionEnd> {
        if self.namespaces[at].joined {
            return None;
        }
        let said: Value = json::parse(text).unwrap_or_default();
        let Some(id) = said.get("sid").and_then(Value::as_str) else {
            return Some(
                self.broken(Broken::protocol("the server gives no id, as those of Socket.IO before version 3")),
            );
        };
        let recovered = self.namespaces[at].join(id, said.get("pid").and_then(Value::as_str));
        if at > 0 {
            let namespace = self.namespaces[at].name.clone();
            self.shared.report(&ConnectionEvent::Joined { namespace, recovered });
            return None;
        }
        self.attempts = 0;
        let id: Arc<str> = id.into();
        self.shared.set_socket(Some(Socket { id: id.clone(), recovered }));
        self.shared.report(&ConnectionEvent::Connected { id, recovered });
        for waiting in self.waiting_for_connection.drain(..) {
            let _ = waiting.send(Ok(()));
        }
        self.re_authenticate();
        None
    }

    fn refused(&mut self, at: usize, json: &str) -> Option<SessionEnd> {
        let said = received_error(valid_or_null(json));
        let mut error = wingbeat_core::Error::forbidden(said.message().to_owned());
        if let Some(data) = said.data() {
            error = error.with_data(data.clone());
        }
        let error = Error::Refused(error);
        if at == 0 {
            return Some(SessionEnd::Refused(error));
        }
        self.namespaces[at].fail_waiting(&error, false);
        self.namespaces[at].halted = Some(error);
        None
    }

    fn disconnected(&mut self, at: usize) -> Option<SessionEnd> {
        // Who is sent away begins anew.
        self.namespaces[at].recovery = None;
        if at == 0 {
            return self.namespaces[0].joined.then_some(SessionEnd::Lost(Reason::ServerDisconnect));
        }
        let reason = Reason::ServerDisconnect.as_str();
        for outbound in self.namespaces[at].lost() {
            self.finish(at, outbound, Err(lost_error(reason)));
        }
        // Asked for already: the server will not be bothered again.
        self.namespaces[at].asked = true;
        let error = Error::NotConnected(Problem::new(format!("Not connected ({reason})")));
        self.namespaces[at].fail_waiting(&error, false);
        self.namespaces[at].halted = Some(error);
        None
    }

    fn event(&mut self, at: usize, id: Option<AckId>, mut arguments: Arguments<'static>, attachments: Vec<Bytes>) {
        // What asks for an answer is not sent again, and has no offset.
        if let Some(recovery) = self.namespaces[at].recovery.as_mut().filter(|_| id.is_none()) {
            recovery.take_offset(&mut arguments);
        }
        let Some(name) = arguments.event_name() else { return };
        let name = arguments.name(&name).to_owned();
        let namespace = &self.namespaces[at].name;
        self.shared.deliver(namespace, &name, || {
            let reply = id.map(|id| Reply {
                namespace: (at > 0).then(|| namespace.clone()),
                asked: AckRequest { id, connection: self.connection },
                timeout: self.shared.options.timeout,
                connection: self.handle.clone(),
            });
            Event::new(&name, arguments, attachments, reply)
        });
    }
}

/// Puts packets together, within the limits that there are.
pub(super) fn decoder(options: &Options) -> Assembly {
    let bytes = options.address.max_payload;
    Assembly::new(Limits { arguments: MAX_ARGUMENTS, attachments: MAX_ATTACHMENTS, bytes })
}

/// A packet in MessagePack, with its attachments in it.
fn translated(bytes: &[u8], assembly: &mut Assembly) -> Result<Option<Whole>, Malformed> {
    let (text, attachments) = msgpack::decode(bytes, MAX_ATTACHMENTS).ok_or(Malformed)?;
    attachments.into_iter().try_fold(assembly.text(&text)?, |_, attachment| assembly.binary(attachment))
}

pub(super) fn is_ping(incoming: &Incoming<'_>) -> bool {
    matches!(incoming, Incoming::Text("2"))
}

fn valid_or_null(json: &str) -> Bytes {
    match wingbeat_core::RawJson::parse(json.to_owned()) {
        Ok(raw) => raw.bytes(),
        Err(_) => Bytes::from_static(b"null"),
    }
}
