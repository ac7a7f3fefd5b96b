//! Creates on `messages`, which everybody must hear once and in order.

use crate::frame::{TEXT, ack, leading_number, write_frame};
use crate::phases::PATIENCE;
use crate::report::Latencies;
use memchr::memmem::Finder;
use std::collections::VecDeque;
use std::io::{Error, Result};
use std::time::Instant;

/// What has been sent, and who has heard what.
pub struct Creates {
    pad: String,
    /// How many have been sent; each one's text is `m` and its number.
    pub sent: u64,
    acked: u64,
    /// Those not delivered everywhere, oldest first.
    unfinished: VecDeque<Create>,
    /// The number that each connection must hear next.
    expected: Vec<u64>,
    pub latencies: Latencies,
    pub bad: u64,
    text: Finder<'static>,
}

struct Create {
    at: Instant,
    deliveries_left: usize,
}

impl Creates {
    /// The last of the connections is the sender.
    pub fn new(connections: usize, pad: &str) -> Result<Creates> {
        Ok(Creates {
            pad: pad.to_owned(),
            sent: 0,
            acked: 0,
            unfinished: VecDeque::new(),
            expected: vec![0; connections],
            latencies: Latencies::new()?,
            bad: 0,
            text: Finder::new(b"\"text\":\"m"),
        })
    }

    pub fn send(&mut self, at: Instant, out: &mut Vec<u8>) {
        let (n, pad) = (self.sent, &self.pad);
        let packet = format!(r#"42{n}["create","messages",{{"text":"m{n}","pad":"{pad}"}},{{}}]"#);
        write_frame(out, TEXT, packet.as_bytes());
        self.unfinished.push_back(Create { at, deliveries_left: self.expected.len() });
        self.sent += 1;
    }

    /// Takes what connection `i` heard; a delivery is counted while `counting`.
    pub fn hear(&mut self, i: usize, message: &[u8], at: Instant, counting: bool) {
        if !message.starts_with(b"42[\"messages created\",") {
            let is_sender = i + 1 == self.expected.len();
            match ack(message) {
                Some((_, body)) if is_sender && body.starts_with(b"[null,{") => self.acked += 1,
                _ => self.bad(&format!("unexpected {}", String::from_utf8_lossy(message))),
            }
            return;
        }
        let expected = self.expected[i];
        let heard = self.number(message);
        let first = self.sent - self.unfinished.len() as u64;
        // What nobody has sent yet, or all have heard, can be expected of nobody.
        let create = self.unfinished.get_mut(expected.wrapping_sub(first) as usize);
        let Some(create) = create.filter(|_| heard == Some(expected)) else {
            self.bad(&format!("connection {i}: expected m{expected}, got {heard:?}"));
            return;
        };
        create.deliveries_left -= 1;
        self.expected[i] += 1;
        if counting {
            self.latencies.record(at.saturating_duration_since(create.at));
        }
    }

    /// The number of the create that an event is about.
    fn number(&self, event: &[u8]) -> Option<u64> {
        let needle = self.text.needle().len();
        let at = self.text.find(event)? + needle;
        leading_number(&event[at..]).map(|(number, _)| number)
    }

    /// Forgets what everybody has heard.
    pub fn finish(&mut self) {
        while self.unfinished.front().is_some_and(|create| create.deliveries_left == 0) {
            self.unfinished.pop_front();
        }
    }

    /// How many are on their way.
    pub fn unfinished(&self) -> usize {
        self.unfinished.len()
    }

    pub fn all_done(&self) -> bool {
        self.unfinished.is_empty() && self.acked == self.sent
    }

    pub fn missing(&self) -> Error {
        let deliveries: usize = self.unfinished.iter().map(|create| create.deliveries_left).sum();
        let (creates, acks) = (self.unfinished.len(), self.sent - self.acked);
        let patience = PATIENCE.as_secs();
        Error::other(format!("{deliveries} deliveries of {creates} creates and {acks} acks missing after {patience} s"))
    }

    fn bad(&mut self, why: &str) {
        self.bad += 1;
        if self.bad < 5 {
            eprintln!("{why}");
        }
    }
}
