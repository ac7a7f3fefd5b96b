//! Compressed answers, for clients that accept them.

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http::header::ACCEPT_ENCODING;
use std::io::Write;
use tokio::sync::Semaphore;

/// Whether gzip is among the accepted encodings, and not by a quality of 0.
pub(crate) fn accepts_gzip(request: &HeaderMap) -> bool {
    let accepted = request
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    accepted.into_iter().any(|one| {
        let (name, quality) = one.split_once(';').unwrap_or((one, ""));
        let refused = quality.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0));
        matches!(name.trim(), "gzip" | "*") && !refused
    })
}

/// Compresses at once.
pub(crate) fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// How much is compressed before others have their turn: half a millisecond's work.
const TURN: usize = 8 * 1024;

/// How many long answers are compressed at a time: each takes 300 KB meanwhile.
const AT_ONCE: usize = 32;
static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);

/// Compresses what may be long, on the thread that serves others as well. What is short takes one turn, and so no place.
pub(crate) async fn gzip_in_turns(pieces: &[Bytes]) -> std::io::Result<Vec<u8>> {
    let len: usize = pieces.iter().map(Bytes::len).sum();
    let _place = if len > TURN { PLACES.acquire().await.ok() } else { None };
    let mut encoder = GzEncoder::new(Vec::with_capacity(len / 3), Compression::default());
    for (turn, some) in pieces.iter().flat_map(|piece| piece.chunks(TURN)).enumerate() {
        if turn > 0 {
            tokio::task::yield_now().await;
        }
        encoder.write_all(some)?;
    }
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::io::Read;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    #[tokio::test]
    async fn what_is_short_is_compressed_at_once_and_what_is_long_waits_for_a_place() {
        let places = PLACES.acquire_many(AT_ONCE as u32).await.unwrap();
        let (short, long) = ([Bytes::from(vec![b'x'; TURN])], [Bytes::from(vec![b'x'; TURN + 1])]);
        assert!(gzip_in_turns(&short).now_or_never().is_some());
        let mut waiting = pin!(gzip_in_turns(&long));
        for _ in 0..10 {
            assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        }
        drop(places);
        waiting.await.unwrap();
    }

    #[test]
    fn what_is_long_is_compressed_in_turns() {
        let text: Vec<u8> = (0..500_000u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
        let pieces = [Bytes::copy_from_slice(&text[..1000]), Bytes::copy_from_slice(&text[1000..])];
        let (mut zipping, mut turns) = (pin!(gzip_in_turns(&pieces)), 1);
        let zipped = loop {
            match zipping.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(zipped) => break zipped.unwrap(),
                Poll::Pending => turns += 1,
            }
        };
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&zipped[..]).read_to_end(&mut plain).unwrap();
        assert!(plain == text && turns > text.len() / TURN, "{turns}");
    }
}
