//! What can be mounted.

use super::dyn_service::{DynRaw, DynService, DynTyped};
use super::extends::{Extended, Extends};
use super::{RawService, Service};
use std::sync::Arc;

/// Marks typed services in [`IntoService`].
pub struct Typed(());
/// Marks raw services in [`IntoService`].
pub struct Raw(());

/// Marks services that extend another one in [`IntoService`].
pub struct Extending(());

/// What can be mounted: every [`Service`], every [`RawService`], and what [`Extends`] one. `Kind` keeps them apart and is
/// never written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    note = "implement `wingbeat::Service` (typed), `wingbeat::service::RawService` (any JSON) or `wingbeat::service::Extends` (on top of another) for it"
)]
pub trait IntoService<Kind>: sealed::Sealed<Kind> {}

impl<S: Service> IntoService<Typed> for S {}
impl<S: RawService> IntoService<Raw> for S {}
impl<S: Extends> IntoService<Extending> for S {}

pub(crate) mod sealed {
    use super::{Arc, DynRaw, DynService, DynTyped, Extended, Extending, Extends, Raw, RawService, Service, Typed};

    pub trait Sealed<Kind> {
        #[doc(hidden)]
        #[allow(private_interfaces)]
        fn erase(self) -> Arc<dyn DynService>;
    }
    impl<S: Service> Sealed<Typed> for S {
        #[allow(private_interfaces)]
        fn erase(self) -> Arc<dyn DynService> {
            Arc::new(DynTyped(self))
        }
    }
    impl<S: RawService> Sealed<Raw> for S {
        #[allow(private_interfaces)]
        fn erase(self) -> Arc<dyn DynService> {
            Arc::new(DynRaw(self))
        }
    }
    impl<S: Extends> Sealed<Extending> for S {
        #[allow(private_interfaces)]
        fn erase(self) -> Arc<dyn DynService> {
            Arc::new(DynRaw(Extended(self)))
        }
    }
}
