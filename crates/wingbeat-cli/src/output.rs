//! How results are printed.

use clap::ValueEnum;
use serde_json::Value;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use wingbeat_client::Escaped;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON value a line
    Json,
    /// Columns
    Table,
}

#[derive(clap::Args)]
pub(crate) struct Output {
    /// How to print [default: a table on a terminal, JSON lines in a pipe]
    #[arg(long, value_enum)]
    output: Option<Format>,
}

impl Output {
    pub(crate) fn format(&self) -> Format {
        self.output.unwrap_or_else(|| if io::stdout().is_terminal() { Format::Table } else { Format::Json })
    }
}

impl Format {
    /// Prints a result: a page and a list record by record.
    pub(crate) fn print(self, value: &Value) -> io::Result<()> {
        let records = match value.get("data") {
            Some(Value::Array(records)) if value.get("total").or(value.get("limit")).is_some() => Some(records),
            _ => value.as_array(),
        };
        let text = match (self, records) {
            (Format::Table, Some(records)) => table(records, io::stdout().is_terminal()),
            (Format::Table, None) if value.is_object() => {
                table(std::slice::from_ref(value), io::stdout().is_terminal())
            }
            (_, Some(records)) => records.iter().map(|record| json(record) + "\n").collect(),
            (_, None) => json(value) + "\n",
        };
        io::stdout().write_all(text.as_bytes())
    }
}

/// Says something on standard error, in one line and without what could command a terminal: it may be a server's. If
/// nobody can hear it, nothing is lost.
pub(crate) fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "{}", Escaped(text));
}

/// JSON leaves some of what could command a terminal as it is: escaped, it means the same.
fn json(value: &Value) -> String {
    let mut json = String::new();
    for c in value.to_string().chars() {
        match Escaped::escapes(c) {
            true => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => json.push(c),
        }
    }
    json
}

fn plain(c: char) -> char {
    if Escaped::escapes(c) { ' ' } else { c }
}

/// The widest a column gets.
const WIDEST: usize = 60;

fn table(records: &[Value], colours: bool) -> String {
    let mut columns: Vec<&str> = Vec::new();
    for key in records.iter().filter_map(Value::as_object).flat_map(|record| record.keys()) {
        if !columns.contains(&key.as_str()) {
            columns.push(key);
        }
    }
    if columns.is_empty() {
        return records.iter().map(|record| cell(record) + "\n").collect();
    }
    let rows: Vec<Vec<String>> = records
        .iter()
        .map(|record| columns.iter().map(|key| record.get(key).map(cell).unwrap_or_default()).collect())
        .collect();
    let width = |at: usize, head: &str| {
        rows.iter().map(|row| row[at].chars().count()).chain([head.chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = columns.iter().enumerate().map(|(at, head)| width(at, head)).collect();
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    let head: Vec<String> = columns.iter().map(|head| cell(&Value::from(*head))).collect();
    let head = if colours { format!("\x1b[1m{}\x1b[0m", line(&head)) } else { line(&head) };
    std::iter::once(head).chain(rows.iter().map(|row| line(row))).map(|line| line + "\n").collect()
}

/// A value in one line, without what could command a terminal.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut short: String = text.chars().map(plain).take(WIDEST).collect();
    if text.chars().count() > WIDEST {
        short.pop();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let table = table(&[json!({"id": 1, "text": "one"}), json!({"id": 20, "extra": [1]})], false);
        assert_eq!(table, "id  text  extra\n1   one\n20        [1]\n");
    }

    #[test]
    fn nothing_in_a_record_commands_the_terminal() {
        let table = table(&[json!({"a\u{1b}": "\u{1b}[31m\nred\u{7}"})], false);
        assert!(table.chars().all(|c| c == '\n' || !c.is_control()), "{table:?}");
        assert_eq!(table.lines().count(), 2);
        let value = json!({"a\u{7f}": "\u{1b}\u{9b}31m"});
        assert_eq!(super::json(&value), r#"{"a\u007f":"\u001b\u009b31m"}"#);
        assert_eq!(serde_json::from_str::<Value>(&super::json(&value)).unwrap(), value);
    }
}
