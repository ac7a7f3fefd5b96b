//! A client over REST.

use super::client::Channel;
use super::{Builder, Client, Rest, address};
use crate::error::Result;
use crate::rest::RestHandle;

/// How many requests are under way at a time, unless the program says otherwise.
const IN_FLIGHT: usize = 64;

impl Builder<Rest> {
    pub(super) fn over_rest(url: &str) -> Self {
        Builder::new(address::of_rest(url)).in_flight_limit(IN_FLIGHT)
    }

    /// The client. It connects with its first call.
    ///
    /// # Errors
    /// If an option is wrong, or there is no Tokio runtime around.
    pub fn build(self) -> Result<Client> {
        Ok(Client::new(Channel::Rest(RestHandle::new(self.into_running_options()?))))
    }
}
