//! Values that stand beside the text of a statement.

use std::error::Error;
use std::fmt::Write as _;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

/// A value beside the text. It has the type that PostgreSQL infers for its place, which is that of the column: so an index
/// serves, and nothing is cast.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bound {
    Null,
    /// In the form that texts in SQL have, whatever the type.
    Text(String),
    Bytes(Vec<u8>),
}

impl Bound {
    /// A list of values as one.
    pub(super) fn list(values: &[Bound]) -> Bound {
        let mut list = String::from("{");
        for (index, value) in values.iter().enumerate() {
            list.push_str(if index == 0 { "" } else { "," });
            value.push_element(&mut list);
        }
        list.push('}');
        Bound::Text(list)
    }

    fn push_element(&self, list: &mut String) {
        match self {
            Bound::Null => list.push_str("NULL"),
            Bound::Text(text) => {
                list.push('"');
                for c in text.chars() {
                    if matches!(c, '"' | '\\') {
                        list.push('\\');
                    }
                    list.push(c);
                }
                list.push('"');
            }
            Bound::Bytes(bytes) => {
                list.push_str("\"\\\\x");
                for byte in bytes {
                    // Memory takes everything.
                    let _ = write!(list, "{byte:02x}");
                }
                list.push('"');
            }
        }
    }
}

impl ToSql for Bound {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Bound::Null => return Ok(IsNull::Yes),
            Bound::Text(text) => out.extend_from_slice(text.as_bytes()),
            Bound::Bytes(bytes) => out.extend_from_slice(bytes),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self {
            Bound::Bytes(_) => Format::Binary,
            Bound::Null | Bound::Text(_) => Format::Text,
        }
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_lists_is_escaped() {
        let values = ["a", "", "NULL", "{,}", "\"; --", "\\"].map(|text| Bound::Text(text.to_owned()));
        let values = [values.as_slice(), &[Bound::Null, Bound::Bytes(vec![0, 255])]].concat();
        assert_eq!(
            Bound::list(&values),
            Bound::Text(r#"{"a","","NULL","{,}","\"; --","\\",NULL,"\\x00ff"}"#.to_owned())
        );
        assert_eq!(Bound::list(&[]), Bound::Text("{}".to_owned()));
    }
}
