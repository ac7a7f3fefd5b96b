//! Where the access token is kept.

use crate::error::{Error, Result};
use crate::locked;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Keeps one access token.
///
/// It is called from the connection's task: it should be quick.
pub trait Storage: Send + Sync {
    /// The token, if there is one.
    ///
    /// # Errors
    /// If it cannot be read.
    fn get(&self) -> Result<Option<String>>;

    /// Keeps a token instead of the one before.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn set(&self, token: &str) -> Result<()>;

    /// Forgets the token.
    ///
    /// # Errors
    /// If it cannot be removed.
    fn remove(&self) -> Result<()>;
}

/// Keeps the token for as long as the client lives.
#[derive(Default)]
pub struct MemoryStorage(Mutex<Option<String>>);

impl MemoryStorage {
    /// Begins with a token, as a program that was given one does.
    pub fn with_token(token: impl Into<String>) -> MemoryStorage {
        MemoryStorage(Mutex::new(Some(token.into())))
    }
}

impl Storage for MemoryStorage {
    fn get(&self) -> Result<Option<String>> {
        Ok(locked(&self.0).clone())
    }

    fn set(&self, token: &str) -> Result<()> {
        *locked(&self.0) = Some(token.to_owned());
        Ok(())
    }

    fn remove(&self) -> Result<()> {
        *locked(&self.0) = None;
        Ok(())
    }
}

/// Keeps the token in a file that only its owner may read.
pub struct FileStorage {
    path: PathBuf,
}

impl FileStorage {
    /// Keeps the token in this file; its folder must exist.
    pub fn new(path: impl Into<PathBuf>) -> FileStorage {
        FileStorage { path: path.into() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn error(&self, error: io::Error) -> Error {
        Error::other(format!("The token file {}: {error}", self.path.display()))
    }
}

impl Storage for FileStorage {
    fn get(&self) -> Result<Option<String>> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|token| !token.is_empty())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.error(error)),
        }
    }

    fn set(&self, token: &str) -> Result<()> {
        // Written beside and moved: nobody reads half a token, nor one that was readable for a moment.
        // Clients of one process may share a file.
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let mut beside = self.path.clone().into_os_string();
        beside.push(format!(".{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        let write = || {
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            // A file that was left there may have another mode.
            let _ = fs::remove_file(&beside);
            let mut file = options.open(&beside)?;
            file.write_all(token.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&beside);
            self.error(error)
        })
    }

    fn remove(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.error(error)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps_one_token(storage: &dyn Storage) {
        assert_eq!(storage.get().unwrap(), None);
        storage.set("a").unwrap();
        storage.set("b").unwrap();
        assert_eq!(storage.get().unwrap().as_deref(), Some("b"));
        storage.remove().unwrap();
        storage.remove().unwrap();
        assert_eq!(storage.get().unwrap(), None);
    }

    #[test]
    fn both_storages_keep_one_token() {
        let file = std::env::temp_dir().join(format!("wingbeat-token-{}", std::process::id()));
        keeps_one_token(&MemoryStorage::default());
        keeps_one_token(&FileStorage::new(&file));
    }

    #[test]
    fn clients_of_one_process_may_share_a_file() {
        let path = std::env::temp_dir().join(format!("wingbeat-shared-{}", std::process::id()));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..20).for_each(|_| FileStorage::new(&path).set("token").unwrap()));
            }
        });
        assert_eq!(FileStorage::new(&path).get().unwrap().as_deref(), Some("token"));
        FileStorage::new(&path).remove().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("wingbeat-mode-{}", std::process::id()));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let storage = FileStorage::new(&path);
        storage.set("secret").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        storage.remove().unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let error = FileStorage::new("/nowhere/at/all").set("x").unwrap_err();
        assert!(error.message().contains("/nowhere/at/all"));
    }
}
