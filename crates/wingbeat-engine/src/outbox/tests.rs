use super::*;
use wingbeat_protocol::packet::Frame;

fn frame(text: &str) -> Bytes {
    Frame::text(&[text.as_bytes()]).into_bytes()
}

fn shared(text: &str) -> SharedFrame {
    SharedFrame::new(Frame::text(&[text.as_bytes()]))
}

/// An outbox with what it needs around it.
struct Waiting {
    outbox: Outbox,
    segments: Segments,
    ledger: Arc<Ledger>,
}

impl Waiting {
    fn new() -> Waiting {
        Waiting { outbox: Outbox::new(), segments: Segments::new(), ledger: Ledger::new(usize::MAX) }
    }

    fn push(&self, bytes: Bytes, limit: usize) -> Pushed {
        self.outbox.push(bytes, limit, &self.ledger)
    }

    fn share(&self, frame: &SharedFrame) -> Pushed {
        self.outbox.push_shared(frame.encoding(false), &self.segments, &self.ledger)
    }

    /// All that waits, and nothing does any more.
    fn all(&self) -> Vec<Bytes> {
        let mut all = Vec::new();
        self.outbox.take(usize::MAX, true, &self.ledger, |bytes| all.push(bytes));
        all
    }
}

#[test]
fn frames_of_all_kinds_keep_their_order_and_are_counted() {
    let waiting = Waiting::new();
    let mut expected = Vec::new();
    let large = "x".repeat(LONG);
    for i in 0..500 {
        let text = format!("{i}{}", if i % 97 == 0 { &large } else { "" });
        match i % 7 {
            0 => drop(waiting.push(frame(&text), usize::MAX)),
            1 => drop(waiting.outbox.append(frame(&text), &waiting.ledger)),
            _ => drop(waiting.share(&shared(&text))),
        }
        expected.extend_from_slice(&frame(&text));
    }
    assert_eq!(waiting.outbox.bytes(), expected.len());
    assert_eq!(waiting.all().concat(), expected);
    drop(waiting.segments);
    assert_eq!((waiting.outbox.bytes(), waiting.ledger.bytes()), (0, 0));
}

#[test]
fn ten_thousand_events_that_many_wait_for_take_each_of_them_little() {
    let (first, ledger, segments) = (Outbox::new(), Ledger::new(usize::MAX), Segments::new());
    let others: Vec<Outbox> = (0..100).map(|_| Outbox::new()).collect();
    let text = "x".repeat(2000);
    for i in 0..10_000 {
        let event = shared(&format!("{i}{text}"));
        for outbox in others.iter().chain([&first]) {
            outbox.push_shared(event.encoding(false), &segments, &ledger);
        }
    }
    // Each waits for all of it. It is there once, and beside it 160 entries of each.
    let shared = first.bytes();
    assert!(shared > 20_000_000);
    let own = ledger.bytes().saturating_sub(shared) / 101;
    assert!(own < 16 * 1024, "{own}");
    let mut next = 0;
    first.take(usize::MAX, true, &ledger, |bytes| {
        assert!(bytes[4..].starts_with(next.to_string().as_bytes()), "{next}");
        next += 1;
    });
    assert_eq!(next, 10_000);
}

#[test]
fn a_frame_that_was_placed_by_another_waits_behind_later_ones() {
    let (one, two) = (Waiting::new(), Outbox::new());
    let (a, b, c) = (shared("a"), shared("b"), shared("c"));
    for event in [&a, &b, &c] {
        one.share(event);
    }
    for event in [&c, &c, &b, &a, &c] {
        two.push_shared(event.encoding(false), &one.segments, &one.ledger);
    }
    let mut heard = Vec::new();
    two.take(usize::MAX, true, &one.ledger, |bytes| heard.push(bytes[2]));
    assert_eq!(heard, b"ccbac");
}

#[test]
fn what_many_are_sent_is_encoded_once_in_each_encoding() {
    let (ledger, segments) = (Ledger::new(usize::MAX), Segments::new());
    for text in ["2[\"a\"]", &format!("2[\"{}\"]", "x".repeat(LONG))] {
        let event = SharedFrame::new(Frame::text(&[b"4", text.as_bytes()]));
        for msgpack in [false, true] {
            let addresses = [(); 3].map(|()| {
                let outbox = Outbox::new();
                // The second waits behind the first.
                for _ in 0..2 {
                    outbox.push_shared(event.encoding(msgpack), &segments, &ledger);
                }
                let mut addresses = Vec::new();
                outbox.take(usize::MAX, true, &ledger, |bytes| addresses.push((bytes.as_ptr(), bytes[0])));
                addresses
            });
            let all = addresses.concat();
            assert!(all.iter().all(|one| *one == all[0]) && all.len() == 6);
            assert_eq!(all[0].1, if msgpack { 0x82 } else { 0x81 });
        }
    }
}

#[test]
fn no_more_is_taken_than_there_is_room_for() {
    let waiting = Waiting::new();
    for _ in 0..4 {
        waiting.share(&shared("12345678"));
    }
    let take = |room, first| waiting.outbox.take(room, first, &waiting.ledger, drop);
    assert_eq!(
        (take(9, false), take(9, true), take(25, true), take(0, true)),
        ((0, true), (10, true), (20, true), (10, false))
    );
}

#[test]
fn one_limited_frame_too_many_closes_it_once() {
    let waiting = Waiting::new();
    assert_eq!(waiting.push(frame("12345678"), 20), Pushed::Next);
    assert_eq!(waiting.push(frame("12345678"), 20), Pushed::Behind);
    assert_eq!(waiting.push(frame("1"), 20), Pushed::Full);
    assert_eq!(waiting.push(frame("1"), 20), Pushed::Closed);
}

#[test]
fn what_many_are_sent_and_answers_are_not_limited() {
    let waiting = Waiting::new();
    for _ in 0..100 {
        assert_ne!(waiting.share(&shared("12345678")), Pushed::Full);
        assert_ne!(waiting.outbox.append(frame("12345678"), &waiting.ledger), Pushed::Full);
    }
    assert_eq!(waiting.push(frame("12345678"), 20), Pushed::Behind);
    assert_eq!(waiting.push(frame("12345678"), 20), Pushed::Behind);
    assert_eq!(waiting.push(frame("1"), 20), Pushed::Full);
}

#[test]
fn one_frame_may_be_larger_than_all_others_together_may_be() {
    let waiting = Waiting::new();
    let (large, small) = (frame(&"x".repeat(500)), frame(&"y".repeat(60)));
    assert_eq!(waiting.push(large.clone(), 100), Pushed::Next);
    assert_eq!(waiting.push(small.clone(), 100), Pushed::Behind);
    // It has gone: the small one waits alone, and the next large one is no longer the first.
    waiting.outbox.take(0, true, &waiting.ledger, drop);
    assert_eq!(waiting.push(large.clone(), 100), Pushed::Behind);
    assert_eq!(waiting.push(large, 100), Pushed::Full);
    assert_eq!(waiting.push(small, 100), Pushed::Closed);
}

#[test]
fn what_the_task_has_taken_and_not_sent_counts_as_well() {
    let waiting = Waiting::new();
    waiting.outbox.count(40);
    assert_eq!(waiting.push(frame("1234"), 100), Pushed::Next);
    assert_eq!(waiting.push(frame(&"x".repeat(48)), 100), Pushed::Behind);
    assert_eq!(waiting.push(frame("1234"), 100), Pushed::Full);
}

#[test]
fn small_answers_that_wait_need_little_more_than_their_bytes() {
    let waiting = Waiting::new();
    for i in 0..20_000u32 {
        waiting.outbox.append(Bytes::copy_from_slice(&i.to_be_bytes()), &waiting.ledger);
    }
    assert!(waiting.ledger.bytes() < 84_000, "{}", waiting.ledger.bytes());
    let all: Vec<u8> = (0..20_000u32).flat_map(u32::to_be_bytes).collect();
    assert!(waiting.all().concat() == all && waiting.ledger.bytes() == 0);
}

#[test]
fn what_is_too_much_to_be_counted_is_too_much() {
    let waiting = Waiting::new();
    assert_eq!(waiting.push(vec![0; LARGEST + 1].into(), usize::MAX), Pushed::Full);
    waiting.outbox.count(5 << 30);
    waiting.outbox.count(5 << 30);
    assert_eq!(waiting.outbox.unsent(), u32::MAX as usize);
}

#[test]
fn what_is_abandoned_is_no_longer_there() {
    let waiting = Waiting::new();
    for text in ["a", "b", &"x".repeat(40_000)] {
        waiting.share(&shared(text));
        waiting.outbox.append(frame(text), &waiting.ledger);
    }
    waiting.outbox.abandon(&waiting.ledger);
    drop(waiting.segments);
    assert_eq!((waiting.outbox.bytes(), waiting.ledger.bytes()), (0, 0));
    assert_eq!(waiting.outbox.push(frame("a"), 100, &waiting.ledger), Pushed::Closed);
}
