//! The command line against servers that do what a test says.

use crate::scripted::{Listener, OPEN, Peer};
use std::path::PathBuf;
use std::process::{Output, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

/// A folder of its own, which is the home folder as well.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("wingbeat-scripted-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    pub(crate) fn command(&self, url: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wingbeat"));
        command.args(["--url", url]).args(arguments).env("HOME", &self.0).current_dir(&self.0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command and its server; gives how the command ended, and what it said.
    async fn run(&self, arguments: &[&str], server: impl AsyncFnOnce(Listener)) -> (Option<i32>, String) {
        let listener = Listener::bind().await;
        let mut command = self.command(&listener.url(), arguments);
        let (output, ()) = soon(async { tokio::join!(command.output(), server(listener)) }).await;
        let Output { status, stderr, .. } = output.unwrap();
        (status.code(), String::from_utf8(stderr).unwrap())
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(std::time::Duration::from_secs(60), future).await.expect("this should have come long ago")
}

/// Answers the next call; gives what it was.
pub(crate) async fn answer(peer: &mut Peer, with: &str) -> String {
    let asked = peer.receive().await.unwrap();
    let (id, call) = asked.strip_prefix("42").and_then(|rest| rest.split_once('[')).unwrap();
    peer.send(&format!("43{id}{with}")).await;
    call.to_owned()
}

/// Answers the next call with an error that would command a terminal, and waits for the end.
async fn say_much(listener: Listener) {
    let mut peer = listener.joined().await;
    let message = r#"\u001b[31mred\u0007\n\u009b2J"#;
    answer(&mut peer, &format!(r#"[{{"name":"BadRequest","code":400,"message":"{message}","data":"{message}"}}]"#))
        .await;
    while peer.receive().await.is_some() {}
}

#[tokio::test]
async fn an_export_that_fails_on_its_way_leaves_the_file_as_it_was() {
    let folder = Folder::new("export");
    let file = folder.write("out.jsonl", "of last time");
    let (code, _) = folder
        .run(&["export", "messages", "out.jsonl"], async |listener| {
            let mut peer = listener.joined().await;
            answer(&mut peer, r#"[null,{"total":2,"limit":1,"skip":0,"data":[{"id":1}]}]"#).await;
            peer.receive().await;
        })
        .await;
    assert_eq!(code, Some(1));
    assert_eq!(std::fs::read_to_string(file).unwrap(), "of last time");
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1);
}

#[tokio::test]
async fn half_an_emoji_stops_neither_an_export_nor_an_import() {
    let folder = Folder::new("emoji");
    let (code, said) = folder
        .run(&["export", "messages", "out.jsonl"], async |listener| {
            let mut peer = listener.joined().await;
            answer(&mut peer, r#"[null,[{"id":1.0,"text":"cut \ud83d"}]]"#).await;
            while peer.receive().await.is_some() {}
        })
        .await;
    assert_eq!((code, &*said), (Some(0), ""));
    assert_eq!(std::fs::read_to_string(folder.0.join("out.jsonl")).unwrap(), "{\"id\":1,\"text\":\"cut \u{fffd}\"}\n");
    folder.write("in.jsonl", "{\"text\":\"cut \\ud83d\"}\n{\"n\":2.0}\n");
    let (code, said) = folder
        .run(&["import", "messages", "in.jsonl"], async |listener| {
            let mut peer = listener.joined().await;
            let call = answer(&mut peer, "[null,[{},{}]]").await;
            assert_eq!(call, r#""create","messages",[{"text":"cut \ud83d"},{"n":2.0}],{}]"#);
            while peer.receive().await.is_some() {}
        })
        .await;
    assert_eq!((code, &*said), (Some(0), "Imported 2 lines\n"));
}

#[tokio::test]
async fn an_export_that_is_interrupted_leaves_nothing_behind() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        for before in [None, Some("of last time")] {
            let (folder, listener) = (Folder::new("interrupted"), Listener::bind().await);
            let file = folder.0.join("out.jsonl");
            before.into_iter().for_each(|text| drop(folder.write("out.jsonl", text)));
            let child = folder.command(&listener.url(), &["export", "messages", "out.jsonl"]).spawn().unwrap();
            let mut peer = soon(listener.joined()).await;
            soon(answer(&mut peer, r#"[null,{"total":2,"limit":1,"skip":0,"data":[{"id":1}]}]"#)).await;
            // The first page is written, and the second asked for.
            soon(peer.receive()).await.unwrap();
            assert!(folder.0.join("out.jsonl.part").exists());
            let id = child.id().unwrap().to_string();
            assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
            while soon(peer.receive()).await.is_some() {}
            let Output { status, stderr, .. } = soon(child.wait_with_output()).await.unwrap();
            let said = String::from_utf8(stderr).unwrap();
            assert!(
                status.code() == Some(1) && said.contains("Interrupted: out.jsonl is as it was"),
                "{signal}: {said}"
            );
            assert_eq!(std::fs::read_to_string(file).ok().as_deref(), before);
            assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), before.iter().count(), "{signal}");
        }
    }
}

#[tokio::test]
async fn a_service_that_gives_the_same_page_again_and_again_is_no_endless_export() {
    let folder = Folder::new("endless");
    let (code, said) = folder
        .run(&["export", "messages", "out.jsonl"], async |listener| {
            let mut peer = listener.joined().await;
            for _ in 0..2 {
                answer(&mut peer, r#"[null,{"total":9,"limit":1,"skip":0,"data":[{"id":"a"}]}]"#).await;
            }
            while peer.receive().await.is_some() {}
        })
        .await;
    assert!(code == Some(1) && said.contains("the service does not sort by it"), "{said}");
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[tokio::test]
async fn a_watch_ends_when_the_server_refuses_it() {
    let folder = Folder::new("watch");
    let (code, said) = folder
        .run(&["watch", "messages"], async |listener| {
            drop(listener.joined().await);
            let (mut peer, _) = listener.websocket().await;
            peer.send(OPEN).await;
            peer.receive().await;
            peer.send(r#"44{"message":"not you","data":{"why":1}}"#).await;
            while peer.receive().await.is_some() {}
        })
        .await;
    assert_eq!(code, Some(1));
    assert!(said.ends_with("Forbidden: not you\n{\"why\":1}\n"), "{said}");
}

#[tokio::test]
async fn a_batch_that_fails_says_which_lines_may_exist() {
    let folder = Folder::new("batch");
    let refusal = r#"[{"name":"Conflict","code":409,"message":"there is one"}]"#;
    for (lines, words) in [
        (4, "Stopped after line 2. Lines 3 to 4 were sent together, and some may exist: look before you continue.\n"),
        (3, "Stopped after line 2; the same command continues there.\n"),
    ] {
        folder.write("in.jsonl", &"{\"a\":1}\n".repeat(lines));
        let (code, said) = folder
            .run(&["import", "chat", "in.jsonl", "--batch", "2", "--from-start"], async |listener| {
                let mut peer = listener.joined().await;
                answer(&mut peer, "[null,[{},{}]]").await;
                answer(&mut peer, refusal).await;
                while peer.receive().await.is_some() {}
            })
            .await;
        assert_eq!((code, said), (Some(1), format!("{words}Conflict: there is one\n")));
    }
}

#[tokio::test]
async fn what_a_server_says_commands_no_terminal() {
    let folder = Folder::new("terminal");
    let (code, said) = folder.run(&["call", "messages", "get", "1"], say_much).await;
    assert_eq!((code, said.lines().count()), (Some(1), 2));
    assert!(said.contains("red") && said.chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
}

#[tokio::test]
async fn a_command_that_nobody_listens_to_ends_as_it_should() {
    let (folder, listener) = (Folder::new("closed"), Listener::bind().await);
    let mut child = folder.command(&listener.url(), &["call", "messages", "get", "1"]).spawn().unwrap();
    drop(child.stderr.take());
    let (status, ()) = soon(async { tokio::join!(child.wait(), say_much(listener)) }).await;
    assert_eq!(status.unwrap().code(), Some(1));
}

#[tokio::test]
async fn the_password_is_asked_for_before_anything_is_connected() {
    let (folder, listener) = (Folder::new("password"), Listener::bind().await);
    let url = listener.url();
    drop(listener);
    // Both processes read at the same place: what the command has read is gone here.
    let mut input = std::fs::File::open(folder.write("input", "secret\n")).unwrap();
    let mut command = folder.command(&url, &["login", "ann@example.com"]);
    let output = soon(command.stdin(input.try_clone().unwrap()).output()).await.unwrap();
    assert!(!output.status.success());
    assert_eq!(std::io::Seek::stream_position(&mut input).unwrap(), 7);
}

#[tokio::test]
async fn the_timeout_is_one_for_connecting_as_well() {
    let folder = Folder::new("timeout");
    let (code, said) = folder
        .run(&["call", "messages", "get", "1", "--timeout", "1"], async |listener| {
            // One for the WebSocket and one for polling: silent until the command has gone.
            for mut silent in [listener.tcp().await, listener.tcp().await] {
                let _ = silent.read_to_end(&mut Vec::new()).await;
            }
        })
        .await;
    assert_eq!(code, Some(1));
    assert!(said.contains("no connection within 1s"), "{said}");
}

#[tokio::test]
async fn a_pipe_that_is_slow_keeps_no_heartbeat_waiting() {
    let (folder, listener) = (Folder::new("slow"), Listener::bind().await);
    let mut command = folder.command(&listener.url(), &["import", "chat", "/dev/stdin", "--batch", "1"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut peer = soon(listener.joined()).await;
    // It waits for a line, and answers nevertheless.
    peer.send("2").await;
    assert_eq!(soon(peer.receive()).await.as_deref(), Some("3"));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"{\"a\":1}\n").await.unwrap();
    drop(stdin);
    assert_eq!(soon(answer(&mut peer, "[null,{}]")).await, r#""create","chat",{"a":1},{}]"#);
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert_eq!(soon(said.next_line()).await.unwrap().as_deref(), Some("Imported 1 lines"));
    assert!(soon(child.wait()).await.unwrap().success());
}
