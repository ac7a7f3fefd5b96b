//! Joining namespaces and leaving them.

use super::calls::{Call, Outcome, Work, guarded};
use super::client::Client;
use super::end::SessionEnd;
use crate::outbox::WriteBuffer;
use crate::{Reason, Refusal, Socket};
use bytes::Bytes;
use std::task::Context;
use wingbeat_core::RawJson;
use wingbeat_protocol::packet::{Opcode, Packet, write_header};

impl Client {
    /// Where the socket of a namespace is that was joined.
    pub(super) fn joined(&self, namespace: &str) -> Result<usize, SessionEnd> {
        let at = self.sockets.iter().position(|socket| socket.namespace() == namespace && !socket.is_joining());
        at.ok_or(SessionEnd::close(Reason::ForcedServerClose))
    }

    pub(super) fn connect(
        &mut self,
        packet: Packet<'_>,
        out: &mut WriteBuffer,
        cx: &mut Context<'_>,
    ) -> Result<(), SessionEnd> {
        let auth = match packet.json {
            "" => None,
            json => {
                let auth = RawJson::parse(Bytes::copy_from_slice(json.as_bytes())).ok();
                let object = auth.filter(|auth| auth.as_bytes().trim_ascii_start().starts_with(b"{"));
                Some(object.ok_or(SessionEnd::close(Reason::ForcedClose))?)
            }
        };
        if self.sockets.iter().any(|socket| socket.namespace() == packet.namespace) {
            return Err(SessionEnd::close(Reason::ForcedServerClose));
        }
        // It runs as much of the application as an event does.
        self.budget.call();
        let engine = self.handle.engine.clone();
        if self.sockets.len() >= engine.config.max_namespaces {
            return Err(SessionEnd::close(Reason::ForcedServerClose));
        }
        if guarded(|| engine.handler.namespace(packet.namespace)) != Some(true) {
            let why = br#"{"message":"Invalid namespace"}"#;
            self.put(out, why.len(), |bytes| connect_error(bytes, packet.namespace, why));
            return Ok(());
        }
        let namespace = if packet.namespace == "/" { engine.main.clone() } else { packet.namespace.into() };
        let socket = Socket::new(self.handle.clone(), namespace, auth.clone());
        self.sockets.push(socket.clone());
        let Some(future) = guarded(|| engine.handler.connect(&socket, auth)) else {
            return self.finish(socket, Outcome::Joined(Err(Refusal::new("Internal error"))), out);
        };
        self.start(Call { socket, work: Work::Join(future) }, out, cx)
    }

    /// Removes the sockets that were told to leave.
    pub(super) fn remove_leaving(&mut self, out: &mut WriteBuffer) {
        while let Some(at) = self.sockets.iter().position(Socket::is_turned_away) {
            let socket = self.sockets.remove(at);
            self.put(out, 0, |bytes| write_packet(bytes, b"41", socket.namespace(), b""));
            self.part(&socket, Reason::ServerNamespaceDisconnect);
        }
        // One of them may have joined in this turn.
        self.announce();
        while let Some(at) = self.sockets.iter().position(Socket::is_leaving) {
            let socket = self.sockets.remove(at);
            self.part(&socket, Reason::ServerNamespaceDisconnect);
        }
    }

    /// The server ends the session: tells every namespace.
    pub(super) fn say_goodbye(&self, out: &mut WriteBuffer) {
        for socket in self.sockets.iter().filter(|socket| socket.is_connected()) {
            self.put(out, 0, |bytes| write_packet(bytes, b"41", socket.namespace(), b""));
        }
    }

    /// The session is over. Sockets are notified once; running calls finish without it.
    pub(super) fn end(&mut self, reason: Reason) {
        self.announce();
        self.handle.outbox.close();
        for socket in std::mem::take(&mut self.sockets) {
            // One that was told to leave has left, whatever came first.
            let reason = if socket.is_leaving() { Reason::ServerNamespaceDisconnect } else { reason };
            self.part(&socket, reason);
        }
        self.running.outlive(&self.handle.engine);
        while self.backlog.pop().is_some() {}
        self.binary = None;
    }

    pub(super) fn part(&self, socket: &Socket, reason: Reason) {
        if socket.leave() {
            guarded(|| self.handle.engine.handler.disconnect(socket, reason));
        }
        socket.ended();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::TransportState;
    use crate::{Config, Engine, Event, Handled, Handler, Handshake};
    use std::sync::{Arc, Mutex};

    /// Notes what it is told.
    struct Noting(Arc<Mutex<Vec<&'static str>>>);

    impl Handler for Noting {
        fn connected(&self, _: &Socket) {
            self.0.lock().unwrap().push("connected");
        }

        fn event(&self, _: &Socket, _: Event<'_>, _: &mut Context<'_>) -> Handled {
            Handled::now(None)
        }

        fn disconnect(&self, _: &Socket, _: Reason) {
            self.0.lock().unwrap().push("disconnect");
        }
    }

    #[test]
    fn who_has_to_leave_at_once_has_been_there() {
        let told = Arc::default();
        let engine = Engine::new(Config::default(), Noting(Arc::clone(&told))).unwrap();
        let request = http::Request::new(()).into_parts().0;
        let handle = engine.0.register(Handshake::new(&request, &engine.0.config), TransportState::Polling).unwrap();
        let socket = Socket::new(handle.clone(), "/".into(), None);
        let mut client = Client::new(handle);
        client.sockets.push(socket.clone());
        client.finish(socket.clone(), Outcome::Joined(Ok(())), &mut WriteBuffer::default()).unwrap();
        socket.disconnect(false);
        client.remove_leaving(&mut WriteBuffer::default());
        assert_eq!(*told.lock().unwrap(), ["connected", "disconnect"]);
    }
}
