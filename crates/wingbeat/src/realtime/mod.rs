//! Who is connected, and who hears what.

mod audience;
pub(crate) mod bus;
mod channel;
mod clock;
mod connection;
mod deferred;
mod delivery;
mod delivery_queue;
mod extensions;
mod marks;
mod members;
mod name;
mod pattern;
mod presence;
mod publication;
mod publisher;
mod recipients;
mod recovery;
mod selector;
#[cfg(test)]
mod tests;
mod values;
mod walk;

pub use audience::{Audience, IntoAudience, channel, channels, channels_matching, nobody};
pub use channel::Channel;
pub(crate) use channel::Channels;
pub use connection::{Connection, Peer};
pub(crate) use deferred::Deferred;
pub(crate) use delivery::Delivery;
pub(crate) use extensions::Extensions;
pub use name::ChannelName;
pub(crate) use presence::{Changed, EntryId, MemberFn, Presence};
pub(crate) use publication::EventName;
pub use publication::{Batch, Message, Publication};
pub(crate) use publisher::Publisher;
pub(crate) use recovery::{Claim, Limits as RecoveryLimits, LostSocket, Position, Recovery, Refused};
pub use selector::Selector;
pub(crate) use values::named_as;
pub use wingbeat_core::Headers;
