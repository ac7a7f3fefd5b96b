//! An entry for fuzzing: a session with a server that sends anything at all, without sockets.

use super::Task;
use super::received::decoder;
use crate::Client;
use crate::connection::{ConnectionHandle, Event, Kind, Outcome, PendingCall, Queue, Unsent};
use crate::transport::{Body, Frames, Handshake, Incoming, Outbox, ReadOutcome, Reason};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

/// What may wait for one listener here.
const UNREAD: usize = 8;

/// The longest message of a WebSocket.
const MAX_PAYLOAD: usize = 2048;

/// Plays a session with a server that sends what these bytes say: first whether it speaks MessagePack, then messages,
/// each with its kind (text, binary, a body of long-polling, a handshake, bytes of a WebSocket) and its length in front.
///
/// # Panics
/// If a call has no outcome in the end, or more waits than may: that is what it is for.
pub fn hostile_session(data: &[u8]) {
    let Some((&first, mut rest)) = data.split_first() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime without I/O needs nothing that could be missing");
    let _inside = runtime.enter();
    let builder = Client::builder("http://localhost").msgpack(first & 1 == 1).listener_limits(UNREAD, 1 << 20);
    let options = builder.into_options().expect("these options are right");
    let mut session = Session::new(&ConnectionHandle::alone(options));
    while let Some((&[kind, low, high], after)) = rest.split_first_chunk::<3>() {
        let (content, after) = after.split_at(usize::from(u16::from_le_bytes([low, high])).min(after.len()));
        rest = after;
        if !session.message(kind, content) {
            break;
        }
    }
    session.end();
}

struct Session {
    task: Task,
    outbox: Outbox,
    frames: Frames,
    assembly: wingbeat_protocol::packet::Assembly,
    calls: Vec<Outcome>,
    listeners: Vec<Arc<Queue<Event>>>,
}

impl Session {
    fn new(connection: &ConnectionHandle) -> Session {
        let shared = connection.shared();
        let namespace = shared.options.namespace.clone();
        let listeners = vec![shared.listen(&namespace, Some("a")), shared.listen(&namespace, None)];
        let (outbox, assembly) = (Outbox::new(shared.options.msgpack), decoder(&shared.options));
        let task = Task::new(shared.clone(), connection.downgrade());
        let mut session = Session { task, outbox, frames: Frames::default(), assembly, calls: Vec::new(), listeners };
        for kind in [Kind::Login, Kind::Call, Kind::Direct, Kind::Call, Kind::Logout] {
            let packet = Unsent { json: br#"["x",{}]"#.to_vec(), attachments: None };
            let pending = PendingCall::new(kind, &packet, Duration::from_secs(60));
            session.calls.extend(pending.submit(packet, connection.clone()));
            session.handle_commands();
        }
        session
    }

    /// Does what handles have asked for.
    fn handle_commands(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        if self.task.inbox.poll_filled(&mut cx).is_ready() {
            let _ = self.task.handle_commands();
        }
    }

    /// Takes one message in. Whether the session goes on.
    fn message(&mut self, kind: u8, content: &[u8]) -> bool {
        let text = || String::from_utf8_lossy(content).into_owned();
        match kind % 5 {
            0 => self.packet(Incoming::Text(&text())),
            1 => self.packet(Incoming::Binary(content.to_vec().into())),
            2 => {
                let (mut body, mut goes_on) = (Body::new(text()), true);
                let read = body.hand_over(|incoming| {
                    goes_on = self.packet(incoming);
                    goes_on
                });
                goes_on && read.is_ok()
            }
            3 => {
                drop(Handshake::parse(&text()));
                true
            }
            _ => {
                let (mut frames, mut goes_on) = (std::mem::take(&mut self.frames), true);
                let read = frames.hand_over(&mut content.to_vec(), MAX_PAYLOAD, |incoming| {
                    goes_on = self.packet(incoming);
                    goes_on
                });
                self.frames = frames;
                goes_on && matches!(read, Ok(ReadOutcome::Packets))
            }
        }
    }

    fn packet(&mut self, incoming: Incoming<'_>) -> bool {
        let goes_on = self.task.receive(incoming, &mut self.assembly, &mut self.outbox).is_none();
        let goes_on = self.task.pump(&mut self.outbox).is_none() && goes_on;
        // The server reads nothing of what we send.
        assert!(self.outbox.bytes() < 128 * 1024, "what is written is bounded");
        assert!(self.listeners.iter().all(|queue| queue.len() <= UNREAD), "what is heard is bounded");
        goes_on
    }

    fn end(mut self) {
        self.task.lose(Reason::TransportClose);
        self.task.halt(&crate::Error::Closed);
        for mut call in self.calls {
            let outcome = Pin::new(&mut call).poll(&mut Context::from_waker(Waker::noop()));
            assert!(outcome.is_ready(), "every call has an outcome");
            drop(outcome.map(|outcome| outcome.and_then(|answer| answer.read::<serde_json::Value>())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(kind: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&(content.len() as u16).to_le_bytes());
        bytes.extend_from_slice(content);
        bytes
    }

    fn session(msgpack: u8, messages: &[Vec<u8>]) {
        hostile_session(&[&[msgpack][..], &messages.concat()].concat());
    }

    #[test]
    fn what_the_fuzzer_has_found_does_no_harm() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/client");
        let inputs = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
        assert!(inputs.inspect(|input| hostile_session(input)).count() > 5);
    }

    fn nearly() -> impl Strategy<Value = Vec<u8>> {
        let packet = "[0-6]{1,2}[0-9]{0,2}(-|/x,)?[0-9]{0,3}(\\[(null|1|-?[0-9][.e]0|\"a\"|\"\\\\ud83d\"|\\{\\}|,|\\{\"_placeholder\":true,\"num\":0\\}){0,6}\\]?)?";
        let joined = "40\\{\"sid\":\"aaaaaaaaaaaaaaaaaaaa\"(,\"pid\":\"([ab]|a{5}[ab]{15})\")?\\}";
        prop_oneof![
            4 => packet.prop_map(|text| message(0, text.as_bytes())),
            2 => joined.prop_map(|text| message(0, text.as_bytes())),
            1 => (0u8..5, prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(kind, bytes)| message(kind, &bytes)),
            2 => (prop::sample::select(vec![0x81u8, 0x01, 0x80, 0x89, 0x88, 0xc1]), "4?[0-6]{1,2}(\\[\"a\"\\])?").prop_map(|(first, text)| {
                message(4, &[&[first, text.len() as u8], text.as_bytes()].concat())
            }),
            1 => "(4?[0-6]\\[?\"?a?\"?\\]?\u{1e}?|b[A-Za-z0-9+/=]{0,8}\u{1e}){0,6}".prop_map(|text| message(2, text.as_bytes())),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn whatever_a_server_sends_nothing_grows_and_every_call_ends(
            msgpack in 0u8..2,
            messages in prop::collection::vec(nearly(), 0..40),
        ) {
            session(msgpack, &messages);
        }
    }

    #[test]
    fn a_flood_of_questions_events_and_pings_is_bounded() {
        let joined = message(0, br#"40{"sid":"x"}"#);
        for flood in [&b"2"[..], br#"42["a",1]"#, br#"427["a",1]"#, br#"430[null,{"accessToken":"t"}]"#, b"6"] {
            let mut messages = vec![joined.clone()];
            messages.resize(5000, message(0, flood));
            session(0, &messages);
        }
    }
}
