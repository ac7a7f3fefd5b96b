//! Request headers as one compact block.

use std::fmt;
use std::sync::Arc;

/// Request headers as one compact block of text, shared cheaply and read when asked.
///
/// A connection lives long and its headers are seldom looked at: one allocation for all of them costs a third of a map.
/// Names are lower case. A header that came several times appears several times. Values that are no text are left out.
#[derive(Clone, PartialEq, Eq)]
pub struct Headers(Arc<str>);

impl Headers {
    /// The first value of a header, by its lower-case name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find_map(|(key, value)| (key == name).then_some(value))
    }

    /// All headers in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.lines().filter_map(|line| line.split_once(':'))
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Headers {
    /// Takes names and values. Lines in a value (which HTTP forbids) end it.
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(headers: I) -> Headers {
        let mut block = String::new();
        for (name, value) in headers {
            block.extend(name.chars().map(|c| c.to_ascii_lowercase()).filter(|c| !matches!(c, ':' | '\n' | '\r')));
            block.push(':');
            block.push_str(value.lines().next().unwrap_or_default());
            block.push('\n');
        }
        Headers(block.into())
    }
}

impl fmt::Debug for Headers {
    /// Names only: values can be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_found_by_its_lower_case_name() {
        let headers: Headers = [("Host", "a:80"), ("X-Empty", "")].into_iter().collect();
        assert_eq!((headers.get("host"), headers.get("x-empty"), headers.get("via")), (Some("a:80"), Some(""), None));
    }

    #[test]
    fn a_value_cannot_smuggle_in_another_header() {
        let headers: Headers = [("a", "1\nauthorization:x")].into_iter().collect();
        assert_eq!(headers.get("authorization"), None);
    }
}
