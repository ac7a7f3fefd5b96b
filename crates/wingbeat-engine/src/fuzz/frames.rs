//! The frame codec.

use crate::ws::{Fragments, Item, Sender, next_item};

const MAX: usize = 1024;

/// Reads a stream of frames in one piece and in small ones: it must mean the same. The first byte says how small they
/// are, and whether a client or a server is the sender.
pub fn frames(data: &[u8]) {
    let [first, stream @ ..] = data else { return };
    let from = if first & 0x80 == 0 { Sender::Client } else { Sender::Server };
    let whole = read(from, stream, stream.len().max(1));
    let pieces = read(from, stream, usize::from(first % 32) + 1);
    assert_eq!(whole, pieces);
    let bytes: usize = whole.iter().map(Vec::len).sum();
    assert!(bytes <= 2 * (stream.len() + whole.len()), "more came out than went in");
}

/// What is understood, as texts to compare.
fn read(from: Sender, stream: &[u8], cut: usize) -> Vec<Vec<u8>> {
    let (mut fragments, mut kept, mut seen) = (Fragments::default(), Vec::new(), Vec::new());
    for piece in stream.chunks(cut) {
        kept.extend_from_slice(piece);
        let mut at = 0;
        loop {
            match next_item(from, &mut fragments, &mut kept[at..], MAX) {
                Ok(None) => break,
                Ok(Some((used, item))) => {
                    at += used;
                    seen.push(match item {
                        Item::Text(text) => [b"t", text.as_bytes()].concat(),
                        Item::Binary(bytes) => [b"b", &bytes[..]].concat(),
                        Item::Ping(bytes) => [b"p", bytes].concat(),
                        Item::Close(code) => format!("{code:?}").into_bytes(),
                        Item::Nothing => continue,
                    });
                    assert!(seen.last().is_some_and(|seen| seen.len() <= MAX + 1), "the limit does not hold");
                }
                Err(violation) => {
                    seen.push(violation.code().to_be_bytes().to_vec());
                    return seen;
                }
            }
        }
        kept.drain(..at);
    }
    seen
}
