//! Joining namespaces and leaving them.

use super::calls::{Call, Outcome, Work, guarded};
use super::client::Client;
use super::end::End;
use crate::out::Out;
use crate::{Reason, Refusal, Socket};
use bytes::Bytes;
use std::task::Context;
use wingbeat_core::RawJson;
use wingbeat_core::packet::{Opcode, Packet, write_header};

impl Client {
    /// Where the socket of a namespace is that was joined.
    pub(super) fn joined(&self, namespace: &str) -> Result<usize, End> {
        let at = self.sockets.iter().position(|socket| socket.namespace() == namespace && !socket.is_joining());
        at.ok_or(End::close(Reason::ForcedServerClose))
    }

    pub(super) fn connect(&mut self, packet: Packet<'_>, out: &mut Out, cx: &mut Context<'_>) -> Result<(), End> {
        let auth = match packet.json {
            "" => None,
            json => {
                let auth = RawJson::parse(Bytes::copy_from_slice(json.as_bytes())).ok();
                let object = auth.filter(|auth| auth.as_bytes().trim_ascii_start().starts_with(b"{"));
                Some(object.ok_or(End::close(Reason::ForcedClose))?)
            }
        };
        if self.sockets.iter().any(|socket| socket.namespace() == packet.namespace) {
            return Err(End::close(Reason::ForcedServerClose));
        }
        // It runs as much of the application as an event does.
        self.allowance.call();
        let engine = self.link.engine.clone();
        if self.sockets.len() >= engine.config.max_namespaces {
            return Err(End::close(Reason::ForcedServerClose));
        }
        if guarded(|| engine.handler.namespace(packet.namespace)) != Some(true) {
            let why = br#"{"message":"Invalid namespace"}"#;
            self.put(out, why.len(), |bytes| connect_error(bytes, packet.namespace, why));
            return Ok(());
        }
        let namespace = if packet.namespace == "/" { engine.main.clone() } else { packet.namespace.into() };
        let socket = Socket::new(self.link.clone(), namespace, auth.clone());
        self.sockets.push(socket.clone());
        let Some(future) = guarded(|| engine.handler.connect(&socket, auth)) else {
            return self.finish(socket, Outcome::Joined(Err(Refusal::new("Internal error"))), out);
        };
        self.start(Call { socket, work: Work::Join(future) }, out, cx)
    }

    /// Removes the sockets that were told to leave.
    pub(super) fn remove_leaving(&mut self) {
        while let Some(at) = self.sockets.iter().position(Socket::is_leaving) {
            let socket = self.sockets.remove(at);
            self.part(&socket, Reason::ServerNamespaceDisconnect);
        }
    }

    /// The server ends the session: every namespace is told.
    pub(super) fn say_goodbye(&self, out: &mut Out) {
        for socket in self.sockets.iter().filter(|socket| socket.is_connected()) {
            self.put(out, 0, |bytes| write_packet(bytes, b"41", socket.namespace(), b""));
        }
    }

    /// The session is over. Sockets are told once; running calls finish without it.
    pub(super) fn end(&mut self, reason: Reason) {
        self.announce();
        self.link.outbox.close();
        for socket in std::mem::take(&mut self.sockets) {
            self.part(&socket, reason);
        }
        self.running.outlive(&self.link.engine);
        while self.backlog.pop().is_some() {}
        self.binary = None;
    }

    pub(super) fn part(&self, socket: &Socket, reason: Reason) {
        if socket.leave() {
            guarded(|| self.link.engine.handler.disconnect(socket, reason));
        }
    }
}

pub(super) fn connect_error(out: &mut Vec<u8>, namespace: &str, json: &[u8]) {
    write_packet(out, b"44", namespace, json);
}

pub(super) fn write_packet(out: &mut Vec<u8>, kind: &[u8], namespace: &str, json: &[u8]) {
    let name = if namespace == "/" { "" } else { namespace };
    let comma = &b","[..usize::from(!name.is_empty())];
    write_header(out, Opcode::Text, kind.len() + name.len() + comma.len() + json.len());
    for piece in [kind, name.as_bytes(), comma, json] {
        out.extend_from_slice(piece);
    }
}
