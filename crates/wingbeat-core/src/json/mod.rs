//! JSON as JavaScript has it, where values of Rust meet it.
//!
//! A number without fraction is whole, however it is written (`1.0`, `1e2`, `-0`), and a text may hold half a surrogate
//! pair, which reads as U+FFFD. serde_json takes neither, so that everything that is read goes through [`read`] or
//! [`parse`], and everything that is written through [`write()`].

mod depth;
mod number;
mod plain;
mod read;
mod write;

pub use depth::{MAX_DEPTH, within_depth};
pub use number::number;
pub use plain::plain;
pub use read::{parse, read, read_value};
pub use write::{text, write, write_text, write_utf8};
