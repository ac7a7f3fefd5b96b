//! The command line, through proxies and to servers with certificates of their own.

use crate::encrypted::Identity;
use crate::scripted::Listener;
use crate::scripts::{Folder, answer, soon};
use std::process::Output;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

const GET: [&str; 4] = ["call", "messages", "get", "1"];

fn said(output: Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn a_certificate_is_trusted_that_a_file_holds_or_whatever_it_is() {
    let (folder, identity) = (Folder::new("ca"), Identity::as_by_openssl(Some("localhost"), 2400));
    let listener = Listener::bind().await;
    let port = listener.url().rsplit_once(':').unwrap().1.parse().unwrap();
    let url = identity.before(port).await;
    folder.write("ca.pem", &identity.pem);
    for options in [&["--ca", "ca.pem"][..], &["--insecure"]] {
        let mut command = folder.command(&url, &[&GET[..], options].concat());
        let server = async {
            let mut peer = listener.joined().await;
            answer(&mut peer, "[null,{}]").await;
            while peer.receive().await.is_some() {}
        };
        let (output, ()) = soon(async { tokio::join!(command.output(), server) }).await;
        let output = output.unwrap();
        assert!(output.status.success(), "{options:?}: {output:?}");
    }
    let (code, words) = said(soon(folder.command(&url, &GET).output()).await.unwrap());
    assert!(code == Some(1) && words.contains("CA:TRUE") && words.contains("--ca FILE"), "{words}");
    folder.write("no.pem", "nothing");
    for (file, why) in [("missing.pem", "missing.pem: No such file"), ("no.pem", "Missing certificate")] {
        let (code, words) =
            said(soon(folder.command(&url, &[&GET[..], &["--ca", file]].concat()).output()).await.unwrap());
        assert!(code == Some(1) && words.contains(why), "{words}");
    }
}

#[tokio::test]
async fn the_proxy_of_the_environment_is_used_unless_it_is_not_for_this_server() {
    let folder = Folder::new("proxy");
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let listener = Listener::bind().await;
        let mut command = folder.command("http://chat.example", &GET);
        command.env(variable, listener.url().replace("://", "://ann:secret@"));
        let server = async {
            let mut tcp = BufReader::new(listener.tcp().await);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                tcp.read_line(&mut head).await.unwrap();
            }
            assert!(head.starts_with("CONNECT chat.example:80 HTTP/1.1\r\n"), "{head}");
            assert!(head.contains("\r\nProxy-Authorization: Basic YW5uOnNlY3JldA==\r\n"), "{head}");
            tcp.write_all(b"HTTP/1.1 403 Not you\r\n\r\n").await.unwrap();
            // By polling, then.
            let mut tcp = BufReader::new(listener.tcp().await);
            let mut line = String::new();
            tcp.read_line(&mut line).await.unwrap();
            assert!(line.starts_with("GET http://chat.example/socket.io/?"), "{line}");
            tcp.write_all(b"HTTP/1.1 403 Not you\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
        };
        let (output, ()) = soon(async { tokio::join!(command.output(), server) }).await;
        let (code, words) = said(output.unwrap());
        assert!(code == Some(1) && words.contains("403") && !words.contains("secret"), "{words}");
    }
    let listener = Listener::bind().await;
    let mut command = folder.command(&listener.url(), &GET);
    command.env("HTTP_PROXY", "http://127.0.0.1:1").env("no_proxy", "127.0.0.0/8");
    let server = async {
        let mut peer = listener.joined().await;
        answer(&mut peer, "[null,{}]").await;
        while peer.receive().await.is_some() {}
    };
    let (output, ()) = soon(async { tokio::join!(command.output(), server) }).await;
    assert!(output.unwrap().status.success());
}
