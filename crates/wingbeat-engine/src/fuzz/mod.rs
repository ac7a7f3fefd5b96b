//! What the fuzzers in `fuzz/` call. `make test` calls the same with the inputs that they have found.
#![allow(missing_docs, reason = "nothing of this is part of the library")]

mod frames;
mod packets;
mod requests;
mod session;

pub use frames::frames;
pub use packets::{msgpack, packet, payload};
pub use requests::request;
pub use session::session;

use crate::{Answer, Config, Engine, Event, Handled, Handler, Reason, Socket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;
use std::time::Duration;
use wingbeat_core::RawJson;

/// Echoes what it receives, after it has read all of it; one event is never answered, one ends the session.
#[derive(Default)]
struct Echo {
    connected: AtomicUsize,
    disconnected: AtomicUsize,
}

impl Handler for Arc<Echo> {
    fn namespace(&self, name: &str) -> bool {
        name.len() < 4
    }

    fn connected(&self, _: &Socket) {
        self.connected.fetch_add(1, Ordering::SeqCst);
    }

    fn event(&self, socket: &Socket, event: Event<'_>, _: &mut Context<'_>) -> Handled {
        let args: Vec<RawJson> = event.args().collect();
        for arg in &args {
            // An error is as good.
            drop(arg.to::<serde_json::Value>().and_then(|value| RawJson::new(&value)));
        }
        match event.name() {
            "n" => return Handled::later(std::future::pending()),
            "c" => socket.disconnect(true),
            "l" => socket.disconnect(false),
            "e" => socket.emit("e", &args),
            _ => {}
        }
        Handled::now(Some(Answer::args(&args)))
    }

    fn disconnect(&self, _: &Socket, _: Reason) {
        self.disconnected.fetch_add(1, Ordering::SeqCst);
    }
}

/// A server with limits that an input of a few hundred bytes can reach.
fn server(msgpack: bool) -> (Engine, Arc<Echo>) {
    let echo = Arc::new(Echo::default());
    let second = Duration::from_secs(1);
    let config = Config::default().max_http_buffer_size(2048).outbox_limit(4096).max_running_calls(2).max_args(4);
    let config = config.max_attachments(2).max_namespaces(2).msgpack(msgpack).http_compression(Some(64));
    let config = config.ping_interval(second).ping_timeout(second).connect_timeout(second).upgrade_timeout(second);
    (Engine::new(config, echo.clone()).expect("the options can be what they say"), echo)
}

/// Runs a future on a clock that is paused: what waits for time has it at once.
fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(future)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    fn replay(target: &str, run: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let mut inputs = 0;
        for file in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            run(&std::fs::read(file.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs > 5, "{target} has no corpus");
    }

    #[test]
    fn inputs_of_the_fuzzers_do_no_harm() {
        replay("frames", super::frames);
        replay("payload", super::payload);
        replay("packet", super::packet);
        replay("msgpack", super::msgpack);
        replay("request", super::request);
        replay("session", super::session);
    }
}
