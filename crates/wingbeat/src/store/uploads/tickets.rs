//! Tickets: who may upload by a socket brings the bytes by HTTP.

use crate::locked;
use crate::service::Redeemed;
use aws_lc_rs::rand;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use wingbeat_core::{Error, Result};

/// The calls that wait for their files, by token.
#[derive(Clone, Default)]
pub(super) struct Tickets(Arc<Mutex<HashMap<Token, Redeemed>>>);

pub(super) type Token = String;

impl Tickets {
    pub(super) fn add(&self, token: Token, call: Redeemed) {
        locked(&self.0).insert(token, call);
    }

    /// How many bytes a ticket is for.
    pub(super) fn size(&self, token: &str) -> Option<u64> {
        locked(&self.0).get(token).map(|call| call.size)
    }

    /// Takes a ticket: it is good once.
    pub(super) fn take(&self, token: &str) -> Option<Redeemed> {
        locked(&self.0).remove(token)
    }

    pub(super) fn clear(&self) {
        locked(&self.0).clear();
    }
}

/// 256 bits that nobody guesses.
///
/// # Errors
/// If the system has no random numbers.
pub(super) fn token() -> Result<Token> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| Error::internal("no random numbers"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
