//! The rooms of the crates: who may call whom (ARCHITECTURE.md).

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of a crate.
struct Rooms {
    krate: &'static str,
    /// From left to right; a room imports only from rooms to its left.
    line: &'static [&'static str],
    /// The last ones are edges: they see the whole line, and never each other.
    edges: &'static [&'static str],
}

const CRATES: [Rooms; 3] = [
    Rooms {
        krate: "wingbeat",
        line: &["fair", "realtime", "service", "hooks", "app"],
        edges: &["auth", "schema", "store", "test", "transport"],
    },
    Rooms {
        krate: "wingbeat-engine",
        line: &["gzip", "bundles", "outbox", "config", "peer", "ws", "engine", "session", "serve", "http"],
        edges: &["io", "fuzz"],
    },
    Rooms {
        krate: "wingbeat-client",
        line: &["error", "hooks", "route", "transport", "connection", "api"],
        edges: &[],
    },
];

impl Rooms {
    fn src(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(self.krate).join("src")
    }

    fn place(&self, room: &str) -> Option<usize> {
        self.line.iter().position(|other| *other == room)
    }

    fn is_room(&self, name: &str) -> bool {
        self.line.contains(&name) || self.edges.contains(&name)
    }

    fn may_import(&self, from: &str, to: &str) -> bool {
        match (self.place(from), self.place(to)) {
            (Some(from), Some(to)) => to <= from,
            (None, Some(_)) => true,
            (_, None) => from == to,
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
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

/// What the root of a crate exports, with the room that it is from.
fn exports(root: &str) -> HashMap<String, String> {
    let items = root.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next()?.split_once("::"));
    let pairs = items.flat_map(|(room, names)| {
        let names = names.trim_start_matches('{').trim_end_matches(['}', ' ', '\n']);
        names.split(',').map(move |name| (name.trim().to_owned(), room.to_owned()))
    });
    pairs.filter(|(name, _)| !name.is_empty()).collect()
}

/// A file without its module of tests, which may look at anything. It comes last.
fn without_tests(source: &str) -> &str {
    source.split("#[cfg(test)]\nmod tests {").next().unwrap_or(source)
}

#[test]
fn rooms_import_only_from_the_left() {
    for rooms in &CRATES {
        let src = rooms.src();
        let exports = exports(&fs::read_to_string(src.join("lib.rs")).unwrap());
        let mut seen = 0;
        for file in sources(&src) {
            let inside = file.strip_prefix(&src).unwrap();
            let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
            let room = first.trim_end_matches(".rs");
            let of_tests = |part: &str| matches!(part, "tests" | "tests.rs" | "contract" | "fuzzing.rs");
            let is_of_tests = inside.components().any(|part| part.as_os_str().to_str().is_some_and(of_tests));
            if !rooms.is_room(room) || is_of_tests {
                continue;
            }
            let source = fs::read_to_string(&file).unwrap();
            let names = imported(without_tests(&source));
            let named = names.map(|name| exports.get(name).map_or(name, String::as_str));
            for other in named.filter(|name| rooms.is_room(name)) {
                seen += 1;
                assert!(rooms.may_import(room, other), "{}/src/{} imports {other}", rooms.krate, inside.display());
            }
        }
        assert!(seen > 20, "the imports of {} are no longer found: {seen}", rooms.krate);
    }
}

#[test]
fn every_folder_is_a_known_room() {
    for rooms in &CRATES {
        for entry in
            fs::read_dir(rooms.src()).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir())
        {
            let name = entry.file_name().into_string().unwrap();
            assert!(rooms.is_room(&name), "where does {name} of {} stand?", rooms.krate);
        }
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

#[test]
fn what_the_root_exports_counts_as_its_room() {
    let all = exports("pub use app::{\n    App,\n    Builder,\n};\npub use hook::Hook;\n");
    let room = |name: &str| all.get(name).map(String::as_str);
    assert_eq!((room("Builder"), room("Hook"), room("Context")), (Some("app"), Some("hook"), None));
}
