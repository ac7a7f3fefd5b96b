//! Settings from a file and from the environment, as a type of the program's own.

use config::{Config, ConfigError, Environment, File};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::path::Path;
use wingbeat_core::{Error, Result};

/// Reads settings: first the file (TOML), if there is one, then environment variables that begin with the prefix, which
/// win. Two underscores lead into a table: `CHAT__DATABASE__URL` is `url` in `[database]`.
///
/// Write secrets as [`Secret`]: printing the settings does not show them.
///
/// ```
/// use serde::Deserialize;
/// use wingbeat::settings::{self, Secret};
///
/// #[derive(Debug, Deserialize)]
/// struct Settings {
///     #[serde(default = "port")]
///     port: u16,
///     secret: Option<Secret<String>>,
/// }
///
/// fn port() -> u16 {
///     3030
/// }
///
/// # fn main() -> wingbeat::Result<()> {
/// let settings: Settings = settings::load("chat.toml", "CHAT")?;
/// tracing::info!(?settings, "starting");
/// assert_eq!(settings.port, 3030);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the file is no TOML, or a setting is missing, unknown or does not fit. The message names the setting and where it came
/// from, and never shows its value.
pub fn load<T: DeserializeOwned>(file: impl AsRef<Path>, prefix: &str) -> Result<T> {
    read(file.as_ref(), Environment::with_prefix(prefix))
}

fn read<T: DeserializeOwned>(file: &Path, environment: Environment) -> Result<T> {
    let environment = environment.separator("__").prefix_separator("__");
    let file = File::from(file).format(config::FileFormat::Toml).required(false);
    let settings = Config::builder().add_source(file).add_source(environment).build();
    let mut unknown = None;
    let settings = settings.and_then(|settings| {
        serde_ignored::deserialize(settings, |path| unknown = unknown.take().or_else(|| Some(path.to_string())))
    });
    let settings = settings.map_err(|error| Error::general(message_of(&error)))?;
    match unknown {
        // A name that is misspelt would otherwise leave the default in force.
        Some(name) => Err(Error::general(format!("The settings do not fit: unknown field `{name}`"))),
        None => Ok(settings),
    }
}

/// What may be said of an error: values can be secrets.
fn message_of(error: &ConfigError) -> String {
    let at = |key: &Option<String>, origin: &Option<String>| {
        let key = key.as_ref().map_or_else(String::new, |key| format!(" `{key}`"));
        let origin = origin.as_ref().map_or_else(String::new, |origin| format!(" from {origin}"));
        format!("The setting{key}{origin}")
    };
    match error {
        ConfigError::Type { origin, expected, key, .. } => format!("{} must be {expected}", at(key, origin)),
        ConfigError::At { error, origin, key } => match &**error {
            ConfigError::Type { expected, .. } => format!("{} must be {expected}", at(key, origin)),
            _ => format!("{} is not valid", at(key, origin)),
        },
        ConfigError::NotFound(key) => format!("The setting `{key}` is missing"),
        ConfigError::FileParse { uri, .. } => {
            format!("Invalid TOML in the settings in {}", uri.as_deref().unwrap_or("the file"))
        }
        // serde's own words, about names of fields and not about values.
        ConfigError::Message(text) if text.starts_with("missing field") || text.starts_with("unknown field") => {
            format!("The settings do not fit: {text}")
        }
        _ => "Cannot read the settings".to_owned(),
    }
}

/// A value that is never printed, logged or written: only [`expose`](Secret::expose) shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Secret<T> {
        Secret(value)
    }

    /// The value.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

const HIDDEN: &str = "(secret)";

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret<T>, D::Error> {
        T::deserialize(deserializer).map(Secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::path::PathBuf;

    #[derive(Debug, serde::Deserialize)]
    struct Settings {
        port: u16,
        database: Database,
    }

    #[derive(Debug, serde::Deserialize)]
    struct Database {
        url: Secret<String>,
    }

    fn file(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("wingbeat-settings-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    fn load(name: &str, text: &str, variables: &[(&str, &str)]) -> Result<Settings> {
        let path = file(name, text);
        let variables: HashMap<_, _> = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let read = read(&path, Environment::with_prefix("CHAT").source(Some(variables)));
        std::fs::remove_file(path).unwrap();
        read
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let text = "port = 1\n[database]\nurl = \"file\"\n";
        let settings = load("wins", text, &[("CHAT__DATABASE__URL", "swordfish"), ("CHAT__PORT", "2")]).unwrap();
        assert_eq!((settings.port, settings.database.url.expose().as_str()), (2, "swordfish"));
        assert!(!format!("{settings:?}").contains("swordfish"));
    }

    #[test]
    fn texts_of_the_environment_stay_as_they_are() {
        let text = "port = 1\n[database]\nurl = \"file\"\n";
        for written in ["00451234", "TRUE", "+49170", "12345678901234567890123456789012"] {
            let settings = load(written, text, &[("CHAT__DATABASE__URL", written)]).unwrap();
            assert_eq!(settings.database.url.expose(), written);
        }
    }

    #[test]
    fn errors_name_the_setting_and_never_its_value() {
        for (name, text, variables, named) in [
            ("type", "port = \"swordfish\"\n[database]\nurl = \"x\"", vec![], "port"),
            ("range", "port = 99999\n[database]\nurl = \"x\"", vec![], "port"),
            ("missing", "[database]\nurl = \"swordfish\"", vec![], "port"),
            ("unknown", "port = 1\nprot = 2\n[database]\nurl = \"swordfish\"", vec![], "prot"),
            ("nested", "port = 1\n[database]\nurl = \"x\"\nuser = \"swordfish\"", vec![], "database.user"),
            ("stray", "port = 1\n[database]\nurl = \"x\"", vec![("CHAT__PROT", "swordfish")], "prot"),
            ("syntax", "port = swordfish", vec![], "TOML"),
            ("variable", "port = 1", vec![("CHAT__PORT", "swordfish")], "port"),
        ] {
            let error = load(name, text, &variables).unwrap_err();
            assert!(error.message().contains(named), "{name}: {error}");
            assert!(!error.message().contains("swordfish") && !error.message().contains("99999"), "{name}: {error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_no_error() {
        #[derive(Debug, serde::Deserialize, PartialEq)]
        struct Optional {
            port: Option<u16>,
        }
        let read = read::<Optional>(Path::new("not-there.toml"), Environment::with_prefix("WINGBEAT_NOBODY_SETS_THIS"));
        assert_eq!(read.unwrap(), Optional { port: None });
    }
}
