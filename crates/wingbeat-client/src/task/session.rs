//! One connection, from the handshake to its end.

use super::received::{decoder, is_ping};
use super::{Stop, Task};
use crate::connection::{ConnectionEvent, Reason};
use crate::transport::{Broken, Handshake, Outbox, Transport};
use serde_json::Value;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use wingbeat_core::Error;
use wingbeat_core::packet::{Assembly, PacketKind};

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

/// How many turns there are before other tasks have theirs. In each, commands are obeyed and the transport is read once.
const TURNS: usize = 8;

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// What has come.
#[derive(Default)]
struct Received {
    any: bool,
    ping: bool,
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
                if received.ping {
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

    /// Writes what can be written, and takes in what one read brings.
    fn take_in(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut Transport,
        outbox: &mut Outbox,
        assembly: &mut Assembly,
    ) -> Result<Received, End> {
        let (mut ping, mut end) = (false, None);
        let polled = transport.poll(cx, outbox, &mut |incoming, outbox| {
            ping |= is_ping(&incoming);
            end = self.receive(incoming, assembly, outbox);
            end.is_none()
        });
        match (end, polled) {
            (Some(end), _) => Err(end),
            (None, Poll::Ready(Err(broken))) => Err(self.broken(broken)),
            (None, polled) => Ok(Received { any: polled.is_ready(), ping }),
        }
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

    pub(super) fn broken(&self, broken: Broken) -> End {
        if !self.namespaces[0].joined {
            return End::Failed(crate::fate::unavailable(format!("Cannot connect: {broken}"), broken));
        }
        End::Lost(broken.reason())
    }
}
