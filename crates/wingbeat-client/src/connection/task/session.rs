//! One connection, from the handshake to its end.

use super::received::{decoder, is_ping};
use super::{Stop, Task};
use crate::connection::{ConnectionEvent, Options};
use crate::error::{Error, Problem};
use crate::transport::{Broken, Handshake, Outbox, Reason, Transport, TransportKind};
use serde_json::Value;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use wingbeat_protocol::packet::{Assembly, PacketKind};

/// How a connection ends.
pub(crate) enum SessionEnd {
    /// It was up, and is gone.
    Lost(Reason),
    /// It never came up.
    Failed(Error),
    /// The server does not want this client.
    Refused(Error),
    /// The client does not want it any more.
    Stop(Stop),
}

/// How many turns there are before other tasks have theirs. In each, commands are handled and the transport is read once.
const TURNS: usize = 8;

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// By when the server has to have done what.
struct Watch {
    silence: Duration,
    /// Its next ping.
    heartbeat: Instant,
    /// Its answer to CONNECT, until that is there.
    join: Option<Instant>,
    /// Which transport was reported.
    kind: Option<TransportKind>,
}

impl Watch {
    fn new(silence: Duration, join: Duration) -> Watch {
        let now = Instant::now();
        // Further away than anyone waits, and never too far to be a moment.
        let join = now + join.min(Duration::from_secs(24 * 3600));
        Watch { silence, heartbeat: now + silence, join: Some(join), kind: None }
    }

    fn heard(&mut self) {
        self.heartbeat = Instant::now() + self.silence;
    }

    fn next(&self) -> Instant {
        self.join.map_or(self.heartbeat, |join| join.min(self.heartbeat))
    }
}

impl Task {
    pub(crate) async fn session(&mut self, mut transport: Transport, handshake: &Handshake) -> SessionEnd {
        self.connection += 1;
        let mut outbox = Outbox::new(self.shared.options.msgpack);
        outbox.set_limit(handshake.max_payload());
        self.shared.set_announced(handshake.max_payload());
        let end = self.exchange(&mut transport, &mut outbox, handshake).await;
        let reason = match &end {
            SessionEnd::Lost(reason) => *reason,
            SessionEnd::Stop(_) => Reason::ClientDisconnect,
            SessionEnd::Failed(_) | SessionEnd::Refused(_) => Reason::TransportClose,
        };
        let joined: Vec<_> = self.namespaces.iter().filter(|namespace| namespace.joined).collect();
        if matches!(end, SessionEnd::Stop(_)) && !joined.is_empty() {
            for namespace in &joined {
                // A few bytes, that no server finds too many.
                let _ = outbox.packet(PacketKind::Disconnect, &namespace.name, None, b"", &[]);
            }
            self.shared.report(&ConnectionEvent::Disconnected { reason, will_reconnect: false });
        }
        if matches!(end, SessionEnd::Stop(_)) {
            // The server forgets who says goodbye.
            self.namespaces.iter_mut().for_each(|namespace| namespace.recovery = None);
        }
        self.watch = None;
        self.shared.set_socket(None);
        self.shared.set_transport(None);
        self.lose(reason);
        if !matches!(reason, Reason::TransportClose | Reason::TransportError | Reason::PingTimeout) {
            let _ = timeout(GOODBYE, transport.close(outbox)).await;
        }
        end
    }

    async fn exchange(&mut self, transport: &mut Transport, outbox: &mut Outbox, handshake: &Handshake) -> SessionEnd {
        let mut assembly = decoder(&self.shared.options);
        let mut watch =
            Watch::new(handshake.silence(self.shared.options.ping_timeout), self.shared.options.connect_timeout);
        self.watch_until(watch.next());
        poll_fn(|cx| {
            let mut rests = false;
            for _ in 0..TURNS {
                match self.turn(cx, transport, outbox, &mut assembly, &mut watch) {
                    Ok(done) => rests = done,
                    Err(end) => return Poll::Ready(end),
                }
                // Whoever has to wake us knows it only once everything was found to be waiting.
                if rests {
                    break;
                }
            }
            if self.alarm.as_mut().poll(cx).is_ready() {
                rests = false;
                self.expire();
                if let Some(end) = self.overdue(&watch) {
                    return Poll::Ready(end);
                }
            }
            if !rests {
                // The rest after the others have had their turn.
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await
    }

    /// Does what handles ask for, writes what can be written, and takes in what one read brings. Whether there is
    /// nothing left to do.
    fn turn(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut Transport,
        outbox: &mut Outbox,
        assembly: &mut Assembly,
        watch: &mut Watch,
    ) -> Result<bool, SessionEnd> {
        let filled = self.inbox.poll_filled(cx);
        let stop = match filled {
            Poll::Ready(true) => self.handle_commands(),
            Poll::Ready(false) => Some(Stop::Close),
            Poll::Pending => None,
        };
        if let Some(stop) = stop {
            return Err(SessionEnd::Stop(stop));
        }
        outbox.set_transport(transport.kind());
        self.pump(outbox).map_or(Ok(()), Err)?;
        let (was_joined, mut ping, mut end) = (self.namespaces[0].joined, false, None);
        let polled = transport.poll(cx, outbox, &mut |incoming, outbox| {
            ping |= is_ping(&incoming);
            end = self.receive(incoming, assembly, outbox);
            end.is_none()
        });
        if let Some(end) = end {
            return Err(end);
        }
        if let Poll::Ready(Err(broken)) = polled {
            return Err(self.broken(broken));
        }
        if ping {
            watch.heard();
        }
        if !was_joined && self.namespaces[0].joined {
            watch.join = None;
        }
        self.watch = Some(watch.next());
        if watch.kind != Some(transport.kind()) {
            watch.kind = Some(transport.kind());
            self.shared.set_transport(watch.kind);
        }
        Ok(filled.is_pending() && polled.is_pending())
    }

    fn overdue(&self, watch: &Watch) -> Option<SessionEnd> {
        let now = Instant::now();
        if watch.heartbeat <= now {
            return Some(self.broken(Broken::silent()));
        }
        watch.join.filter(|join| *join <= now)?;
        let message = "Cannot connect: the server does not answer CONNECT";
        Some(SessionEnd::Failed(Error::NotConnected(
            Problem::new(message).with_source(Broken::timeout(self.shared.options.connect_timeout)),
        )))
    }

    /// Moves what may be sent to the transport.
    pub(super) fn pump(&mut self, outbox: &mut Outbox) -> Option<SessionEnd> {
        if let Some(end) = self.ask_to_join(outbox) {
            return Some(end);
        }
        let gate_is_open = !self.login.is_running();
        for at in 0..self.namespaces.len() {
            let refused = self.namespaces[at].pump(outbox, self.shared.options.in_flight, gate_is_open);
            for (outbound, error) in refused {
                self.finish(at, outbound, Err(error));
            }
        }
        None
    }

    fn ask_to_join(&mut self, outbox: &mut Outbox) -> Option<SessionEnd> {
        let Options { auth_payload, recovery, .. } = &self.shared.options;
        for (at, namespace) in self.namespaces.iter_mut().enumerate().filter(|(_, namespace)| !namespace.asked) {
            namespace.asked = true;
            // The settings of the last connection no longer count.
            namespace.halted = None;
            let before = namespace.recovery.as_ref().filter(|_| *recovery);
            let payload = before.map(|before| before.add_to(auth_payload.as_ref()));
            let json = payload.as_ref().or(auth_payload.as_ref()).map(Value::to_string).unwrap_or_default();
            let asked = outbox.packet(PacketKind::Connect, &namespace.name, None, json.as_bytes(), &[]);
            let Err(refused) = asked else { continue };
            let error = Error::from(refused);
            if at == 0 {
                return Some(SessionEnd::Refused(error));
            }
            namespace.fail_waiting(&error, false);
            namespace.halted = Some(error);
        }
        None
    }

    pub(super) fn broken(&self, broken: Broken) -> SessionEnd {
        if !self.namespaces[0].joined {
            // Servers that cannot read what they are sent say nothing at all.
            let (own, other) =
                if self.shared.options.msgpack { ("MessagePack", "JSON") } else { ("JSON", "MessagePack") };
            let hint = format!("after the handshake: if the server speaks {other} and not {own}, see Builder::msgpack");
            return SessionEnd::Failed(Error::NotConnected(
                Problem::new(format!("Cannot connect: {broken} ({hint})")).with_source(broken),
            ));
        }
        SessionEnd::Lost(broken.reason())
    }
}
