//! The documentation against the tree: nothing that is not compiled, no link into nowhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn pages(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let pages = entries.flat_map(|path| if path.is_dir() { pages(&path) } else { vec![path] });
    pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// All that people read, but the specification, which is held elsewhere.
fn read_by_people() -> Vec<PathBuf> {
    let root = root();
    let mut all = pages(&root.join("docs"));
    all.retain(|path| !path.starts_with(root.join("docs/spec")));
    all.push(root.join("README.md"));
    all.push(root.join("examples/README.md"));
    all
}

#[test]
fn every_page_with_rust_in_it_is_compiled() {
    let root = root();
    let listed = ["crates/wingbeat/src/pages.rs", "crates/wingbeat-client/src/lib.rs"];
    let listed: String = listed.iter().map(|file| fs::read_to_string(root.join(file)).unwrap()).collect();
    for page in read_by_people() {
        let name = page.strip_prefix(&root).unwrap().to_str().unwrap();
        if fs::read_to_string(&page).unwrap().contains("```rust") {
            assert!(listed.contains(name), "{name} has examples that nobody compiles");
        }
    }
}

/// What a heading is called in a link, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// The lines that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

#[test]
fn links_lead_somewhere() {
    let mut seen = 0;
    for page in read_by_people() {
        let text = fs::read_to_string(&page).unwrap();
        for link in prose(&text).flat_map(|line| line.split("](").skip(1)).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            seen += 1;
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link}", page.display());
            if !place.is_empty() {
                let target = fs::read_to_string(&target).unwrap();
                let anchors: BTreeSet<_> = prose(&target).filter(|line| line.starts_with('#')).map(anchor).collect();
                assert!(anchors.contains(place), "{}: {link}", page.display());
            }
        }
    }
    assert!(seen > 50, "links are no longer found: {seen}");
}

#[test]
fn the_readme_shows_the_clients_example_as_it_is() {
    let root = root();
    let example = fs::read_to_string(root.join("crates/wingbeat-client/examples/hello.rs")).unwrap();
    assert!(fs::read_to_string(root.join("README.md")).unwrap().contains(&example));
}

/// All text of the files below a folder that end so.
fn text_of(folder: &Path, extension: &str) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = entries.map(|path| match path {
        folder if folder.is_dir() => text_of(&folder, extension),
        file if file.extension().is_some_and(|own| own == extension) => fs::read_to_string(file).unwrap(),
        _ => String::new(),
    });
    texts.collect()
}

#[test]
fn the_tests_that_hold_the_protocol_exist() {
    let root = root();
    let (code, vectors) = (text_of(&root.join("crates"), "rs"), text_of(&root.join("conformance/vectors"), "jsonl"));
    let page = fs::read_to_string(root.join("docs/protocol.md")).unwrap();
    let mut seen = 0;
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let held_by = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for (place, name) in held_by.split('`').skip(1).step_by(2).filter_map(|held| held.split_once(": ")) {
            seen += 1;
            for name in name.split(", ").map(|name| name.rsplit("::").next().unwrap()) {
                match place {
                    "vectors" => {
                        assert!(vectors.contains(&format!("\"case\":\"{name}\"")), "{name} is not a recording")
                    }
                    _ => assert!(code.contains(&format!("fn {name}(")), "{place}: there is no test {name}"),
                }
            }
        }
    }
    assert!(seen > 80, "the rows are no longer found: {seen}");
}
