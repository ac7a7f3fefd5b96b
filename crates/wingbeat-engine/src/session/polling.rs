//! A turn of a session on HTTP long-polling.

use super::end::End;
use super::{Session, Step};
use crate::out::Out;
use std::task::Context;

/// The transport of a session that has no connection of its own.
#[derive(Default)]
pub(super) struct Polling {}

impl Session {
    pub(super) fn polling_step(&mut self, _read: &mut [u8], _out: &mut Out, _cx: &mut Context<'_>) -> Result<Step, End> {
        Ok(Step::Idle)
    }
}
