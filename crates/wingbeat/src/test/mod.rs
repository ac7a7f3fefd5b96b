//! Testing an application without sockets.
//!
//! A [`Client`] connects, authenticates, calls and hears as a real one: its calls pass the same checks, its connection the same
//! listeners. [`assert_published!`](crate::assert_published) says who must hear an event, and who must not.
//!
//! ```
//! use serde_json::json;
//! use wingbeat::{assert_published, prelude::*, store::Memory, test::Client};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let app = App::builder()
//!     .mount("messages", Mount::new(Memory::new().start(1)).publish(|_| channel("staff")))
//!     .build()?;
//! let (ann, bob) = (Client::connect(&app).await?, Client::connect(&app).await?);
//! app.channel("staff").join(ann.connection());
//!
//! let created = bob.service("messages").create(json!({"text": "Hello"})).await?;
//! assert_eq!(created["id"], 1);
//! assert_published!("messages created", {"text": "Hello", "id": 1} => ann; not bob);
//! # Ok(())
//! # }
//! ```

mod client;
mod inbox;
mod published;
mod remote;
#[cfg(test)]
mod tests;

pub use client::{Client, Connect};
pub use inbox::Heard;
#[doc(hidden)]
pub use published::published;
pub use remote::Remote;
#[doc(hidden)]
pub use serde_json::json;
