//! WebSocket frames (RFC 6455), without I/O: what both ends read and write.

mod frame;
mod message;

pub use frame::{Sender, Violation, close_frame, masked_close, masked_pong, pong_frame, write_masked};
pub use message::{Fragments, Item, next_item};
