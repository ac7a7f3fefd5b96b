//! Paths with placeholders.

use crate::error::{Error, Result};

/// Puts a value in the place of `:name`.
///
/// # Errors
/// If there is no such placeholder, or the value would change the number of the path's parts.
pub(crate) fn fill(path: &str, name: &str, value: &str) -> Result<String> {
    if value.is_empty() || value.contains('/') || value.starts_with(':') {
        // Servers do not unescape paths that come by socket: there is no way to write such a value.
        return Err(Error::invalid(format!("'{value}' cannot stand for :{name} in '{path}'")));
    }
    let mut found = false;
    let parts: Vec<&str> = path
        .split('/')
        .map(|part| {
            let here = !found && part.strip_prefix(':') == Some(name);
            found |= here;
            if here { value } else { part }
        })
        .collect();
    if found { Ok(parts.join("/")) } else { Err(Error::invalid(format!("'{path}' has no placeholder :{name}"))) }
}

/// Appends text as part of an address' query.
pub(crate) fn escape(text: &str, out: &mut String) {
    let is_escaped = |byte: u8| !(byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    wingbeat_core::query_string::percent_encode(text, is_escaped, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_the_place_of_its_name_once() {
        assert_eq!(fill("users/:id/x/:id", "id", "2").unwrap(), "users/2/x/:id");
        assert_eq!(fill("users/:userId/x", "userId", "a b%").unwrap(), "users/a b%/x");
    }

    #[test]
    fn what_would_change_the_path_is_refused() {
        for bad in ["a/b", "", "/", ":x"] {
            assert!(matches!(fill("users/:id", "id", bad), Err(Error::Invalid(_))), "{bad}");
        }
        assert!(fill("users/:id", "i", "1").is_err() && fill("users/id", "id", "1").is_err());
    }

    #[test]
    fn a_query_is_escaped() {
        let mut out = String::new();
        escape("a&b=é ~", &mut out);
        assert_eq!(out, "a%26b%3D%C3%A9%20~");
    }
}
