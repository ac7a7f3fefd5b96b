//! The queue between the connection and one listener.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

/// A queue that forgets its oldest items rather than grow: a slow listener costs neither memory nor the others' time.
pub(crate) struct Queue<T> {
    limits: QueueLimits,
    state: Mutex<State<T>>,
}

/// How much a listener may leave unread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueLimits {
    pub(crate) items: usize,
    pub(crate) bytes: usize,
}

struct State<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    missed: u64,
    closed: bool,
    waker: Option<Waker>,
}

/// What a listener finds.
pub(crate) enum Next<T> {
    Item(T),
    /// So many items were forgotten before the next one.
    Missed(u64),
}

impl<T> Queue<T> {
    pub(crate) fn new(limits: QueueLimits) -> Queue<T> {
        let state = State { items: VecDeque::new(), bytes: 0, missed: 0, closed: false, waker: None };
        Queue { limits, state: Mutex::new(state) }
    }

    /// Adds an item that takes so many bytes.
    pub(crate) fn push(&self, item: T, bytes: usize) {
        let mut state = crate::locked(&self.state);
        state.items.push_back((item, bytes));
        state.bytes += bytes;
        // The newest stays, however large it is.
        while state.items.len() > self.limits.items.max(1) || (state.bytes > self.limits.bytes && state.items.len() > 1)
        {
            if let Some((_, bytes)) = state.items.pop_front() {
                state.bytes -= bytes;
                state.missed += 1;
            }
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// How many items wait.
    pub(crate) fn len(&self) -> usize {
        crate::locked(&self.state).items.len()
    }

    /// Nothing will come any more; what waits can still be read.
    pub(crate) fn close(&self) {
        let mut state = crate::locked(&self.state);
        state.closed = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Next<T>>> {
        let mut state = crate::locked(&self.state);
        if state.missed > 0 {
            return Poll::Ready(Some(Next::Missed(std::mem::take(&mut state.missed))));
        }
        if let Some((item, bytes)) = state.items.pop_front() {
            state.bytes -= bytes;
            if state.items.is_empty() {
                // An idle listener owns no buffer.
                state.items.shrink_to(4);
            }
            return Poll::Ready(Some(Next::Item(item)));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(queue: &Queue<u32>) -> Vec<Result<u32, u64>> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut read = Vec::new();
        while let Poll::Ready(Some(next)) = queue.poll_next(&mut cx) {
            read.push(match next {
                Next::Item(item) => Ok(item),
                Next::Missed(missed) => Err(missed),
            });
        }
        read
    }

    #[test]
    fn the_oldest_are_forgotten_and_counted() {
        let queue = Queue::new(QueueLimits { items: 3, bytes: 100 });
        (0..5).for_each(|item| queue.push(item, 1));
        assert_eq!(read(&queue), [Err(2), Ok(2), Ok(3), Ok(4)]);
    }

    #[test]
    fn bytes_count_but_the_newest_stays() {
        let queue = Queue::new(QueueLimits { items: 10, bytes: 100 });
        queue.push(1, 60);
        queue.push(2, 60);
        queue.push(3, 500);
        assert_eq!(read(&queue), [Err(2), Ok(3)]);
    }

    #[test]
    fn a_closed_queue_is_read_to_its_end() {
        let queue = Queue::new(QueueLimits { items: 10, bytes: 100 });
        queue.push(1, 1);
        queue.close();
        assert_eq!(read(&queue), [Ok(1)]);
        assert!(queue.poll_next(&mut Context::from_waker(Waker::noop())).is_ready());
    }
}
