//! `migrations!("folder")`: the files of a folder, as `migrate` takes them.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use std::path::Path;
use std::{env, fs};
use syn::{Error, LitStr, Result};

/// A file of the folder, `0001_name.sql`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Migration {
    number: u64,
    /// Without `.sql`.
    name: String,
}

/// A list of names and texts. The compiler reads the files itself, so it knows that they belong to the crate.
pub(crate) fn expand(folder: &LitStr) -> Result<TokenStream> {
    let named = folder.value();
    let wrong = |why: String| Error::new(folder.span(), why);
    let root = env::var("CARGO_MANIFEST_DIR")
        .map_err(|_| wrong("`migrations!` needs cargo, which says where the crate is".to_owned()))?;
    let migrations = read(&Path::new(&root).join(&named)).map_err(|why| wrong(format!("'{named}': {why}")))?;
    let entries = migrations.iter().map(|Migration { name, .. }| {
        let path = Literal::string(&format!("/{named}/{name}.sql"));
        quote! { (#name, ::core::include_str!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #path))) }
    });
    Ok(quote! { &[#(#entries),*] })
}

/// The migrations in a folder, in order.
fn read(folder: &Path) -> std::result::Result<Vec<Migration>, String> {
    let unread = |error| format!("this folder can not be read: {error}. Its path begins where Cargo.toml is");
    let mut migrations = Vec::new();
    for entry in fs::read_dir(folder).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let migration = Migration::named(&name).filter(|_| entry.path().is_file());
        migrations.push(migration.ok_or_else(|| {
            format!("{name:?} is not a migration: name it as `0001_create_messages.sql`, or move it out of the folder")
        })?);
    }
    migrations.sort();
    if let Some([one, other]) = migrations.array_windows().find(|[one, other]| one.number == other.number) {
        return Err(format!("{}.sql and {}.sql have the same number: give one of them the next", one.name, other.name));
    }
    if migrations.is_empty() {
        return Err("there are no migrations in this folder: write `0001_create_messages.sql`, say".to_owned());
    }
    Ok(migrations)
}

impl Migration {
    /// Digits, a line below, letters and the like.
    fn named(file: &str) -> Option<Migration> {
        let name = file.strip_suffix(".sql")?;
        let (digits, rest) = name.split_once('_')?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) || rest.is_empty() || !rest.chars().all(is_plain) {
            return None;
        }
        Some(Migration { number: digits.parse().ok()?, name: name.to_owned() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::path::PathBuf;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[&str]) -> Folder {
            let path = env::temp_dir().join(format!("wingbeat-migrations-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            files.iter().for_each(|file| fs::write(path.join(file), "SELECT 1").unwrap());
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn files_come_in_the_order_of_their_numbers() {
        let files = ["0010_b.sql", "0002_a-1.sql", "9_first_of_all.sql", ".keep", "20261130_z.sql"];
        let folder = Folder::new("order", &files);
        let names: Vec<String> = read(&folder.0).unwrap().into_iter().map(|migration| migration.name).collect();
        assert_eq!(names, ["0002_a-1", "9_first_of_all", "0010_b", "20261130_z"]);
    }

    #[test]
    fn what_is_no_migration_or_one_too_many_is_told() {
        for (at, file) in [
            "a.sql",
            "0001.sql",
            "0001_.sql",
            "0001_a.SQL",
            "0001-a.sql",
            "001_a b.sql",
            "_a.sql",
            "README.md",
            "0001_é.sql",
        ]
        .iter()
        .enumerate()
        {
            let folder = Folder::new(&format!("wrong{at}"), &["0002_fine.sql", file]);
            let why = read(&folder.0).unwrap_err();
            assert!(why.contains(file) && why.contains("0001_create_messages.sql"), "{why}");
        }
        let folder = Folder::new("twice", &["0002_b.sql", "02_a.sql", "0001_c.sql"]);
        assert_eq!(
            read(&folder.0).unwrap_err(),
            "0002_b.sql and 02_a.sql have the same number: give one of them the next"
        );
        let folder = Folder::new("none", &[]);
        assert!(read(&folder.0).unwrap_err().starts_with("there are no migrations"));
        fs::create_dir(folder.0.join("0001_folder.sql")).unwrap();
        assert!(read(&folder.0).unwrap_err().contains("is not a migration"));
        assert!(read(Path::new("/nowhere")).unwrap_err().contains("where Cargo.toml is"));
    }
}
