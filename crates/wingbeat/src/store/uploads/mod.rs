//! Files: a service whose records are files in a folder.

mod folder;
mod label;
mod media;
mod open;
mod partial;
mod receive;
mod service;
mod tickets;

use super::{Memory, Record};
use crate::app::Mount;
use crate::fair::Gate;
use crate::service::{FileAccess, Files, Redeemed};
use folder::Folder;
use media::Types;
use open::Open;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tickets::Tickets;
use wingbeat_core::Error;

/// How many bytes a file may have by default.
const MAX: u64 = 10 << 20;
/// How long nothing of a file may come by default.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many files may be on their way at a time.
const AT_A_TIME: usize = 256;
/// How many tickets may wait for their files.
const TICKETS: usize = 1024;
/// How many calls may wait for their turn.
const WAITING: usize = 1024;

/// A service of files in a folder, over [`Rest`](crate::Rest): who sends a file creates a record, `GET /files/:id/content`
/// answers the bytes. Its folder is its own: no other process may use it.
///
/// ```
/// use wingbeat::{Rest, prelude::*, store::Uploads};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let folder = std::env::temp_dir().join(format!("wingbeat-doc-{}", std::process::id()));
/// let app = App::builder()
///     .mount("files", Uploads::to(&folder).max(50 << 20).types(["image/png", "image/jpeg"]))
///     .configure(SocketIo::new())
///     .configure(Rest::new())
///     .build()?;
/// app.setup().await?;
/// assert_eq!(app.service("files").find(Params::new()).await?.to_value()?, serde_json::json!([]));
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok(())
/// # }
/// ```
///
/// | request | what it is |
/// |---|---|
/// | `POST /files` with the file as body, its type as `Content-Type`, its name in `Content-Disposition` | `create` |
/// | `POST /files` with a form (`multipart/form-data`): fields, then one file | `create` |
/// | `GET /files`, `GET /files/1`, `DELETE /files/1` | `find`, `get`, `remove` |
/// | `GET /files/1/content` | `get`, and the bytes: whole, or a `Range` |
/// | `PUT` to the `url` of a ticket | the `create` that the ticket has begun |
///
/// A record is `{id, name, type, size, sha256, createdAt}` and what the form's fields, or hooks, have added.
///
/// **Hooks.** Before hooks of `create` run before the file is read, with what is known of it as data: `name`, `type`, `size` if
/// it was said, and the form's fields. So who may not upload is refused before. What they set, `userId` for example, stands in
/// the record; `id`, `size`, `sha256` and `createdAt` are the service's own. After hooks and events are as everywhere. Who may
/// `get` a record may read its content.
///
/// **Tickets.** Clients with a socket call `ticket` with `{name, type, size}` and get `{url, expires}`: whoever has that URL
/// may `PUT` so many bytes there, once, within a minute. The call `create` begins with the ticket, with the caller's params, so
/// a before hook that refuses it refuses the ticket; the record is the answer of the `PUT`, and the event. Hooks around `create`
/// wait all that time, so a transaction had better not be one of them.
///
/// **What clients say** is believed little. A name is a label and never a path. The type is what the client calls the file;
/// nobody looks into it. Browsers only download what is here, and are told of types that may hold scripts as
/// `application/octet-stream`.
///
/// The records are kept as JSON beside the files, and all of them in memory as well.
#[must_use = "mount it"]
pub struct Uploads {
    folder: Folder,
    table: Memory,
    max: u64,
    patience: Duration,
    types: Types,
    state: Arc<State>,
    wrong: Option<Error>,
}

/// What lasts while it is mounted.
struct State {
    /// Who has it, has the folder, from setup to teardown; and where the service is mounted.
    open: Mutex<Option<Open>>,
    running: Arc<Gate>,
    waiting: Arc<Gate>,
    tickets: Tickets,
}

impl Uploads {
    /// Files in a folder, which is made if it is not there: of ten megabytes (2²⁰ bytes) at most, and of all types.
    pub fn to(folder: impl Into<PathBuf>) -> Uploads {
        let state = State {
            open: Mutex::default(),
            running: Gate::for_stays(AT_A_TIME, WAITING),
            waiting: Gate::for_stays(TICKETS, WAITING),
            tickets: Tickets::default(),
        };
        Uploads {
            folder: Folder::new(folder.into()),
            table: Memory::new(),
            max: MAX,
            patience: PATIENCE,
            types: Types::default(),
            state: Arc::new(state),
            wrong: None,
        }
    }

    /// How many bytes a file may have. A larger one is refused with 413, as soon as that is seen.
    pub fn max(mut self, bytes: u64) -> Uploads {
        self.max = bytes;
        self
    }

    /// The only types that are taken: `image/png`, or `image/*`. Others are refused with 415. One that is no type fails the
    /// mount.
    pub fn types<T: AsRef<str>>(mut self, types: impl IntoIterator<Item = T>) -> Uploads {
        match Types::only(types) {
            Ok(types) => self.types = types,
            Err(error) => self.wrong = Some(error),
        }
        self
    }

    /// How long nothing of a file may come before it is given up: 30 seconds if nothing is said. All of a file may take an hour.
    pub fn patience(mut self, patience: Duration) -> Uploads {
        self.patience = patience;
        self
    }

    /// Options of the records: `.table(|table| table.paginate(10, 50))`.
    pub fn table(mut self, options: impl FnOnce(Memory) -> Memory) -> Uploads {
        self.table = options(self.table);
        self
    }
}

impl From<Uploads> for Mount {
    fn from(uploads: Uploads) -> Mount {
        Mount::new(uploads)
    }
}

/// What transports reach of it.
struct Access {
    max: u64,
    types: Types,
    state: Arc<State>,
}

impl Files for Access {
    fn max(&self) -> u64 {
        self.max
    }

    fn takes(&self, media: &str) -> bool {
        self.types.take(media)
    }

    fn announced(&self, token: &str) -> Option<u64> {
        self.state.tickets.size(token)
    }

    fn redeem(&self, token: &str) -> Option<Redeemed> {
        self.state.tickets.take(token)
    }
}

impl Uploads {
    fn access(&self) -> FileAccess {
        FileAccess(Arc::new(Access { max: self.max, types: self.types.clone(), state: self.state.clone() }))
    }
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Uploads { folder, max, types, .. } = self;
        f.debug_struct("Uploads")
            .field("folder", folder)
            .field("max", max)
            .field("types", types)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
