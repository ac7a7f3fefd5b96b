//! Which events exist, who publishes them, and in which order they leave.

mod held;
mod order;
mod publish;
mod publishers;
mod scope;
mod slots;
mod writing;

pub(super) use held::CallTimeout;
pub(super) use order::EventOrder;
pub(super) use publish::{CallerKind, EmitterRef};
pub(super) use publishers::Publishers;
pub(super) use scope::MountScope;
pub(super) use slots::{EventSlot, EventSlots, Listener, STANDARD, undeclared};
pub(super) use writing::Writer;
