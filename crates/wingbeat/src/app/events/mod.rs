//! Which events exist, who publishes them, and in which order they leave.

mod held;
mod order;
mod publish;
mod publishers;
mod scope;
mod slots;
mod writing;

pub(super) use held::Patience;
pub(super) use order::Order;
pub(super) use publish::{By, Whose};
pub(super) use publishers::Publishers;
pub(super) use scope::MountScope;
pub(super) use slots::{EventSlot, Listener, STANDARD, Slots, undeclared};
pub(super) use writing::Writer;
