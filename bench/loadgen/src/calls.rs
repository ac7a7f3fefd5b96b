//! Calls and their answers.

use crate::args::usage;
use crate::frame::{TEXT, write_frame};
use serde_json::Value;
use std::io::Write;

/// The calls of one method, and a look at their answers.
pub struct Calls {
    method: Method,
    /// The packet after its ack id, but for what differs from call to call.
    arguments: String,
    text: String,
    packet: Vec<u8>,
    answers: u64,
    pub bad: u64,
}

impl Calls {
    /// `find` sorts all records, and asks a little differently each time. `pad` makes the record of a create that many bytes longer.
    pub fn new(method: &str, service: &str, pad: usize) -> Calls {
        let text = format!("hello from the load generator{}", "x".repeat(pad));
        let (method, arguments) = match method {
            "get" => (Method::Get, format!(r#"["get","{service}","17",{{}}]"#)),
            "create" => (Method::Create, format!(r#"["create","{service}",{{"text":"{text}"}},{{}}]"#)),
            "find" => {
                (Method::Find, format!(r#"["find","{service}",{{"$sort":{{"text":1}},"$skip":90000,"id":{{"$nin":["#))
            }
            other => usage(&format!("no method {other}")),
        };
        Calls { method, arguments, text, packet: Vec::new(), answers: 0, bad: 0 }
    }

    pub fn send(&mut self, id: u64, out: &mut Vec<u8>) {
        write_frame(out, TEXT, self.packet(id));
    }

    /// The packet of one call, without a frame around it.
    pub fn packet(&mut self, id: u64) -> &[u8] {
        self.packet.clear();
        write!(self.packet, "42{id}{}", self.arguments).expect("a Vec takes every write");
        if self.method == Method::Find {
            (0..id % 50).for_each(|n| write!(self.packet, "{n},").expect("a Vec takes every write"));
            self.packet.extend_from_slice(b"-1]}}]");
        }
        &self.packet
    }

    /// Every answer is looked at; the first thousand and then one in 256 whole.
    pub fn accept(&mut self, body: &[u8]) -> bool {
        self.answers += 1;
        body.starts_with(b"[null,{")
            && ((self.answers > 1000 && !self.answers.is_multiple_of(256)) || self.is_right(body))
    }

    pub fn bad(&mut self, message: &[u8]) {
        self.bad += 1;
        if self.bad < 5 {
            eprintln!("bad answer: {}", String::from_utf8_lossy(message));
        }
    }

    fn is_right(&self, body: &[u8]) -> bool {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return false };
        let record = &body[1];
        body[0].is_null()
            && match self.method {
                // A table answers the number that the id is there.
                Method::Get => (record["id"] == "17" || record["id"] == 17) && record["text"] == "hello",
                Method::Create => record["id"].is_u64() && record["text"] == self.text.as_str(),
                Method::Find => record["data"].is_array(),
            }
    }
}

#[derive(PartialEq)]
enum Method {
    Get,
    Create,
    Find,
}

/// The id that the server gave the record of a create.
pub fn record_id(body: &[u8]) -> Option<u64> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body[1]["id"].as_u64()
}
