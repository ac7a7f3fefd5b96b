//! The rooms of the crates: who may call whom (ARCHITECTURE.md).

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of a crate, or the folders of one of its rooms.
struct Rooms {
    krate: &'static str,
    /// The room whose folders these are; empty for the crate itself.
    inside: &'static str,
    /// From left to right; a room imports only from rooms to its left.
    line: &'static [&'static str],
    /// The last ones are edges: they see the whole line, and never each other.
    edges: &'static [&'static str],
}

const ROOMS: [Rooms; 4] = [
    Rooms {
        krate: "wingbeat",
        inside: "",
        line: &["fair", "realtime", "service", "hooks", "app"],
        edges: &["auth", "bus", "presence", "schema", "store", "test", "transport"],
    },
    Rooms {
        krate: "wingbeat",
        inside: "app",
        line: &[
            "mode",
            "background",
            "guard",
            "measure",
            "events",
            "mount",
            "registry",
            "dispatch",
            "http",
            "lifecycle",
            "builder",
        ],
        edges: &[],
    },
    Rooms {
        krate: "wingbeat-engine",
        inside: "",
        line: &["gzip", "bundles", "outbox", "config", "peer", "ws", "engine", "session", "serve", "http"],
        edges: &["io", "fuzz"],
    },
    Rooms {
        krate: "wingbeat-client",
        inside: "",
        line: &["error", "hooks", "route", "transport", "connection", "rest", "api"],
        edges: &[],
    },
];

impl Rooms {
    fn src(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(self.krate).join("src").join(self.inside)
    }

    /// What is at the root of these rooms: who exports what.
    fn root(&self) -> String {
        let name = if self.inside.is_empty() { "lib.rs" } else { "mod.rs" };
        fs::read_to_string(self.src().join(name)).unwrap()
    }

    /// How a file begins the paths of the other rooms: from the crate's root, or by `super` as often as it is deep.
    fn prefixes(&self, file: &Path) -> [String; 2] {
        let absolute = if self.inside.is_empty() { "crate::".to_owned() } else { format!("crate::{}::", self.inside) };
        let modules = file.components().count() - usize::from(file.ends_with("mod.rs"));
        [absolute, "super::".repeat(modules)]
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

/// The rooms that a file names in `use crate::…` and in paths such as `crate::realtime::…`, where `crate::` is a prefix.
fn imported(source: &str, prefix: &str) -> Vec<String> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let begins = |at: usize| !code[..at].ends_with([':', '_']) && !code[..at].ends_with(char::is_alphanumeric);
    let rests = code.match_indices(prefix).filter(|(at, _)| begins(*at)).map(|(at, _)| &code[at + prefix.len()..]);
    rests.flat_map(first_names).collect()
}

/// What a path begins with: one name, or those of a list, whatever stands in the lists within it.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(list) = path.strip_prefix('{') else { return vec![name(path)] };
    let (mut depth, mut items) = (0_usize, vec![String::new()]);
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(String::new()),
            _ => {}
        }
        if depth == 0 && c != ',' {
            items.last_mut().unwrap().push(c);
        }
    }
    items.iter().map(|item| name(item)).filter(|name| !name.is_empty()).collect()
}

/// What a root names of its rooms, with the room that it is from: those may take it from there.
fn exports(root: &str) -> HashMap<String, String> {
    let lines = root.lines().map(|line| line.strip_prefix("pub ").or(line.strip_prefix("pub(crate) ")).unwrap_or(line));
    let root = format!("\n{}", lines.collect::<Vec<_>>().join("\n"));
    let items = root.split("\nuse ").skip(1).filter_map(|rest| rest.split(';').next()?.split_once("::"));
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
    for rooms in &ROOMS {
        let src = rooms.src();
        let exports = exports(&rooms.root());
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
            let prefixes = rooms.prefixes(inside);
            let names = prefixes.iter().flat_map(|prefix| imported(without_tests(&source), prefix));
            let named = names.map(|name| exports.get(&name).cloned().unwrap_or(name));
            for other in named.filter(|name| rooms.is_room(name)) {
                seen += 1;
                assert!(rooms.may_import(room, &other), "{} imports {other}", file.display());
            }
        }
        assert!(seen > 20, "the imports of {} are no longer found: {seen}", src.display());
    }
}

#[test]
fn every_folder_is_a_known_room() {
    for rooms in &ROOMS {
        for entry in
            fs::read_dir(rooms.src()).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir())
        {
            let name = entry.file_name().into_string().unwrap();
            let is_known = rooms.is_room(&name) || name == "tests";
            assert!(is_known, "where does {name} of {} stand?", rooms.src().display());
        }
    }
}

#[test]
fn only_the_module_of_tests_is_left_out() {
    let source = "#[cfg(test)]\nmod tests;\nuse crate::hook;\n#[cfg(test)]\nmod tests {\n    use crate::store;\n}\n";
    assert_eq!(imported(without_tests(source), "crate::"), ["hook"]);
}

#[test]
fn imports_are_found_in_all_their_forms() {
    let source = "use crate::hook::{A, B};\nuse crate::{BoxFuture, store::{self, B},\n    auth::X,\n};\nlet x = crate::app::f();\n// use crate::service;";
    assert_eq!(imported(source, "crate::"), ["hook", "BoxFuture", "store", "auth", "app"]);
    let source =
        "use super::{order::Turn, slots};\nuse super::super::{App, mount::Mount};\nuse crate::app::http::Routes;";
    assert_eq!(imported(source, "super::"), ["order", "slots", "super"]);
    assert_eq!(imported(source, "super::super::"), ["App", "mount"]);
    assert_eq!(imported(source, "crate::app::"), ["http"]);
}

#[test]
fn what_the_root_exports_counts_as_its_room() {
    let all = exports("pub use app::{\n    App,\n    Builder,\n};\nuse auth::Auth;\npub(crate) use hook::Hook;\n");
    let room = |name: &str| all.get(name).map(String::as_str);
    assert_eq!((room("Builder"), room("Hook"), room("Context")), (Some("app"), Some("hook"), None));
    assert_eq!(room("Auth"), Some("auth"));
}
