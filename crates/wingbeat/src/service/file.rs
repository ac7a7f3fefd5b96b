//! Files on their way into a service and out of it: what a transport and the service tell each other beside the call.

use crate::locked;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::BoxStream;
use std::fmt;
use std::fs::File;
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;
use wingbeat_core::{Payload, Result};

/// How a service takes and gives files. Only [`Uploads`](crate::store::Uploads) makes one; services around it pass it on.
#[derive(Clone)]
pub struct FileAccess(pub(crate) Arc<dyn Files>);

impl fmt::Debug for FileAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileAccess")
    }
}

/// What a transport asks of a service with files.
pub(crate) trait Files: Send + Sync {
    /// How many bytes a file may have.
    fn max(&self) -> u64;
    /// Whether files of a type are taken.
    fn takes(&self, media: &str) -> bool;
    /// How many bytes were agreed on under a token.
    fn announced(&self, token: &str) -> Option<u64>;
    /// What was agreed on under a token; whoever asks first has it.
    fn redeem(&self, token: &str) -> Option<Redeemed>;
}

/// The bytes of a file as they come. It ends with an error if the sender has left before the end.
pub(crate) type FileStream = BoxStream<'static, Result<Bytes>>;

/// Among the params of a `create`: the file itself. It is there once, for the method that asks first.
pub(crate) struct Incoming(Mutex<Option<Arrival>>);

pub(crate) enum Arrival {
    /// It is on its way.
    Now { bytes: FileStream, size: Option<u64> },
    /// Somebody will bring it, once told that it is waited for.
    Later { waited_for: oneshot::Sender<()>, bytes: oneshot::Receiver<FileStream> },
}

impl Incoming {
    /// A file that is sent with the call.
    pub(crate) fn now(bytes: impl Stream<Item = Result<Bytes>> + Send + 'static, size: Option<u64>) -> Incoming {
        Incoming(Mutex::new(Some(Arrival::Now { bytes: Box::pin(bytes), size })))
    }

    /// A file that comes after the call has begun.
    pub(crate) fn later(waited_for: oneshot::Sender<()>, bytes: oneshot::Receiver<FileStream>) -> Incoming {
        Incoming(Mutex::new(Some(Arrival::Later { waited_for, bytes })))
    }

    pub(crate) fn take(&self) -> Option<Arrival> {
        locked(&self.0).take()
    }
}

/// A call that waits for its file.
pub(crate) struct Redeemed {
    /// How many bytes were announced.
    pub(crate) size: u64,
    pub(crate) bytes: oneshot::Sender<FileStream>,
    pub(crate) record: oneshot::Receiver<Result<Payload>>,
}

/// Among the params of a `get`: the caller wants the file as well.
#[derive(Clone, Default)]
pub(crate) struct Wanted(Arc<Mutex<Option<Blob>>>);

impl Wanted {
    pub(crate) fn give(&self, blob: Blob) {
        *locked(&self.0) = Some(blob);
    }

    pub(crate) fn take(&self) -> Option<Blob> {
        locked(&self.0).take()
    }
}

/// A stored file, opened.
pub(crate) struct Blob {
    pub(crate) id: String,
    pub(crate) file: File,
    pub(crate) size: u64,
    pub(crate) sha256: String,
    /// The type as it may be shown to a browser.
    pub(crate) media: String,
    pub(crate) name: Option<String>,
}
