//! Orders: what every node has to do, such as logging a user out. Unlike events none may be missing, so they are numbered,
//! kept for an hour by who has sent them, and asked for again.

use super::message::Message;
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// For how long they are kept, and how many.
const KEPT_FOR: Duration = Duration::from_secs(3600);
const KEPT: usize = 10_000;

/// The orders that this node has sent.
#[derive(Default)]
pub(super) struct SentOrders {
    last: u64,
    kept: VecDeque<(u64, Instant, Bytes)>,
}

impl SentOrders {
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Numbers an order, and keeps it.
    pub(super) fn add(&mut self, message: impl FnOnce(u64) -> Message, sender: u64) -> Bytes {
        let now = Instant::now();
        self.last += 1;
        let bytes = message(self.last).encode(sender);
        while self.kept.len() >= KEPT || self.kept.front().is_some_and(|(_, at, _)| now - *at > KEPT_FOR) {
            self.kept.pop_front();
        }
        self.kept.push_back((self.last, now, bytes.clone()));
        bytes
    }

    /// Those after a number that were sent within some time. Nothing if some of them are not kept any more.
    pub(super) fn after(&self, number: u64, within: Duration) -> Option<Vec<Bytes>> {
        let now = Instant::now();
        let is_meant = |(of, at, _): &&(u64, Instant, Bytes)| *of > number && now - *at <= within;
        let found: Vec<Bytes> = self.kept.iter().filter(is_meant).map(|(_, _, bytes)| bytes.clone()).collect();
        // What is not kept was sent before all that is. Whether it was within the time is known by the oldest.
        let oldest = self.kept.front().map_or((self.last + 1, now), |(number, at, _)| (*number, *at));
        let is_whole =
            oldest.0 <= number + 1 || now - oldest.1 > within || (self.kept.is_empty() && within <= KEPT_FOR);
        is_whole.then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wingbeat_core::RawJson;

    fn add(sent: &mut SentOrders) -> Bytes {
        sent.add(|number| Message::Order { number, name: "a".into(), data: RawJson::NULL }, 1)
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_missed_is_found_as_long_as_it_is_kept() {
        let mut sent = SentOrders::default();
        assert_eq!(sent.after(0, Duration::from_secs(60)), Some(vec![]));
        let (first, second) = (add(&mut sent), add(&mut sent));
        assert_eq!(sent.after(0, Duration::from_secs(60)), Some(vec![first, second.clone()]));
        assert_eq!(sent.after(1, Duration::from_secs(60)), Some(vec![second]));
        assert_eq!(sent.after(2, Duration::from_secs(60)), Some(vec![]));
        tokio::time::advance(Duration::from_secs(120)).await;
        assert_eq!(sent.after(0, Duration::from_secs(60)), Some(vec![]));
        tokio::time::advance(KEPT_FOR).await;
        let third = add(&mut sent);
        assert_eq!(sent.after(2, Duration::from_secs(60)), Some(vec![third.clone()]));
        assert_eq!(sent.after(0, Duration::from_secs(7200)), None, "the first two are not known any more");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_kept_than_a_number() {
        let mut sent = SentOrders::default();
        (0..KEPT + 5).for_each(|_| drop(add(&mut sent)));
        assert_eq!(sent.after(0, Duration::from_secs(60)), None);
        assert_eq!(sent.after(5, Duration::from_secs(60)).map(|found| found.len()), Some(KEPT));
    }
}
