//! A client, as channels know it.

use crate::realtime::{Batch, Connection, Headers, Message, Peer};
use std::net::IpAddr;
use wingbeat_core::{Error, RawJson, Result};
use wingbeat_engine::WeakSocket;
use wingbeat_protocol::LogThrottle;

/// The socket keeps its connection, so the connection must not keep the socket.
pub(super) struct Client(pub(super) WeakSocket);

impl Peer for Client {
    fn deliver(&self, message: &Message) {
        let Some(socket) = self.0.upgrade() else { return };
        match sendable(message.data(), socket.max_attachments()) {
            Ok(()) if socket.is_recoverable() => socket.send_shared(message.numbered_packet()),
            Ok(()) => socket.send_shared(message.packet()),
            Err(error) => {
                static UNSENT: LogThrottle = LogThrottle::new();
                if let Some(times) = UNSENT.happened_as(&message.name()) {
                    tracing::error!(?error, event = message.name(), times, "an event could not be sent");
                }
            }
        }
    }

    fn deliver_all(&self, batch: &Batch) {
        let Some(socket) = self.0.upgrade() else { return };
        match if socket.is_recoverable() { batch.numbered_packet() } else { batch.packet() } {
            Some(frame) => socket.send_shared(frame),
            None => batch.messages().iter().for_each(|message| self.deliver(message)),
        }
    }

    fn disconnect(&self, _: &Connection) {
        if let Some(socket) = self.0.upgrade() {
            socket.disconnect(false);
        }
    }

    fn break_off(&self, _: &Connection) {
        if let Some(socket) = self.0.upgrade() {
            socket.break_off();
        }
    }

    fn is_recoverable(&self) -> bool {
        self.0.upgrade().is_some_and(|socket| socket.is_recoverable())
    }

    fn headers(&self) -> Option<&Headers> {
        Some(self.0.handshake().headers())
    }

    fn address(&self) -> Option<IpAddr> {
        Some(self.0.handshake().address().ip()).filter(|address| !address.is_unspecified())
    }
}

/// More attachments than clients accept would end their connections.
pub(super) fn sendable(value: &RawJson, most: usize) -> Result<()> {
    match value.attachments().len() {
        count if count > most => {
            Err(Error::general(format!("Too many attachments: there are {count}, and one packet may have {most}")))
        }
        _ => Ok(()),
    }
}
