//! Whole sessions: a client's bytes against a server in memory.

use super::{run, server};
use crate::engine::TransportState;
use crate::http::propose;
use crate::peer::Handshake;
use crate::session::Session;
use crate::ws::{Io, WebSocket};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tower_service::Service;

/// Bits of the first byte: long-polling, MessagePack, whether the client stays silent in the end instead of going, and
/// long-polling that asks for several things at once and may move to a WebSocket.
pub fn session(data: &[u8]) {
    let [kind, said @ ..] = data else { return };
    let (engine, echo) = server(kind & 2 != 0);
    run(async {
        let talk = async {
            match kind & 9 {
                0 | 8 => websocket(&engine, said, kind & 4 != 0).await,
                1 => polling(&engine, said).await,
                _ => moving(&engine, said, kind & 4 != 0).await,
            }
            while engine.connections() > 0 {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), talk).await.expect("the session ends");
    });
    let counts = (echo.connected.load(Ordering::SeqCst), echo.disconnected.load(Ordering::SeqCst));
    assert_eq!(counts.0, counts.1, "sockets that came and that went");
}

async fn websocket(engine: &crate::Engine, said: &[u8], stays: bool) {
    let (mut client, stream) = tokio::io::duplex(16 * 1024);
    let (parts, ()) = Request::new(()).into_parts();
    let Ok(handle) = engine.0.register(Handshake::new(&parts, &engine.0.config), TransportState::WebSocket) else {
        return;
    };
    let running = tokio::spawn(Session::on_websocket(handle, WebSocket::new(Io::Other(Box::new(stream)), b"")));
    let _ = client.write_all(said).await;
    if !stays {
        let _ = client.shutdown().await;
    }
    let mut heard = Vec::new();
    let _ = client.read_to_end(&mut heard).await;
    running.await.expect("a session does not panic");
    well_formed(&heard);
}

/// All that a server sends is whole frames of these kinds, without masks.
fn well_formed(mut frames: &[u8]) {
    while let [first, second, ..] = *frames {
        assert!(matches!(first, 0x81 | 0x82 | 0x88 | 0x8a) && second < 0x80, "{first:#x} {second:#x}");
        let (at, len) = match second {
            126 => (4, frames.get(2..4).map(|len| usize::from(len[0]) << 8 | usize::from(len[1]))),
            len => (2, Some(usize::from(len))),
        };
        assert_ne!(second, 127, "nothing here is as long");
        // The last one may have been cut off with the connection.
        let Some(rest) = len.and_then(|len| frames.get(at + len..)) else { return };
        frames = rest;
    }
}

/// Bytes 0xff stand between requests; an empty one is a poll.
async fn polling(engine: &crate::Engine, said: &[u8]) {
    let Some((_, url)) = open(engine).await else { return };
    for body in said.split(|&byte| byte == 0xff) {
        let asked = async {
            if body.is_empty() {
                ask(engine, Request::get(&url), b"").await
            } else {
                ask(engine, Request::post(&url), body).await
            }
        };
        // A poll that waits too long is given up, which ends the session.
        let Ok((status, _)) = tokio::time::timeout(Duration::from_millis(100), asked).await else { return };
        assert!(matches!(status, 200 | 400 | 413), "{status}");
    }
}

/// The same with polls that stay open while the client does other things. What begins with 0xfe is said on a WebSocket
/// that the session is to move to, which is opened when there is none; 0xfd lets the server come to rest.
async fn moving(engine: &crate::Engine, said: &[u8], stays: bool) {
    let Some((sid, url)) = open(engine).await else { return };
    let mut polls = JoinSet::new();
    let (mut ws, mut heard) = (None, JoinSet::new());
    for step in said.split(|&byte| byte == 0xff) {
        match step {
            [] => drop(polls.spawn({
                let (engine, request) = (engine.clone(), Request::get(&url));
                async move { ask(&engine, request, b"").await }
            })),
            [0xfd] => tokio::time::sleep(Duration::from_millis(10)).await,
            [0xfe, frames @ ..] => {
                if ws.is_none() {
                    let Some(handle) = engine.0.find(&sid) else { continue };
                    let (client, stream) = tokio::io::duplex(16 * 1024);
                    propose(&handle, WebSocket::new(Io::Other(Box::new(stream)), b""));
                    let (mut read, write) = tokio::io::split(client);
                    heard.spawn(async move {
                        let mut heard = Vec::new();
                        let _ = read.read_to_end(&mut heard).await;
                        heard
                    });
                    ws = Some(write);
                }
                let Some(client) = &mut ws else { continue };
                let written = tokio::time::timeout(Duration::from_millis(100), client.write_all(frames)).await;
                if !matches!(written, Ok(Ok(()))) {
                    ws = None;
                }
            }
            body => {
                let asked = ask(engine, Request::post(&url), body);
                // One that waits too long is given up, which ends the session.
                let Ok((status, _)) = tokio::time::timeout(Duration::from_millis(100), asked).await else { break };
                assert!(matches!(status, 200 | 400 | 413), "{status}");
            }
        }
    }
    if let Some(mut client) = ws.filter(|_| !stays) {
        let _ = client.shutdown().await;
    }
    // The session ends by itself, and with it whatever waits for it.
    while let Some(answer) = polls.join_next().await {
        let (status, _) = answer.expect("a poll does not panic");
        assert!(matches!(status, 200 | 400 | 413), "{status}");
    }
    while let Some(frames) = heard.join_next().await {
        well_formed(&frames.expect("it is only read"));
    }
}

/// A session on long-polling: its id, and the path of its requests.
async fn open(engine: &crate::Engine) -> Option<(String, String)> {
    let url = "/socket.io/?EIO=4&transport=polling";
    let (_, opened) = ask(engine, Request::get(url), b"").await;
    let sid = opened.split('"').nth(3)?;
    Some((sid.to_owned(), format!("{url}&sid={sid}")))
}

async fn ask(engine: &crate::Engine, request: http::request::Builder, body: &[u8]) -> (u16, String) {
    let request = request.body(Full::new(Bytes::copy_from_slice(body))).expect("a request");
    let Ok(response) = engine.service().call(request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    (status, String::from_utf8_lossy(&body).into_owned())
}
