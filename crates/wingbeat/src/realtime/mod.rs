//! Who is connected, and who hears what.

mod audience;
mod channel;
mod clock;
mod connection;
mod delivery;
mod extensions;
mod lane;
mod marks;
mod pattern;
mod publication;
mod publisher;
mod recipients;
mod room;
#[cfg(test)]
mod tests;
mod values;
mod walk;

pub use audience::{Audience, channel, channels, channels_matching, nobody};
pub use channel::Channel;
pub(crate) use channel::Channels;
pub use connection::Connection;
pub(crate) use connection::Peer;
pub(crate) use delivery::Delivery;
pub(crate) use extensions::Extensions;
pub use publication::Publication;
pub(crate) use publication::{EventName, Message, Together};
pub(crate) use publisher::Publisher;
pub use wingbeat_core::Headers;
