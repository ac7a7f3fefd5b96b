//! SQL: text with the values beside it.

use super::{Columns, Dialect};

/// Room for what most statements are, so that they do not grow piece by piece.
const LENGTH: usize = 256;
const VALUES: usize = 4;

#[derive(Debug)]
pub(in crate::store) struct Statement<D: Dialect> {
    pub(in crate::store) text: String,
    pub(in crate::store) values: Vec<D::Value>,
}

impl<D: Dialect> Statement<D> {
    pub(in crate::store) fn new(begin: impl AsRef<str>) -> Statement<D> {
        let mut text = String::with_capacity(LENGTH);
        text.push_str(begin.as_ref());
        Statement { text, values: Vec::with_capacity(VALUES) }
    }

    /// Adds text, which must not come from a client.
    pub(in crate::store) fn push(&mut self, text: &str) -> &mut Statement<D> {
        self.text.push_str(text);
        self
    }

    /// Adds a value.
    pub(in crate::store) fn bind(&mut self, value: D::Value) -> &mut Statement<D> {
        self.values.push(value);
        D::push_place(&mut self.text, self.values.len());
        self
    }

    /// Lets a statement that writes answer the records that it has written.
    pub(in crate::store) fn returning(mut self, columns: &Columns<D>) -> Statement<D> {
        self.push(" RETURNING ").push(&columns.names);
        self
    }

    pub(in crate::store) fn bind_list(&mut self, values: impl IntoIterator<Item = D::Value>) -> &mut Statement<D> {
        self.push("(");
        for (index, value) in values.into_iter().enumerate() {
            self.push(if index == 0 { "" } else { ", " }).bind(value);
        }
        self.push(")")
    }
}
