//! The command line against the original server and ours.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../../wingbeat-client/tests/client/encrypted.rs"]
#[allow(dead_code, reason = "the client's own tests use the rest")]
mod encrypted;
#[path = "../../../wingbeat-client/tests/client/fixture.rs"]
#[allow(dead_code, reason = "the client's own tests use the rest")]
mod fixture;
mod reach;
#[path = "../../../wingbeat-client/tests/client/scripted.rs"]
#[allow(dead_code, reason = "the client's own tests use the rest")]
mod scripted;
mod scripts;

use fixture::{Fixture, Target};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

struct Shell {
    server: Fixture,
    folder: PathBuf,
}

const BOTH: [Target; 2] = [Target::Node, Target::Wingbeat];

impl Shell {
    fn new(name: &str, target: Target) -> Shell {
        let folder = std::env::temp_dir().join(format!("wingbeat-{name}-{target:?}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Shell { server: Fixture::start(target, "base"), folder }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wingbeat"));
        command.args(["--url", &self.server.url()]).args(arguments);
        // The token's file is in the home folder.
        command.env("HOME", &self.folder).current_dir(&self.folder);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that reads this from its standard input.
    fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let pipes = [Stdio::piped(), Stdio::piped(), Stdio::piped()];
        let [stdin, stdout, stderr] = pipes;
        let mut child = self.command(arguments).stdin(stdin).stdout(stdout).stderr(stderr).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
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
    for target in BOTH {
        let shell = Shell::new("call", target);
        let found = shell.says(&["call", "messages", "find", r#"{"$limit":1,"$select":["id","text"]}"#]);
        assert_eq!(found, "{\"id\":1,\"text\":\"one\"}\n");
        let table = shell.says(&["call", "messages", "get", "2", "--output", "table"]);
        assert!(table.starts_with("id  text  userId") && !table.contains('\u{1b}'), "{table}");
        assert_eq!(shell.says(&["call", "tools", "reverse", r#"{"text":"abc"}"#]), "{\"text\":\"cba\"}\n");
        // Where it means nothing it is no option.
        assert_eq!(shell.run(&["export", "messages", "--output", "table"]).status.code(), Some(2));
    }
}

#[test]
fn errors_go_to_standard_error_with_a_status() {
    for target in BOTH {
        let shell = Shell::new("error", target);
        let output = shell.run(&["call", "messages", "get", "99"]);
        assert!(!output.status.success() && output.stdout.is_empty());
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "NotFound: No record found for id '99'\n");
        for id in [&["-1"][..], &["--", "-x"]] {
            let output = shell.run(&[&["call", "messages", "get"], id].concat());
            let said = format!("NotFound: No record found for id '{}'\n", id[id.len() - 1]);
            assert_eq!(String::from_utf8(output.stderr).unwrap(), said);
        }
        for wrong in
            [&["call", "messages", "get"][..], &["call", "messages", "create", "{"], &["call", "messages", "find", "1"]]
        {
            assert!(!shell.run(wrong).status.success(), "{wrong:?}");
        }
    }
}

#[test]
fn an_import_continues_where_it_stopped_and_an_export_gives_it_back() {
    for target in BOTH {
        let shell = Shell::new("import", target);
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
}

#[test]
fn an_import_goes_in_batches_that_the_server_accepts() {
    for target in BOTH {
        let shell = Shell::new("bytes", target);
        let line = |n: usize, len: usize| format!("{{\"id\":{n},\"text\":\"{}\"}}\n", "x".repeat(len));
        let mut lines: String = (1..=400).map(|n| line(n, 20_000)).collect();
        // Alone as large as may be, and what the same batch would have held behind it.
        lines.push_str(&line(401, 999_900));
        lines.push_str(&line(402, 1));
        std::fs::write(shell.folder.join("in.jsonl"), &lines).unwrap();
        shell.says(&["import", "chat", "in.jsonl"]);
        assert_eq!(shell.says(&["export", "chat"]), lines);
    }
}

#[test]
fn a_record_that_is_too_large_is_named_with_its_line_and_sizes() {
    for target in BOTH {
        let shell = Shell::new("toolarge", target);
        let large = format!("{{\"text\":\"{}\"}}", "x".repeat(1_100_000));
        let file = shell.folder.join("in.jsonl");
        std::fs::write(&file, format!("{{\"n\":1}}\n\n{{\"n\":2}}\n{large}\n{{\"n\":3}}\n")).unwrap();
        let output = shell.run(&["import", "chat", "in.jsonl"]);
        let said = String::from_utf8(output.stderr).unwrap();
        let size = "42?[\"create\",\"chat\",,{}]".len() + large.len();
        let expected = format!(
            "Stopped after line 3; the same command continues there.\nLine 4 is too large: the message would \
             have {size} bytes, and the server accepts 1000000\n"
        );
        assert_eq!((output.status.success(), said), (false, expected));
        std::fs::write(&file, "{\"n\":1}\n\n{\"n\":2}\n{}\n{\"n\":3}\n").unwrap();
        shell.says(&["import", "chat", "in.jsonl"]);
        assert_eq!(shell.says(&["export", "chat"]).lines().count(), 4, "each once");
    }
}

#[test]
fn what_is_exported_can_be_imported() {
    for target in BOTH {
        let shell = Shell::new("again", target);
        let deep = "{\"a\":".repeat(200) + "1" + &"}".repeat(200);
        let lines = format!(
            "{{\"id\":1,\"deep\":{deep}}}\n{{\"id\":2,\"text\":\"\\u0000\u{2028}\u{feff}\u{85}\\n\",\"n\":1e-7}}\n"
        );
        std::fs::write(shell.folder.join("in.jsonl"), &lines).unwrap();
        shell.says(&["import", "chat", "in.jsonl"]);
        shell.says(&["export", "chat", "out.jsonl"]);
        assert_eq!(std::fs::read_to_string(shell.folder.join("out.jsonl")).unwrap(), lines);
        shell.says(&["call", "chat", "remove", "1"]);
        shell.says(&["call", "chat", "remove", "2"]);
        shell.says(&["import", "chat", "out.jsonl"]);
        assert_eq!(shell.says(&["export", "chat"]), lines);
    }
}

#[test]
fn the_mark_at_the_beginning_of_a_file_is_no_part_of_its_first_line() {
    let shell = Shell::new("mark", Target::Node);
    for (lines, expected) in [("{\"id\":1}\r\n{\"id\":2}\r\n", 2), ("\n{\"id\":3}", 3)] {
        std::fs::write(shell.folder.join("in.jsonl"), format!("\u{feff}{lines}")).unwrap();
        shell.says(&["import", "chat", "in.jsonl"]);
        assert_eq!(shell.says(&["export", "chat"]).lines().count(), expected);
    }
}

#[test]
fn an_export_by_position_says_what_that_means() {
    for target in BOTH {
        let shell = Shell::new("position", target);
        let export = |query: &str| shell.run(&["export", "paged", "--query", query]);
        for query in [r#"{"$sort":{"n":1}}"#, r#"{"$skip":0,"$sort":{"id":-1}}"#] {
            let output = export(query);
            assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 5);
            assert!(String::from_utf8(output.stderr).unwrap().contains("may be missing or come twice"), "{query}");
        }
        for query in ["{}", r#"{"$sort":{"id":1}}"#] {
            let output = export(query);
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
            assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 5);
        }
    }
}

#[test]
fn an_import_that_stopped_goes_on_only_where_it_was() {
    let shell = Shell::new("elsewhere", Target::Node);
    std::fs::write(shell.folder.join("in.jsonl"), "{\"a\":1}\n{\"a\":2}\nno json\n").unwrap();
    assert!(!shell.run(&["import", "chat", "in.jsonl", "--batch", "1"]).status.success());
    let elsewhere = shell.run(&["import", "prec", "in.jsonl", "--batch", "1"]);
    let said = String::from_utf8(elsewhere.stderr).unwrap();
    assert!(!elsewhere.status.success() && said.contains("chat") && said.contains("--from-start"), "{said}");
    assert_eq!(shell.says(&["export", "prec"]), "");
    // A file that has become shorter is another.
    std::fs::write(shell.folder.join("in.jsonl"), "{\"a\":1}\n").unwrap();
    let shorter = shell.run(&["import", "chat", "in.jsonl"]);
    let said = String::from_utf8(shorter.stderr).unwrap();
    assert!(!shorter.status.success() && said.contains("--from-start"), "{said}");
}

#[test]
fn a_pipe_is_imported_and_exported() {
    for target in BOTH {
        let shell = Shell::new("pipe", target);
        let lines: String = (1..=150).map(|n| format!("{{\"n\":{n},\"id\":{n}}}\n")).collect();
        let imported = shell.run_with(&["import", "chat", "/dev/stdin"], &lines);
        assert!(imported.status.success(), "{imported:?}");
        assert_eq!(String::from_utf8(imported.stderr).unwrap(), "Imported 150 lines\n");
        assert_eq!(shell.says(&["export", "chat", "/dev/stdout"]), lines);
        let fifo = shell.folder.join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let reader = std::thread::spawn({
            let fifo = fifo.clone();
            move || std::fs::read_to_string(fifo).unwrap()
        });
        shell.says(&["export", "chat", "fifo"]);
        assert_eq!(reader.join().unwrap(), lines);
        let writer = std::thread::spawn(move || std::fs::write(fifo, "{\"id\":151}\n").unwrap());
        shell.says(&["import", "chat", "fifo"]);
        writer.join().unwrap();
        assert_eq!(shell.says(&["call", "chat", "get", "151"]), "{\"id\":151}\n");
    }
}

#[test]
fn an_export_takes_the_place_of_the_file_behind_a_link_and_keeps_who_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let shell = Shell::new("link", Target::Node);
    let [file, link] = ["out.jsonl", "link"].map(|name| shell.folder.join(name));
    std::fs::write(&file, "of last time").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    shell.says(&["export", "messages", "link"]);
    assert!(std::fs::symlink_metadata(link).unwrap().is_symlink());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(file).unwrap(), shell.says(&["export", "messages"]));
}

#[test]
fn an_export_that_fails_leaves_the_file_as_it_was() {
    let shell = Shell::new("kept", Target::Node);
    let file = shell.folder.join("out.jsonl");
    std::fs::write(&file, "of last time").unwrap();
    assert!(!shell.run(&["export", "nothing", "out.jsonl"]).status.success());
    assert_eq!(std::fs::read_to_string(file).unwrap(), "of last time");
}

#[test]
fn who_has_read_enough_ends_the_command() {
    let shell = Shell::new("enough", Target::Node);
    let large = format!(r#"[{{"text":"{0}"}},{{"text":"{0}"}}]"#, "x".repeat(60_000));
    shell.says(&["call", "chat", "create", &large]);
    for command in [&["export", "chat"][..], &["call", "chat", "find"], &["watch", "messages"]] {
        let mut child = shell.command(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        if command[0] == "watch" {
            assert_eq!(said.next().unwrap().unwrap(), "watching messages");
            shell.says(&["call", "messages", "create", r#"{"text":"hello"}"#]);
        }
        assert!(child.wait().unwrap().success());
        assert_eq!(said.next().map(Result::unwrap), None, "{command:?}");
    }
}

#[test]
fn a_service_that_takes_one_at_a_time_gets_one_at_a_time() {
    for target in BOTH {
        let shell = Shell::new("single", target);
        std::fs::write(shell.folder.join("in.jsonl"), "{\"a\":1}\n\n{\"a\":2}\n").unwrap();
        shell.says(&["import", "prec", "in.jsonl"]);
        assert_eq!(shell.says(&["export", "prec"]), "{\"a\":1,\"id\":1}\n{\"a\":2,\"id\":2}\n");
    }
}

#[test]
fn a_login_is_kept_for_the_next_commands_until_the_logout() {
    for target in BOTH {
        let shell = Shell::new("login", target);
        assert!(!shell.run(&["call", "secure", "find"]).status.success());
        let wrong = shell.run_with(&["login", "ann@example.com"], "nope\n");
        assert!(!wrong.status.success());
        assert_eq!(String::from_utf8(wrong.stderr).unwrap(), "NotAuthenticated: Invalid login\n");
        let right = shell.run_with(&["login", "ann@example.com"], "secret1\n");
        assert!(right.status.success() && String::from_utf8(right.stderr).unwrap().contains("Ann"));
        let port = shell.server.port;
        let token = shell.folder.join(format!(".wingbeat-token-http-127.0.0.1-{port}"));
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&token).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        let secure = shell.says(&["call", "secure", "find"]);
        assert!(secure.contains(r#""name":"Ann""#), "{secure}");
        shell.says(&["logout"]);
        assert!(!token.exists());
        assert!(!shell.run(&["call", "secure", "find"]).status.success());
        // A token that is no good any more is no reason to stay logged in.
        std::fs::write(&token, "not.a.token").unwrap();
        shell.says(&["logout"]);
        assert!(!token.exists());
    }
}

#[test]
fn a_watch_prints_what_happens_until_it_is_interrupted() {
    for target in BOTH {
        let shell = Shell::new("watch", target);
        let mut watch = shell.command(&["watch", "messages"]);
        let mut watch = watch.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
        let mut said = BufReader::new(watch.stderr.take().unwrap()).lines();
        assert_eq!(said.next().unwrap().unwrap(), "watching messages");
        shell.says(&["call", "messages", "create", r#"{"text":"hello"}"#]);
        let heard = lines.next().unwrap().unwrap();
        assert!(heard.starts_with(r#"{"event":"created","data":{"text":"hello","id":"#), "{heard}");
        let interrupted = Command::new("kill").args(["-INT", &watch.id().to_string()]).status().unwrap();
        assert!(interrupted.success() && watch.wait().unwrap().success());
    }
}
