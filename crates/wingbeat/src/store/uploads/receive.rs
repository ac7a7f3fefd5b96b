//! How a file gets into the folder.

use super::folder::Folder;
use super::open::Working;
use super::partial::{Partial, not_kept};
use crate::service::FileStream;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use wingbeat_core::{Error, Result};

/// How much is collected before it is written.
const CHUNK: usize = 256 * 1024;

/// What a file is held to while it comes.
pub(super) struct Held {
    pub(super) max: u64,
    /// How many bytes it must have, where that was said.
    pub(super) size: Option<u64>,
    /// How long nothing may come.
    pub(super) patience: Duration,
}

/// How long all of a file may take.
pub(super) const LONGEST: Duration = Duration::from_secs(3600);

/// Writes a file as it comes. What goes wrong leaves nothing.
pub(super) async fn receive(
    folder: &Folder,
    id: &str,
    bytes: FileStream,
    held: Held,
    working: Working,
) -> Result<Partial> {
    let late = |_| Error::timeout(format!("The file took longer than {} s", LONGEST.as_secs()));
    timeout(LONGEST, received(folder, id, bytes, held, working)).await.map_err(late)?
}

async fn received(
    folder: &Folder,
    id: &str,
    mut bytes: FileStream,
    held: Held,
    mut working: Working,
) -> Result<Partial> {
    let (folder, id, own) = (folder.clone(), id.to_owned(), working.clone());
    let mut partial = blocking(move || folder.begin(&id, own).map_err(not_kept)).await?;
    let (mut waiting, mut size) = (Vec::new(), 0);
    loop {
        let late = |_| Error::timeout(format!("Nothing of the file came for {} s", held.patience.as_secs_f32()));
        let (next, broken_off) = (pin!(timeout(held.patience, bytes.next())), pin!(working.broken_off()));
        let chunk = match select(next, broken_off).await {
            Either::Left((chunk, _)) => chunk.map_err(late)?.transpose()?,
            Either::Right((error, _)) => return Err(error),
        };
        let is_last = chunk.is_none();
        let chunk = chunk.unwrap_or_default();
        size += chunk.len() as u64;
        if size > held.max {
            return Err(too_large(held.max));
        }
        if held.size.is_some_and(|announced| size > announced) {
            return Err(Error::bad_request("The file is longer than was announced"));
        }
        // Copied: many small pieces would keep the buffers that they were cut from.
        waiting.extend_from_slice(&chunk);
        if waiting.len() >= CHUNK || is_last {
            (partial, waiting) = written(partial, waiting).await?;
        }
        if is_last {
            break;
        }
    }
    match held.size.is_none_or(|announced| partial.size() == announced) {
        true => Ok(partial),
        false => Err(Error::bad_request("Incomplete file: it is shorter than was announced")),
    }
}

async fn written(mut partial: Partial, mut bytes: Vec<u8>) -> Result<(Partial, Vec<u8>)> {
    blocking(move || {
        partial.write(&bytes).map_err(not_kept)?;
        bytes.clear();
        Ok((partial, bytes))
    })
    .await
}

pub(super) fn too_large(max: u64) -> Error {
    Error::bad_request(format!("The file is larger than {max} bytes"))
}

/// Runs what waits for the disk where that holds up nobody.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(Error::internal(error)))
}
