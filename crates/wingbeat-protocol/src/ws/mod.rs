//! WebSocket (RFC 6455), without I/O: what both ends read and write.

mod accept;
mod frame;
mod message;

pub use accept::accept;
pub use frame::{Sender, Violation, close_frame, masked_close, masked_pong, pong_frame, write_masked};
pub use message::{Fragments, Item, next_item};
