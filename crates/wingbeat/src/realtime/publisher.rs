//! Publishers: functions from an event to its audience.

use super::{Audience, IntoAudience, Publication};
use crate::BoxFuture;
use std::future::Future;

/// Names the audience of an event.
pub(crate) enum Publisher {
    Ready(Box<dyn Fn(&Publication) -> Audience + Send + Sync>),
    Waiting(Box<dyn Fn(Publication) -> BoxFuture<'static, Audience> + Send + Sync>),
}

impl Publisher {
    pub(crate) fn ready<A: IntoAudience>(publisher: impl Fn(&Publication) -> A + Send + Sync + 'static) -> Publisher {
        Publisher::Ready(Box::new(move |publication| publisher(publication).into_audience()))
    }

    pub(crate) fn waiting<A, F, Fut>(publisher: F) -> Publisher
    where
        A: IntoAudience,
        F: Fn(Publication) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = A> + Send + 'static,
    {
        Publisher::Waiting(Box::new(move |publication| {
            let audience = publisher(publication);
            Box::pin(async move { audience.await.into_audience() })
        }))
    }

    /// The audience, at once or later.
    pub(crate) fn audience(&self, publication: &Publication) -> Result<Audience, BoxFuture<'static, Audience>> {
        match self {
            Publisher::Ready(publisher) => Ok(publisher(publication)),
            Publisher::Waiting(publisher) => Err(publisher(publication.clone())),
        }
    }
}
