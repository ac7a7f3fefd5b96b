//! Fair shares: what many sources want and only few can have at a time, such as hashes, statements and places in queues.
//!
//! One principle for all of them: next is who has had least, first among the addresses and then among the connections of
//! one address, so a source that asks for much waits behind its own work and nobody else's. Where a queue is full, the
//! longest gives way.
//!
//! For whom work is done says [`current`], to whoever asks within the call: a store, a hook, a strategy, at whatever depth
//! and through calls from inside. The application polls each client's call within the [`Origin`] that its connection has,
//! and hands it on to what it spawns beside the call ([`carried`]). Where nothing was said it is the server itself, which
//! is a source like others. Other tasks and threads do not know it: ask before work is handed to them.
//!
//! What a client has left behind need not begin: [`attended`] ends what waits when its client has gone.

mod gate;
mod level;
mod queue;
mod shares;
mod source;

pub(crate) use gate::{Gate, Permit};
#[cfg(feature = "sqlite")]
pub(crate) use queue::Queue;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use queue::micros;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use source::Address;
pub(crate) use source::{Origin, Source, attended, carried, current};
