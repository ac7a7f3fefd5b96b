//! The list of attacks in the documentation against the tests.

use std::fs;
use std::path::Path;

fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { sources(&path) } else { fs::read_to_string(path).unwrap_or_default() })
        .collect()
}

#[test]
fn every_attack_that_the_documentation_names_is_tried() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/authentication.md")).unwrap();
    let (_, list) = page.split_once("| attack | the test that holds it |\n").unwrap();
    let folders =
        ["crates/wingbeat/src/auth", "crates/wingbeat/tests", "crates/wingbeat-engine/src", "conformance/interop"];
    let tests: String = folders.iter().map(|folder| sources(&root.join(folder))).collect();
    let mut tried = 0;
    for row in list.lines().skip(1).take_while(|line| line.starts_with('|')) {
        let names: Vec<_> = row.rsplit(" | ").next().unwrap().split('`').skip(1).step_by(2).collect();
        let names = names.iter().filter_map(|name| name.rsplit("::").next()).filter(|name| !name.contains('.'));
        let mut count = 0;
        for name in names {
            assert!(tests.contains(&format!("fn {name}()")) || tests.contains(&format!("test('{name}'")), "{name}");
            count += 1;
        }
        assert!(count > 0, "nothing tries {row}");
        tried += count;
    }
    assert!(tried > 20, "the list is no longer found: {tried}");
}
