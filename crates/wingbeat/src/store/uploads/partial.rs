//! A file that is not whole yet.

use super::folder::{BLOB, Folder, PART, RECORD};
use super::open::Working;
use aws_lc_rs::digest::{Context, SHA256};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use wingbeat_core::Error;

/// Written and hashed as it comes. Nothing of it stays if it is dropped before it is [kept](Whole::keep).
pub(super) struct Partial {
    file: File,
    hash: Context,
    size: u64,
    names: Names,
}

/// A file that is whole and has its record, and that goes again unless somebody takes note of it.
pub(super) struct Whole {
    names: Names,
}

/// What has to be removed if nothing comes of it.
struct Names {
    folder: Folder,
    id: String,
    paths: Vec<PathBuf>,
    /// Goes last.
    _working: Option<Working>,
}

impl Partial {
    pub(super) fn create(folder: Folder, id: &str, working: Working) -> io::Result<Partial> {
        let path = folder.path(id, PART);
        let file = File::create_new(&path)?;
        Ok(Partial::of(file, Names { folder, id: id.to_owned(), paths: vec![path], _working: Some(working) }))
    }

    fn of(file: File, names: Names) -> Partial {
        Partial { file, hash: Context::new(&SHA256), size: 0, names }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// The hash of what has been written, in hexadecimal digits.
    pub(super) fn sha256(&self) -> String {
        let digest = self.hash.clone().finish();
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Gives it its name, and a record. After that it outlasts a power cut.
    pub(super) fn finish(mut self, record: &[u8]) -> io::Result<Whole> {
        self.file.sync_all()?;
        let Names { folder, id, paths, .. } = &mut self.names;
        let (blob, note) = (folder.path(id, BLOB), folder.path(id, RECORD));
        fs::rename(&paths[0], &blob)?;
        paths[0] = blob;
        let unfinished = note.with_extension("json.part");
        paths.push(unfinished.clone());
        let mut file = File::create_new(&unfinished)?;
        file.write_all(record)?;
        file.sync_all()?;
        fs::rename(&unfinished, &note)?;
        paths[1] = note;
        folder.sync()?;
        Ok(Whole { names: self.names })
    }
}

impl Whole {
    pub(super) fn keep(mut self) {
        self.names.paths.clear();
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        // The record first.
        for path in self.paths.iter().rev() {
            if let Err(error) = fs::remove_file(path).or_else(|error| match error.kind() {
                ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }) {
                tracing::error!(%error, path = %path.display(), "cannot remove what is left of an upload");
            }
        }
    }
}

/// Why a file cannot be kept, as clients may know it.
pub(super) fn not_kept(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Error::unavailable("No space is left for files").with_source(error)
        }
        _ => Error::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_told_and_leaves_nothing() {
        let path = std::env::temp_dir().join(format!("wingbeat-full-{}", crate::store::uuid()));
        fs::create_dir(&path).unwrap();
        let folder = Folder::new(path.clone());
        let part = folder.path("x", PART);
        File::create(&part).unwrap();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut partial = Partial::of(full, Names { folder, id: "x".into(), paths: vec![part], _working: None });
        let error = not_kept(partial.write(b"x").unwrap_err());
        assert_eq!((error.code(), error.message()), (503, "No space is left for files"));
        drop(partial);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        fs::remove_dir(path).unwrap();
    }
}
