//! Names of channels.

use std::borrow::Cow;
use std::fmt::Write as _;
use wingbeat_core::Id;

/// The name of a channel, of texts, numbers and ids: `"staff"`, or `("rooms", 7)` for `rooms/7`.
///
/// Behind the first, the parts of a tuple are what they are and nothing else: a slash in a text becomes `%2F` and a percent
/// sign `%25`, so that an id that a client has chosen is never the way to another channel.
///
/// ```
/// use wingbeat::{Id, realtime::ChannelName};
///
/// let name = |name: ChannelName| name.to_string();
/// assert_eq!(name(("rooms", 7).into()), "rooms/7");
/// assert_eq!(name(("teams", Id::from("red"), "admins").into()), "teams/red/admins");
/// assert_eq!(name(("teams", "red/admins").into()), "teams/red%2Fadmins");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChannelName(pub(super) Box<str>);

impl ChannelName {
    pub(crate) fn into_text(self) -> Box<str> {
        self.0
    }

    /// This, and in it a part.
    fn with(self, part: ChannelName) -> ChannelName {
        let mut name = String::from(self.0);
        name.push('/');
        for character in part.0.chars() {
            match character {
                '/' => name.push_str("%2F"),
                '%' => name.push_str("%25"),
                character => name.push(character),
            }
        }
        ChannelName(name.into())
    }
}

impl std::fmt::Display for ChannelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! from_texts {
    ($($text:ty)+) => {$(
        impl From<$text> for ChannelName {
            fn from(name: $text) -> ChannelName {
                ChannelName(name.into())
            }
        }
    )+};
}

from_texts!(&str String Box<str> Cow<'_, str>);

impl From<&String> for ChannelName {
    fn from(name: &String) -> ChannelName {
        name.as_str().into()
    }
}

macro_rules! from_displayed {
    ($($value:ty)+) => {$(
        impl From<$value> for ChannelName {
            fn from(value: $value) -> ChannelName {
                let mut name = String::new();
                // Text takes everything.
                let _ = write!(name, "{value}");
                name.into()
            }
        }
    )+};
}

from_displayed!(Id &Id i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

impl<A: Into<ChannelName>, B: Into<ChannelName>> From<(A, B)> for ChannelName {
    fn from((first, second): (A, B)) -> ChannelName {
        first.into().with(second.into())
    }
}

impl<A: Into<ChannelName>, B: Into<ChannelName>, C: Into<ChannelName>> From<(A, B, C)> for ChannelName {
    fn from((first, second, third): (A, B, C)) -> ChannelName {
        first.into().with(second.into()).with(third.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_is_the_name_of_another_channel() {
        let name = |id: &str| ChannelName::from(("teams", id)).to_string();
        assert_eq!(name("1/admins"), "teams/1%2Fadmins");
        assert_ne!(name("1%2Fadmins"), name("1/admins"));
        assert_eq!(ChannelName::from(("chat/rooms", Id::from(7u64))).to_string(), "chat/rooms/7");
        assert_eq!(ChannelName::from("rooms/7").to_string(), ChannelName::from(("rooms", &Id::from("7"))).to_string());
    }
}
