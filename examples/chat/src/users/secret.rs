//! The secret that tokens are signed with.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Where the secret may be instead of in the file.
const VARIABLE: &str = "CHAT_SECRET";

/// The secret that tokens are signed with. It shows itself to nobody by accident.
pub(crate) struct Secret(String);

impl Secret {
    /// The one in the environment (`CHAT_SECRET`), else the one in the file beside the database, which is made where
    /// there is none.
    pub(crate) fn of(database: &Path) -> Result<Secret, String> {
        match std::env::var(VARIABLE) {
            Ok(secret) if !secret.is_empty() => Ok(Secret(secret)),
            _ => Secret::in_file(&beside(database)),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Secret {
        Secret("s".repeat(64))
    }

    fn in_file(file: &Path) -> Result<Secret, String> {
        let unusable = |error: io::Error| format!("the secret in {} can not be used: {error}", file.display());
        if !file.try_exists().map_err(unusable)? {
            make(file).map_err(unusable)?;
        }
        let mode = fs::metadata(file).map_err(unusable)?.permissions().mode();
        if mode & 0o077 != 0 {
            let file = file.display();
            return Err(format!("others can read the secret in {file}; if nobody has: chmod 600 {file}"));
        }
        Ok(Secret(fs::read_to_string(file).map_err(unusable)?.trim().to_owned()))
    }
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".secret");
    name.into()
}

/// Writes a new secret, whole or not at all, and never in place of another.
fn make(file: &Path) -> io::Result<()> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let secret: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    let unfinished = PathBuf::from(unfinished);
    let mut written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    writeln!(written, "{secret}")?;
    written.sync_all()?;
    // Another server may have been quicker; then its secret is the one.
    let linked = fs::hard_link(&unfinished, file);
    fs::remove_file(&unfinished)?;
    linked.or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that goes with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let folder = std::env::temp_dir().join(format!("chat-secret-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Folder(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn a_secret_is_made_once_and_only_we_can_read_it() {
        let folder = Folder::new("made");
        let file = beside(&folder.0.join("chat.db"));
        let first = Secret::in_file(&file).unwrap();
        assert_eq!(first.as_str().len(), 64);
        assert_eq!(Secret::in_file(&file).unwrap().as_str(), first.as_str());
        assert_eq!(file.file_name().unwrap(), "chat.db.secret");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "something was left lying about");
        let other = beside(&folder.0.join("other.db"));
        assert_ne!(Secret::in_file(&other).unwrap().as_str(), first.as_str());
    }

    #[test]
    fn of_two_that_make_one_at_once_the_first_counts() {
        let folder = Folder::new("race");
        let file = beside(&folder.0.join("chat.db"));
        let first = Secret::in_file(&file).unwrap();
        make(&file).unwrap();
        assert_eq!(Secret::in_file(&file).unwrap().as_str(), first.as_str());
    }

    #[test]
    fn a_secret_that_others_can_read_is_none() {
        let folder = Folder::new("open");
        let file = beside(&folder.0.join("chat.db"));
        Secret::in_file(&file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(Secret::in_file(&file).err().unwrap().contains("chmod 600"));
    }
}
