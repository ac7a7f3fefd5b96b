//! What becomes of one field.

use super::field::{Field, Scope};
use super::function::{Compute, Function, Said, Seat};
use super::original::Original;
use super::resolver::Resolver;
use crate::BoxFuture;
use serde::Serialize;
use std::future::ready;
use std::sync::Arc;
use wingbeat_core::Result;

#[derive(Clone)]
pub(super) struct Step {
    pub(super) name: Arc<str>,
    /// Of a derived field: those it is made from.
    pub(super) needs: Option<Arc<[Box<str>]>>,
    pub(super) action: Action,
}

#[derive(Clone)]
pub(super) enum Action {
    Compute(Arc<dyn Function>),
    Hide,
    Nested(Resolver),
}

impl Step {
    pub(super) fn is_wanted(&self, record: &Original, select: Option<&[String]>) -> bool {
        match &self.action {
            // What is there although nobody asked for it, such as the id, goes out as well.
            Action::Compute(_) => {
                let selects = |select: &[String]| select.iter().any(|name| **name == *self.name);
                select.is_none_or(selects) || record.has(&self.name)
            }
            Action::Hide => true,
            Action::Nested(_) => record.has(&self.name),
        }
    }

    pub(super) fn field(&self, record: &Original, scope: &Scope) -> Field {
        Field { name: self.name.clone(), record: record.clone(), scope: scope.clone() }
    }

    /// Where its function runs for one record after another, if it has one.
    pub(super) fn seat(&self) -> Option<Box<dyn Seat + '_>> {
        match &self.action {
            Action::Compute(function) => Some(function.seat()),
            Action::Hide | Action::Nested(_) => None,
        }
    }

    pub(super) fn run<'a>(&'a self, record: &Original, scope: &'a Scope) -> BoxFuture<'a, Said> {
        match &self.action {
            Action::Compute(function) => function.run(self.field(record, scope)),
            Action::Hide => Box::pin(ready(Ok(None))),
            Action::Nested(resolver) => {
                let value = record.members().get(&*self.name).cloned().unwrap_or_default();
                Box::pin(async move { resolver.resolve_all(value, scope, None).await.map(Some) })
            }
        }
    }
}

pub(super) fn compute<V, F, Fut>(function: F) -> Action
where
    V: Serialize,
    F: Fn(Field) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<V>>> + Send + 'static,
{
    Action::Compute(Arc::new(Compute(function)))
}
