//! The rooms of the crate: who may call whom (ARCHITECTURE.md).

use std::fs;
use std::path::{Path, PathBuf};

/// From left to right; a room imports only from rooms to its left. The last ones are edges and never import each other.
const LINE: [&str; 5] = ["fair", "realtime", "service", "hook", "app"];
const EDGES: [&str; 5] = ["auth", "schema", "store", "test", "transport"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

fn place(room: &str) -> Option<usize> {
    LINE.iter().position(|other| *other == room)
}

fn may_import(from: &str, to: &str) -> bool {
    match (place(from), place(to)) {
        (Some(from), Some(to)) => to <= from,
        // Edges see the whole line, and nobody sees an edge but itself.
        (None, Some(_)) => true,
        (_, None) => from == to,
    }
}

/// The rooms that a file names in `use crate::…` and in paths such as `crate::realtime::…`.
fn imported(source: &str) -> impl Iterator<Item = &str> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = code.flat_map(|line| line.split("crate::").skip(1));
    let names = names.flat_map(|rest| match rest.strip_prefix('{') {
        Some(list) => list.split(['}', '{']).next().unwrap_or_default().split(',').collect::<Vec<_>>(),
        None => vec![rest],
    });
    names.map(|name| name.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
}

/// A file without its module of tests, which may look at anything. It comes last.
fn without_tests(source: &str) -> &str {
    source.split("#[cfg(test)]\nmod tests {").next().unwrap_or(source)
}

#[test]
fn rooms_import_only_from_the_left() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for file in sources(&src) {
        let inside = file.strip_prefix(&src).unwrap();
        let room = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        if !LINE.contains(&room) && !EDGES.contains(&room) {
            continue;
        }
        let source = fs::read_to_string(&file).unwrap();
        let code = without_tests(&source);
        let of_tests = |part: &str| matches!(part, "tests" | "tests.rs" | "contract");
        if inside.components().any(|part| part.as_os_str().to_str().is_some_and(of_tests)) {
            continue;
        }
        for other in imported(code).filter(|name| LINE.contains(name) || EDGES.contains(name)) {
            seen += 1;
            assert!(may_import(room, other), "{} imports {other}", inside.display());
        }
    }
    assert!(seen > 20, "the imports are no longer found: {seen}");
}

#[test]
fn every_folder_is_a_known_room() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(src).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().into_string().unwrap();
        assert!(LINE.contains(&&*name) || EDGES.contains(&&*name), "where does {name} stand?");
    }
}

#[test]
fn only_the_module_of_tests_is_left_out() {
    let source = "#[cfg(test)]\nmod tests;\nuse crate::hook;\n#[cfg(test)]\nmod tests {\n    use crate::store;\n}\n";
    assert_eq!(imported(without_tests(source)).collect::<Vec<_>>(), ["hook"]);
}

#[test]
fn imports_are_found_in_all_their_forms() {
    let source = "use crate::hook::{A, B};\nuse crate::{BoxFuture, store, auth::X};\nlet x = crate::app::f();\n// use crate::service;";
    assert_eq!(imported(source).collect::<Vec<_>>(), ["hook", "BoxFuture", "store", "auth", "app"]);
}
