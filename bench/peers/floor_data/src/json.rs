//! Answers, written as text.

use std::io::Write as _;

/// A message or a note.
pub struct Row<'a> {
    pub id: i64,
    pub room: Option<i64>,
    pub user: Option<i64>,
    pub text: Option<&'a str>,
    pub at: Option<&'a str>,
}

/// The answer to a call, and whether others hear of it.
pub struct Done {
    pub result: Vec<u8>,
    pub is_new_note: bool,
}

impl Done {
    pub fn told_to_nobody(result: Vec<u8>) -> Done {
        Done { result, is_new_note: false }
    }

    pub fn new_note(result: Vec<u8>) -> Done {
        Done { result, is_new_note: true }
    }
}

/// How a record is written.
pub type Write = fn(&Row<'_>, &mut Vec<u8>);

pub fn message(row: &Row<'_>, out: &mut Vec<u8>) {
    fields(row, out);
    out.push(b'}');
}

/// With the field that is not stored.
pub fn note(row: &Row<'_>, out: &mut Vec<u8>) {
    fields(row, out);
    let _ = write!(out, r#","link":"/rooms/{}#{}"}}"#, row.room.unwrap_or_default(), row.id);
}

// Memory takes everything.
fn fields(row: &Row<'_>, out: &mut Vec<u8>) {
    let _ = write!(out, r#"{{"id":{},"roomId":"#, row.id);
    let _ = serde_json::to_writer(&mut *out, &row.room);
    out.extend_from_slice(b",\"userId\":");
    let _ = serde_json::to_writer(&mut *out, &row.user);
    out.extend_from_slice(b",\"text\":");
    let _ = serde_json::to_writer(&mut *out, &row.text);
    out.extend_from_slice(b",\"at\":");
    let _ = serde_json::to_writer(&mut *out, &row.at);
}

/// The beginning of a page; rows follow, each with a comma behind it.
pub fn begin_page(total: i64, limit: i64) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    let _ = write!(out, r#"{{"total":{total},"limit":{limit},"skip":0,"data":["#);
    out
}

pub fn end_page(out: &mut Vec<u8>) {
    out.truncate(out.len() - usize::from(out.ends_with(b",")));
    out.extend_from_slice(b"]}");
}
