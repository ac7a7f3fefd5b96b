//! The same two services straight on the engine: what routing, services, hooks and channels cost is the difference.

use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::Context;
use wingbeat::engine::{Answer, Config, Engine, Event, Frame, Handled, Handler, Reason, Socket};
use wingbeat::{RawJson, Result};

pub(crate) fn engine() -> Result<Engine> {
    Engine::new(Config::default(), Bare::default())
}

#[derive(Default)]
struct Bare {
    last: AtomicU64,
    sockets: Mutex<Vec<Socket>>,
}

impl Bare {
    fn answer(&self, event: &Event<'_>) -> Result<Answer> {
        let arg = |index| event.arg(index).unwrap_or(RawJson::NULL);
        if event.name() == "get" {
            let result = json!({"id": arg(1).to::<Value>()?, "text": "hello"});
            return Ok(Answer::result(RawJson::new(&result)?));
        }
        let mut message: Value = arg(1).to()?;
        message["id"] = (self.last.fetch_add(1, Ordering::Relaxed) + 1).into();
        let result = RawJson::new(&message)?;
        if event.arg_str(0) == Some("\"messages\"") {
            let frame = Frame::event("/", "messages created", &[result.as_bytes()]);
            let sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
            sockets.iter().for_each(|socket| socket.send(&frame));
        }
        Ok(Answer::result(result))
    }
}

impl Handler for Bare {
    fn connected(&self, socket: &Socket) {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner).push(socket.clone());
    }

    fn event(&self, _: &Socket, event: Event<'_>, _: &mut Context<'_>) -> Handled {
        Handled::now(self.answer(&event).ok())
    }

    fn disconnect(&self, socket: &Socket, _reason: Reason) {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| other != socket);
    }
}
