//! The folder: `<id>.blob` is a file, `<id>.json` its record, and `<id>.part` what is not whole yet.
//!
//! A file is there when its record is: the record comes last and goes first, so a process that ends in between leaves only
//! what the next one sweeps.

use super::open::Working;
use super::partial::Partial;
use crate::store::Record;
use serde_json::Value;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use wingbeat_core::{Error, Result};

pub(super) const BLOB: &str = "blob";
pub(super) const RECORD: &str = "json";
pub(super) const PART: &str = "part";

#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(path: PathBuf) -> Folder {
        Folder(path)
    }

    /// Makes the folder ready: locks it, sweeps what is not whole, and reads all records in the order of their ids.
    ///
    /// # Errors
    /// If it cannot be used, or another process does.
    pub(super) fn open(&self) -> Result<(File, Vec<Record>)> {
        let why = |error: io::Error| Error::general(format!("Cannot use the folder {}: {error}", self.0.display()));
        fs::create_dir_all(&self.0).map_err(why)?;
        let lock = File::create(self.0.join(".lock")).map_err(why)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let why = format!("The folder {} is in use already; give each service its own", self.0.display());
                return Err(Error::general(why));
            }
            Err(TryLockError::Error(error)) => return Err(why(error)),
        }
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(why)? {
            let path = entry.map_err(why)?.path();
            let Some(id) = own_id(&path) else { continue };
            match path.extension().and_then(|extension| extension.to_str()) {
                Some(PART) => fs::remove_file(&path).map_err(why)?,
                Some(BLOB) if !self.path(&id, RECORD).exists() => fs::remove_file(&path).map_err(why)?,
                Some(RECORD) => ids.push(id),
                _ => {}
            }
        }
        ids.sort();
        Ok((lock, ids.iter().filter_map(|id| self.record(id)).collect()))
    }

    /// A record that can be read, of a file that is there.
    fn record(&self, id: &str) -> Option<Record> {
        let read = || -> io::Result<Record> {
            fs::metadata(self.path(id, BLOB))?;
            let record: Record = serde_json::from_slice(&fs::read(self.path(id, RECORD))?)?;
            match record.get("id").and_then(Value::as_str) == Some(id) {
                true => Ok(record),
                false => Err(io::Error::new(ErrorKind::InvalidData, "its record has another id")),
            }
        };
        match read() {
            Ok(record) => Some(record),
            Err(error) => {
                tracing::error!(%error, id, folder = %self.0.display(), "a file is left out: it, or its record, cannot be read");
                None
            }
        }
    }

    pub(super) fn begin(&self, id: &str, working: Working) -> io::Result<Partial> {
        Partial::create(self.clone(), id, working)
    }

    pub(super) fn open_blob(&self, id: &str) -> io::Result<File> {
        File::open(self.path(id, BLOB))
    }

    /// Removes a file. One that is gone already is no error.
    pub(super) fn remove(&self, id: &str) -> io::Result<()> {
        for kind in [RECORD, BLOB] {
            match fs::remove_file(self.path(id, kind)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Sees to it that new names outlast a power cut.
    pub(super) fn sync(&self) -> io::Result<()> {
        match cfg!(unix) {
            true => File::open(&self.0)?.sync_all(),
            // Others do not open folders.
            false => Ok(()),
        }
    }

    pub(super) fn path(&self, id: &str, kind: &str) -> PathBuf {
        self.0.join(format!("{id}.{kind}"))
    }
}

/// The id in a name that this service has given: nothing else in the folder is touched.
fn own_id(path: &Path) -> Option<String> {
    let id = path.file_name()?.to_str()?.split('.').next()?;
    let is_uuid = id.len() == 36 && id.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    is_uuid.then(|| id.to_owned())
}
