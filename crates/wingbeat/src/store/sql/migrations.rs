//! Migrations: what has run, and what is listed.

use wingbeat_core::{Error, Result};

/// # Errors
/// If what has run is not the beginning of what is listed.
pub(in crate::store) fn check_migrations(ran: &[(String, String)], listed: &[(&str, &str)]) -> Result<()> {
    for (index, (name, sql)) in ran.iter().enumerate() {
        match listed.get(index) {
            Some((listed, text)) if listed == name && text == sql => {}
            Some((listed, _)) if listed == name => {
                return Err(Error::general(format!("Migration '{name}' was changed after it ran")));
            }
            _ => {
                return Err(Error::general(format!(
                    "The database has run migration '{name}', which is not listed there"
                )));
            }
        }
    }
    Ok(())
}
