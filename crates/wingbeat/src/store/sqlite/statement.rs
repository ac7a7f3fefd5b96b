//! Statements as SQLite runs them.

use super::dialect::Sql;
use crate::store::sql;
use rusqlite::{Connection, Row};
use std::ops::ControlFlow;
use wingbeat_core::Result;

/// Longer texts are not kept prepared: they have long lists in them, of which there are many different ones.
const PREPARED: usize = 2048;

pub(super) type Statement = sql::Statement<Sql>;

impl Statement {
    /// Runs it to its end, or until a row is enough.
    pub(super) fn run(
        &self,
        connection: &Connection,
        mut row: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let (mut kept, mut seldom);
        let statement = if self.text.len() <= PREPARED {
            kept = connection.prepare_cached(&self.text)?;
            &mut *kept
        } else {
            seldom = connection.prepare(&self.text)?;
            &mut seldom
        };
        for (index, value) in self.values.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, value)?;
        }
        let mut rows = statement.raw_query();
        while let Some(found) = rows.next()? {
            if row(found)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}
