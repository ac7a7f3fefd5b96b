//! The usual mistakes that rustc finds, and what it says of them. Those that are found later stand in
//! `crates/wingbeat/tests/mistakes.rs`.
//!
//! The programs in `told` are compiled with the libraries of this test. A comment `//~` behind a mistake says what its
//! author has to read: an error code, or a part of the message, of a label, of a note or of a help. So it holds what we
//! write and the types that lead to the cure, and leaves the rest to the compiler. Each error has such a comment, and what
//! is right has none.
#![allow(clippy::unwrap_used, reason = "a test")]

use serde_json::Value;
use std::fs;
use std::ops::Range;
use std::process::Command;

#[test]
fn a_wrong_type_in_a_service_method_is_told_beside_the_right_one() {
    check("services");
}

#[test]
fn a_wrong_hook_is_told_the_signature() {
    check("hooks");
}

#[test]
fn a_wrong_hook_with_state_is_told_the_signature() {
    check("hooks_with_state");
}

#[test]
fn a_wrong_hook_of_the_client_is_told_the_signature() {
    check("client_hooks");
}

#[test]
fn a_wrong_custom_method_is_told_the_signature() {
    check("custom_methods");
}

#[test]
fn what_is_no_service_is_told_how_to_mount_one() {
    check("mounts");
}

#[test]
fn a_publisher_that_names_no_audience_is_told_what_names_one() {
    check("publishers");
}

#[test]
fn a_listener_that_waits_is_told_where_to_register_it() {
    check("listeners");
}

#[test]
fn an_error_that_does_not_convert_is_told_what_it_lacks() {
    check("errors");
}

/// Compiles a program, and holds what is said against its comments.
fn check(name: &str) {
    let path = format!("{}/tests/told/{name}.rs", env!("CARGO_MANIFEST_DIR"));
    let source = fs::read_to_string(&path).unwrap();
    let errors = errors(&path);
    let (mut wrong, mut begin, mut expected) = (String::new(), 1, Vec::new());
    // The lines of a mistake end with its comments.
    for (number, line) in (1..).zip(source.lines()) {
        match line.trim().strip_prefix("//~ ") {
            Some(text) => expected.push(text),
            None if expected.is_empty() => {}
            None => {
                wrong += &differences(&errors, begin..number, &expected);
                (begin, expected) = (number, Vec::new());
            }
        }
    }
    wrong += &differences(&errors, begin..usize::MAX, &expected);
    assert!(wrong.is_empty(), "{path}\n\n{wrong}");
}

/// What the errors in these lines do not say, and which of them are not expected.
fn differences(errors: &[Error], lines: Range<usize>, expected: &[&str]) -> String {
    let here: Vec<_> = errors.iter().filter(|error| lines.contains(&error.line)).collect();
    let unsaid = expected.iter().filter(|text| !here.iter().any(|error| error.says(text)));
    let unsaid: String = unsaid.map(|text| format!("Nothing in the lines {lines:?} is told: {text}\n")).collect();
    let unexpected = here.iter().filter(|error| !expected.iter().any(|text| error.says(text)));
    let unexpected: String =
        unexpected.map(|error| format!("No comment expects the error in {}\n", error.line)).collect();
    if unsaid.is_empty() && unexpected.is_empty() {
        return String::new();
    }
    here.iter().fold(unsaid + &unexpected, |text, error| text + "\n" + &error.rendered)
}

struct Error {
    line: usize,
    /// Code, message, labels, notes and helps.
    texts: Vec<String>,
    rendered: String,
}

impl Error {
    fn says(&self, text: &str) -> bool {
        self.texts.iter().any(|said| said.contains(text))
    }
}

/// The errors of a program, which is not linked and not kept.
fn errors(path: &str) -> Vec<Error> {
    let [compiler, arguments @ ..] = mistakes::rustc!();
    let output = Command::new(compiler)
        .args(arguments)
        .args(["--crate-type=lib", "--emit=metadata", "--cap-lints=allow", "--error-format=json"])
        .args(["--out-dir", env!("CARGO_TARGET_TMPDIR"), path])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let diagnostics = said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{said}")));
    let errors: Vec<_> = diagnostics.filter_map(|diagnostic: Value| error(&diagnostic, path)).collect();
    assert!(!errors.is_empty(), "{path}: rustc finds nothing wrong, or does not run: {said}");
    errors
}

/// An error; a last one that only counts the others has no place. One that is elsewhere counts for the first line, where
/// nobody expects it.
fn error(diagnostic: &Value, path: &str) -> Option<Error> {
    let spans = diagnostic["spans"].as_array().filter(|spans| !spans.is_empty())?;
    let primary = spans.iter().filter(|span| span["is_primary"] == true);
    let here = primary.flat_map(calls).find(|span| span["file_name"] == path);
    let line = here.and_then(|span| span["line_start"].as_u64()).unwrap_or(1);
    let mut texts = vec![diagnostic["code"]["code"].as_str().unwrap_or_default().to_owned()];
    collect(diagnostic, &mut texts);
    Some(Error { line: line.try_into().ok()?, texts, rendered: diagnostic["rendered"].as_str()?.to_owned() })
}

/// A place, and where the macro is called that it is in.
fn calls(span: &Value) -> impl Iterator<Item = &Value> {
    std::iter::successors(Some(span), |span| span.pointer("/expansion/span"))
}

fn collect(diagnostic: &Value, texts: &mut Vec<String>) {
    let labels = diagnostic["spans"].as_array().into_iter().flatten().map(|span| &span["label"]);
    texts.extend(labels.chain([&diagnostic["message"]]).filter_map(|text| text.as_str().map(str::to_owned)));
    diagnostic["children"].as_array().into_iter().flatten().for_each(|child| collect(child, texts));
}
