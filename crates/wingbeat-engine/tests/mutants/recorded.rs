//! What clients say in the recordings, and how to damage it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The messages of one connection: first byte of the WebSocket frame, and payload.
pub(crate) type Saying = Vec<(u8, Vec<u8>)>;

/// What every connection of the open recordings says.
pub(crate) fn sayings() -> Vec<Saying> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/open");
    let mut all: BTreeMap<(String, String), Saying> = BTreeMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let (case, conn) = (line["case"].to_string(), line["conn"].to_string());
            if line["dir"] != "c>s" {
                continue;
            }
            let message = match &line["frame"] {
                Value::String(text) => (0x81, text.clone().into_bytes()),
                Value::Object(frame) => match frame.get("binary").and_then(Value::as_str) {
                    Some(binary) => (0x82, STANDARD.decode(binary).unwrap()),
                    None => continue,
                },
                _ => continue,
            };
            all.entry((case, conn)).or_default().push(message);
        }
    }
    all.into_values().collect()
}

/// A frame as clients send it.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
    }
    let mask = [1, 2, 3, 4];
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Numbers that are the same in every run (xorshift).
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    /// Changes, removes, repeats or inserts a few bytes.
    pub(crate) fn damage(&mut self, bytes: &mut Vec<u8>) {
        const TELLING: &[u8] = b"0123456789[]{}\",:-/\\\x00\x1e\x7f\x80\xff";
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            match self.below(5) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = TELLING[self.below(TELLING.len())],
                2 => drop(bytes.drain(at..bytes.len().min(at + 1 + self.0 as usize % 8))),
                3 => bytes.insert(at, TELLING[self.below(TELLING.len())]),
                _ => {
                    let again = bytes[at..bytes.len().min(at + 16)].to_vec();
                    bytes.splice(at..at, again);
                }
            }
        }
    }
}
