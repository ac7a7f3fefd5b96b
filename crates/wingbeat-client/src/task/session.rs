//! One connection, from the handshake to its end.

use super::namespace::InFlight;
use super::{Stop, Task};
use crate::command::{Asked, received_error};
use crate::connection::{ConnectionEvent, Reason};
use crate::event::{Event, Reply};
use crate::fate::{Fate, fated};
use crate::options::Options;
use crate::transport::{Broken, Handshake, Incoming, Outbox, Transport};
use bytes::Bytes;
use serde_json::Value;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use wingbeat_core::Error;
use wingbeat_core::packet::engine::{self, PacketType};
use wingbeat_core::packet::{AckId, Arguments, Assembly, Content, Limits, Malformed, PacketKind, Whole, msgpack};

/// How a connection ends.
pub(crate) enum End {
    /// It was up, and is gone.
    Lost(Reason),
    /// It never came up.
    Failed(Error),
    /// The server does not want this client.
    Refused(Error),
    /// The client does not want it any more.
    Stop(Stop),
}

/// The most elements of an event, and the most attachments.
const MAX_ARGUMENTS: usize = 10_000;
const MAX_ATTACHMENTS: usize = 1_000;

/// How many packets are taken in before commands have their turn, and how many turns there are before other tasks do.
const PACKETS: usize = 64;
const TURNS: usize = 8;

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// What has come.
#[derive(Default)]
struct Received {
    any: bool,
    pings: bool,
}

impl Task {
    pub(crate) async fn session(&mut self, mut transport: Transport, handshake: &Handshake) -> End {
        self.connection += 1;
        let mut outbox = Outbox::new(self.shared.options.msgpack);
        let end = self.exchange(&mut transport, &mut outbox, handshake).await;
        let reason = match &end {
            End::Lost(reason) => *reason,
            End::Stop(_) => Reason::ClientDisconnect,
            End::Failed(_) | End::Refused(_) => Reason::TransportClose,
        };
        let joined: Vec<_> = self.namespaces.iter().filter(|namespace| namespace.joined).collect();
        if matches!(end, End::Stop(_)) && !joined.is_empty() {
            for namespace in &joined {
                outbox.packet(PacketKind::Disconnect, &namespace.name, None, "", Vec::new());
            }
            self.shared.report(&ConnectionEvent::Disconnected { reason, will_reconnect: false });
        }
        self.shared.set_socket_id(None);
        self.shared.set_transport(None);
        self.lose(reason);
        if !matches!(reason, Reason::TransportClose | Reason::TransportError | Reason::PingTimeout) {
            let _ = timeout(GOODBYE, transport.close(outbox)).await;
        }
        end
    }

    async fn exchange(&mut self, transport: &mut Transport, outbox: &mut Outbox, handshake: &Handshake) -> End {
        let options = &self.shared.options;
        let mut assembly = decoder(options);
        let silence = handshake.silence(options.ping_timeout);
        let mut heartbeat = pin!(sleep(silence));
        let connect_timeout = options.connect_timeout;
        let mut join = pin!(sleep(connect_timeout));
        let mut kind = None;
        poll_fn(|cx| {
            for _ in 0..TURNS {
                let filled = self.inbox.poll_filled(cx);
                let stop = match filled {
                    Poll::Ready(true) => self.obey(),
                    Poll::Ready(false) => Some(Stop::Close),
                    Poll::Pending => None,
                };
                if let Some(stop) = stop {
                    return Poll::Ready(End::Stop(stop));
                }
                self.pump(outbox);
                let received = match self.take_in(cx, transport, outbox, &mut assembly) {
                    Ok(received) => received,
                    Err(end) => return Poll::Ready(end),
                };
                if received.pings {
                    heartbeat.as_mut().reset(Instant::now() + silence);
                }
                if kind != Some(transport.kind()) {
                    kind = Some(transport.kind());
                    self.shared.set_transport(kind);
                }
                if heartbeat.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(self.broken(Broken::silent()));
                }
                if !self.namespaces[0].joined && join.as_mut().poll(cx).is_ready() {
                    let silent = Broken::timeout(connect_timeout);
                    let message = "Cannot connect: the server does not answer CONNECT";
                    return Poll::Ready(End::Failed(crate::fate::unavailable(message, silent)));
                }
                let expired = self.alarm.as_mut().poll(cx).is_ready();
                if expired {
                    self.expire();
                }
                // Whoever has to wake us knows it only once everything was found to be waiting.
                if filled.is_pending() && !received.any && !expired {
                    return Poll::Pending;
                }
            }
            // The rest after the others have had their turn.
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }

    /// Writes what can be written, and takes in what has come, up to a limit.
    fn take_in(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut Transport,
        outbox: &mut Outbox,
        assembly: &mut Assembly,
    ) -> Result<Received, End> {
        let mut received = Received::default();
        for _ in 0..PACKETS {
            match transport.poll(cx, outbox) {
                Poll::Pending => break,
                Poll::Ready(Ok(incoming)) => {
                    received = Received { any: true, pings: received.pings || is_ping(&incoming) };
                    if let Some(end) = self.receive(incoming, assembly, outbox) {
                        return Err(end);
                    }
                }
                Poll::Ready(Err(broken)) => return Err(self.broken(broken)),
            }
        }
        Ok(received)
    }

    /// Moves what may be sent to the transport.
    pub(super) fn pump(&mut self, outbox: &mut Outbox) {
        self.ask_to_join(outbox);
        for namespace in &mut self.namespaces {
            namespace.pump(outbox, self.shared.options.in_flight);
        }
    }

    fn ask_to_join(&mut self, outbox: &mut Outbox) {
        let payload = &self.shared.options.auth_payload;
        for namespace in self.namespaces.iter_mut().filter(|namespace| !namespace.asked) {
            namespace.asked = true;
            let json = payload.as_ref().map(Value::to_string).unwrap_or_default();
            outbox.packet(PacketKind::Connect, &namespace.name, None, &json, Vec::new());
        }
    }

    fn broken(&self, broken: Broken) -> End {
        if !self.namespaces[0].joined {
            return End::Failed(crate::fate::unavailable(format!("Cannot connect: {broken}"), broken));
        }
        End::Lost(broken.reason())
    }

    pub(super) fn receive(&mut self, incoming: Incoming, assembly: &mut Assembly, outbox: &mut Outbox) -> Option<End> {
        if is_ping(&incoming) {
            outbox.pong();
            return None;
        }
        let whole = match incoming {
            Incoming::Binary(bytes) if self.shared.options.msgpack => translated(&bytes, assembly),
            Incoming::Binary(bytes) => assembly.binary(bytes),
            Incoming::Text(text) => match engine::decode(&text) {
                Some((PacketType::Message, packet)) if !self.shared.options.msgpack => assembly.text(packet),
                Some((PacketType::Close, _)) => return Some(self.broken(Broken::closed())),
                Some((PacketType::Noop | PacketType::Pong, _)) => return None,
                _ => Err(Malformed),
            },
        };
        match whole {
            Ok(Some(whole)) => self.packet(whole),
            Ok(None) => None,
            Err(_) => Some(self.broken(Broken::protocol("the server broke the protocol"))),
        }
    }

    fn packet(&mut self, whole: Whole) -> Option<End> {
        let name = whole.namespace.as_deref().unwrap_or("/");
        let at = self.namespaces.iter().position(|namespace| *namespace.name == *name)?;
        match (whole.kind, whole.content) {
            (PacketKind::Connect, Content::Json(json)) => self.joined(at, &json),
            (PacketKind::ConnectError, Content::Json(json)) => return self.refused(at, &json),
            (PacketKind::Disconnect, _) => return self.disconnected(at),
            // Nothing else belongs to a namespace that is not joined.
            _ if !self.namespaces[at].joined => {}
            (PacketKind::Event | PacketKind::BinaryEvent, Content::Arguments(arguments)) => {
                self.event(at, whole.id, arguments, whole.attachments);
            }
            (PacketKind::Ack | PacketKind::BinaryAck, Content::Arguments(arguments)) => {
                let call = whole.id.and_then(|id| self.namespaces[at].answered(&id));
                if let Some(InFlight { kind, answer, .. }) = call {
                    let attachments = whole.attachments;
                    let said = crate::command::Answer { arguments: Some(arguments), attachments };
                    self.finish(at, kind, answer, Ok(said));
                }
            }
            _ => {}
        }
        None
    }

    fn joined(&mut self, at: usize, json: &str) {
        if self.namespaces[at].joined {
            return;
        }
        self.namespaces[at].joined = true;
        self.namespaces[at].halted = None;
        if at > 0 {
            return;
        }
        self.attempts = 0;
        let sid = serde_json::from_str::<Value>(json).unwrap_or_default();
        let id: Arc<str> = sid.get("sid").and_then(Value::as_str).unwrap_or_default().into();
        self.shared.set_socket_id(Some(id.clone()));
        self.shared.report(&ConnectionEvent::Connected { id });
        for waiting in self.waiting_for_connection.drain(..) {
            let _ = waiting.send(Ok(()));
        }
        self.re_authenticate();
    }

    fn refused(&mut self, at: usize, json: &str) -> Option<End> {
        let said = received_error(valid_or_null(json));
        let mut error = Error::forbidden(said.message().to_owned());
        if let Some(data) = said.data() {
            error = error.with_data(data.clone());
        }
        let error = fated(error, Fate::NotSent);
        if at == 0 {
            return Some(End::Refused(error));
        }
        self.namespaces[at].fail_waiting(&error, false);
        self.namespaces[at].halted = Some(error);
        None
    }

    fn disconnected(&mut self, at: usize) -> Option<End> {
        if at == 0 {
            return self.namespaces[0].joined.then_some(End::Lost(Reason::ServerDisconnect));
        }
        let reason = Reason::ServerDisconnect.as_str();
        for InFlight { kind, answer, .. } in self.namespaces[at].lost() {
            self.finish(at, kind, answer, Err(InFlight::lost(reason)));
        }
        // Asked for already: the server will not be bothered again.
        self.namespaces[at].asked = true;
        let error = fated(Error::unavailable(format!("Not connected ({reason})")), Fate::NotSent);
        self.namespaces[at].fail_waiting(&error, false);
        self.namespaces[at].halted = Some(error);
        None
    }

    fn event(&self, at: usize, id: Option<AckId>, arguments: Arguments, attachments: Vec<Bytes>) {
        let Some(name) = arguments.event_name() else { return };
        let name = arguments.name(&name).into_owned();
        let namespace = &self.namespaces[at].name;
        self.shared.deliver(namespace, &name, || {
            let reply = id.map(|id| Reply {
                namespace: namespace.clone(),
                asked: Asked { id, connection: self.connection },
                timeout: self.shared.options.timeout,
                commands: self.handle.clone(),
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

fn is_ping(incoming: &Incoming) -> bool {
    matches!(incoming, Incoming::Text(text) if text.as_str() == "2")
}

fn valid_or_null(json: &str) -> Bytes {
    match wingbeat_core::RawJson::parse(json.to_owned()) {
        Ok(raw) => raw.bytes(),
        Err(_) => Bytes::from_static(b"null"),
    }
}
