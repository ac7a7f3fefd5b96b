//! Messages that one connection hears: creates on `room`, where only that one is in the room.

use crate::frame::{TEXT, ack, leading_number, write_frame};
use memchr::memmem;
use std::time::Instant;

/// When each message was due, until it is heard and answered.
#[derive(Default)]
pub struct Directs {
    due: Vec<Option<Instant>>,
    heard: usize,
    answered: usize,
    pub bad: u64,
}

impl Directs {
    pub fn send(&mut self, due: Instant, out: &mut Vec<u8>) {
        let n = self.due.len();
        write_frame(out, TEXT, format!(r#"42{n}["create","room",{{"text":"d{n}"}},{{}}]"#).as_bytes());
        self.due.push(Some(due));
    }

    /// Whether an event is one of these.
    pub fn is_one(message: &[u8]) -> bool {
        message.starts_with(b"42[\"room created\",")
    }

    /// When the message was due that is heard now.
    pub fn hear(&mut self, message: &[u8]) -> Option<Instant> {
        let number = memmem::find(message, b"\"text\":\"d").and_then(|at| leading_number(&message[at + 9..]));
        let due = number.and_then(|(n, _)| self.due.get_mut(n as usize)?.take());
        match due {
            Some(_) => self.heard += 1,
            None => self.bad(message),
        }
        due
    }

    /// Takes the answer to a create.
    pub fn answer(&mut self, message: &[u8]) {
        match ack(message) {
            Some((_, body)) if body.starts_with(b"[null,{") => self.answered += 1,
            _ => self.bad(message),
        }
    }

    pub fn waiting(&self) -> usize {
        2 * self.due.len() - self.heard - self.answered
    }

    fn bad(&mut self, message: &[u8]) {
        self.bad += 1;
        if self.bad < 5 {
            eprintln!("unexpected {}", String::from_utf8_lossy(message));
        }
    }
}
