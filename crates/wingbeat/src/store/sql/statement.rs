//! SQL: text with the values beside it.

use super::{Columns, Dialect};

#[derive(Debug)]
pub(in crate::store) struct Statement<D: Dialect> {
    pub(in crate::store) text: String,
    pub(in crate::store) values: Vec<D::Value>,
}

impl<D: Dialect> Statement<D> {
    pub(in crate::store) fn new(text: impl Into<String>) -> Statement<D> {
        Statement { text: text.into(), values: Vec::new() }
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
