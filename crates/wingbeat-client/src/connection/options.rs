//! The options that a client is built with.

use super::{QueueLimits, Reconnection, Storage};
use crate::hooks::Hooks;
use crate::transport::{Address, TransportKind};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Options {
    pub(crate) address: Arc<Address>,
    pub(crate) transports: Vec<TransportKind>,
    pub(crate) namespace: Arc<str>,
    pub(crate) msgpack: bool,
    pub(crate) auth_payload: Option<Value>,
    /// Whether what was missed is asked for.
    pub(crate) recovery: bool,
    pub(crate) reconnection: Reconnection,
    pub(crate) connect_timeout: Duration,
    pub(crate) ping_timeout: Duration,
    pub(crate) timeout: Duration,
    pub(crate) buffer: QueueLimits,
    pub(crate) in_flight: usize,
    pub(crate) listener: QueueLimits,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) authentication_path: String,
    pub(crate) jwt_strategy: String,
    pub(crate) hooks: Hooks,
    pub(crate) service_hooks: HashMap<String, Hooks>,
}
