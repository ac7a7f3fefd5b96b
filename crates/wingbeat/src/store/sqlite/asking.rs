//! The callers' side of a line.

use super::error::{busy, closed};
use super::job::{Job, Standing, Work};
use super::line::Line;
use crate::fair::{attended, current};
use crate::store::shape::Shape;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot::{self, Receiver, Sender};
use tokio::time::timeout;
use wingbeat_core::Result;

/// A caller who waits.
struct Asking<'a, T> {
    line: &'a Line,
    number: u64,
    receiver: Receiver<Result<T>>,
    is_answered: bool,
}

impl Line {
    /// Lets a job be done for the current source. Work without a shape is the application's own, and may be done once only.
    ///
    /// It is given up with the future: what waits is dropped, what runs is interrupted. So it is when the client goes, but
    /// for writes that are short: a client may say something and go.
    pub(super) async fn ask<T>(&self, shape: Option<Shape>, work: impl FnOnce(Sender<Result<T>>) -> Work) -> Result<T> {
        self.ask_as(self.number(), shape, work).await
    }

    /// The same, under a number by which others can [leave](Line::leave) the job.
    pub(super) async fn ask_as<T>(
        &self,
        number: u64,
        shape: Option<Shape>,
        work: impl FnOnce(Sender<Result<T>>) -> Work,
    ) -> Result<T> {
        let (answer, receiver) = oneshot::channel();
        let source = current();
        let work = work(answer);
        let is_write = matches!(work, Work::Write(_));
        let standing = Arc::<Standing>::default();
        let place = shape.map(|shape| self.predictor.place(source, shape));
        let may_be_long = place.is_none_or(|place| self.predictor.is_long(place));
        let (since, known) = (Instant::now(), standing.clone());
        let line = self.long.as_deref().filter(|_| may_be_long).unwrap_or(self);
        line.push(Job { number, source, since, may_be_long, place, standing: known, work })?;
        let mut asking = Asking { line: self, number, receiver, is_answered: false };
        let answered = match attended(async { Ok(self.answer(&standing, &mut asking.receiver).await) }).await {
            Ok(answered) => answered,
            Err(gone) if !is_write => return Err(gone),
            Err(_) => {
                self.leave_behind(number, &standing);
                self.answer(&standing, &mut asking.receiver).await
            }
        };
        asking.is_answered = answered.is_some();
        answered.unwrap_or_else(|| Err(if self.is_closed() { closed() } else { busy() }))
    }

    /// Nothing if it was not done, or has not begun in time.
    async fn answer<T>(&self, standing: &Standing, receiver: &mut Receiver<T>) -> Option<T> {
        match timeout(self.patience, &mut *receiver).await {
            Ok(answered) => answered.ok(),
            // It may be done already, and wait for its commit.
            Err(_) if self.is_taken(standing) => receiver.await.ok(),
            Err(_) => None,
        }
    }
}

impl<T> Drop for Asking<'_, T> {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        // In this order: who takes the job from now on sees that nobody wants it, who has taken it is told.
        self.receiver.close();
        self.line.leave(self.number);
    }
}
