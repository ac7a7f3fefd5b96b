//! The command line against our fixture.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../wingbeat-client/tests/client/fixture.rs"]
#[allow(dead_code, reason = "the client's own tests use the rest")]
mod fixture;

use fixture::{Fixture, Target};
use std::path::PathBuf;
use std::process::{Command, Output};

struct Shell {
    server: Fixture,
    folder: PathBuf,
}

impl Shell {
    fn new(name: &str) -> Shell {
        let folder = std::env::temp_dir().join(format!("wingbeat-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Shell { server: Fixture::start(Target::Wingbeat, "base"), folder }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wingbeat"));
        command.args(["--url", &self.server.url(), "--token-file", "token"]).args(arguments);
        command.current_dir(&self.folder).output().unwrap()
    }

    /// What is printed by a command that succeeds.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn calls_print_json_in_a_pipe_and_tables_when_told() {
    let shell = Shell::new("call");
    let found = shell.says(&["call", "messages", "find", r#"{"$limit":1,"$select":["id","text"]}"#]);
    assert_eq!(found, "{\"id\":1,\"text\":\"one\"}\n");
    let table = shell.says(&["call", "messages", "get", "2", "--output", "table"]);
    assert!(table.starts_with("id  text  userId") && !table.contains('\u{1b}'), "{table}");
    assert_eq!(shell.says(&["call", "tools", "reverse", r#"{"text":"abc"}"#]), "{\"text\":\"cba\"}\n");
}

#[test]
fn errors_go_to_standard_error_with_a_status() {
    let shell = Shell::new("error");
    let output = shell.run(&["call", "messages", "get", "99"]);
    assert!(!output.status.success() && output.stdout.is_empty());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "NotFound: No record found for id '99'\n");
    for wrong in
        [&["call", "messages", "get"][..], &["call", "messages", "create", "{"], &["call", "messages", "find", "1"]]
    {
        assert!(!shell.run(wrong).status.success(), "{wrong:?}");
    }
}

#[test]
fn an_import_continues_where_it_stopped_and_an_export_gives_it_back() {
    let shell = Shell::new("import");
    let file = shell.folder.join("in.jsonl");
    let good: String = (0..250).map(|n| format!("{{\"text\":\"line {n}\"}}\n")).collect();
    std::fs::write(&file, format!("{good}\nno json\n")).unwrap();
    assert!(!shell.run(&["import", "chat", "in.jsonl"]).status.success());
    std::fs::write(&file, format!("{good}\n{{\"text\":\"last\"}}\n")).unwrap();
    shell.says(&["import", "chat", "in.jsonl"]);
    assert!(!shell.folder.join("in.jsonl.progress").exists());
    shell.says(&["export", "chat", "out.jsonl"]);
    let out = std::fs::read_to_string(shell.folder.join("out.jsonl")).unwrap();
    let texts: Vec<_> =
        out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].clone()).collect();
    let wanted: Vec<_> = (0..250).map(|n| format!("line {n}")).chain(["last".to_owned()]).collect();
    assert_eq!(texts, wanted);
}

#[test]
fn a_service_that_takes_one_at_a_time_gets_one_at_a_time() {
    let shell = Shell::new("single");
    std::fs::write(shell.folder.join("in.jsonl"), "{\"a\":1}\n\n{\"a\":2}\n").unwrap();
    shell.says(&["import", "prec", "in.jsonl"]);
    assert_eq!(shell.says(&["export", "prec"]), "{\"a\":1,\"id\":1}\n{\"a\":2,\"id\":2}\n");
}
