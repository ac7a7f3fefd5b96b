//! The functions of fields, and how they run.

use super::field::Field;
use crate::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use std::pin::Pin;
use std::task::{Context, Poll};
use wingbeat_core::Result;

/// What a function says of a field; `None` drops it.
pub(super) type Said = Result<Option<Value>>;

/// Says what becomes of a field.
pub(super) trait Function: Send + Sync {
    fn run(&self, field: Field) -> BoxFuture<'static, Said>;

    /// Where it runs for the fields of many records.
    fn seat(&self) -> Box<dyn Seat + '_>;
}

/// One piece of memory where a function runs for one field after another, as long as each is ready at once: nearly all are.
pub(super) trait Seat {
    fn poll(&mut self, field: Field, cx: &mut Context<'_>) -> Poll<Said>;

    /// Takes out the run that was not ready.
    fn take(&mut self) -> BoxFuture<'static, Said>;
}

/// A function of the application.
pub(super) struct Compute<F>(pub(super) F);

impl<F, Fut, V> Function for Compute<F>
where
    V: Serialize,
    F: Fn(Field) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Option<V>>> + Send + 'static,
{
    fn run(&self, field: Field) -> BoxFuture<'static, Said> {
        let running = (self.0)(field);
        Box::pin(async move { value(running.await) })
    }

    fn seat(&self) -> Box<dyn Seat + '_> {
        Box::new(Taken { function: &self.0, running: Box::pin(None) })
    }
}

struct Taken<'f, F, Fut> {
    function: &'f F,
    running: Pin<Box<Option<Fut>>>,
}

impl<F, Fut, V> Seat for Taken<'_, F, Fut>
where
    V: Serialize,
    F: Fn(Field) -> Fut,
    Fut: Future<Output = Result<Option<V>>> + Send + 'static,
{
    fn poll(&mut self, field: Field, cx: &mut Context<'_>) -> Poll<Said> {
        self.running.set(Some((self.function)(field)));
        match self.running.as_mut().as_pin_mut() {
            Some(running) => running.poll(cx).map(value),
            None => Poll::Ready(Ok(None)),
        }
    }

    fn take(&mut self) -> BoxFuture<'static, Said> {
        let mut running = std::mem::replace(&mut self.running, Box::pin(None));
        Box::pin(async move {
            match running.as_mut().as_pin_mut() {
                Some(running) => value(running.await),
                None => Ok(None),
            }
        })
    }
}

fn value(said: Result<Option<impl Serialize>>) -> Said {
    Ok(said?.map(serde_json::to_value).transpose()?)
}
