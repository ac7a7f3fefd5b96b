//! Which methods may be about several records.

use std::sync::Arc;
use wingbeat_core::Method;

/// What may be done to several records at once.
#[derive(Clone, Debug, Default)]
pub struct Multi(pub(super) Arc<[Method]>);

impl From<bool> for Multi {
    fn from(all: bool) -> Multi {
        Multi(if all { Arc::new([Method::Create, Method::Patch, Method::Remove]) } else { Arc::new([]) })
    }
}

impl<M: Into<Method>, const N: usize> From<[M; N]> for Multi {
    fn from(methods: [M; N]) -> Multi {
        Multi(methods.into_iter().map(Into::into).collect())
    }
}
