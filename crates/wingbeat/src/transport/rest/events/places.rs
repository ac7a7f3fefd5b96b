//! How many streams there may be, in all and of one address.

use super::EventStreams;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wingbeat_core::{Error, Result};
use wingbeat_protocol::{AddressCount, AddressCounts, Origin};

/// For addresses of the internet, unless something else is said.
const PER_ADDRESS: usize = 1000;

pub(super) struct Places {
    all: Arc<Semaphore>,
    addresses: AddressCounts,
    per_address: Option<usize>,
}

/// A stream's place, until it is dropped.
pub(super) struct Place {
    _all: OwnedSemaphorePermit,
    _address: Option<AddressCount>,
}

impl Places {
    pub(super) fn new(options: &EventStreams) -> Places {
        Places {
            all: Arc::new(Semaphore::new(options.max_streams.min(Semaphore::MAX_PERMITS))),
            addresses: AddressCounts::default(),
            per_address: options.max_streams_per_address,
        }
    }

    pub(super) fn take(&self, address: Option<IpAddr>) -> Result<Place> {
        let most = self.per_address.unwrap_or(PER_ADDRESS);
        let origin = address.and_then(|address| Origin::counted(address, self.per_address.is_none()));
        let of_address = match origin {
            Some(origin) => {
                let why = "There are too many event streams of this address: end one first";
                let count = self.addresses.one_more(origin, most);
                Some(count.ok_or_else(|| Error::too_many_requests(why))?)
            }
            None => None,
        };
        let why = "There are too many event streams: try again later";
        let all = self.all.clone().try_acquire_owned();
        let all = all.map_err(|_| Error::unavailable(why))?;
        Ok(Place { _all: all, _address: of_address })
    }
}
