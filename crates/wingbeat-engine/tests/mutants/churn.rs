//! Connections that end badly, in three waves.

use super::recorded::masked;
use super::{ALONE, HANDSHAKE, PATIENCE, assert_flat, resident, start, until_empty};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waves_of_dirty_connections_leave_nothing_behind() {
    let _alone = ALONE.lock().await;
    let total: usize = std::env::var("WINGBEAT_CHURN").map_or(3_000, |count| count.parse().expect("a number"));
    let (port, engine) = start().await;
    let wave = async |number: usize| {
        for begun in (0..total / 3).step_by(50) {
            drop(join_all((begun..begun + 50).map(|at| dirty(port, at))).await);
        }
        until_empty(&engine).await;
        eprintln!("after wave {number} of {}: {} KiB", total / 3, resident() / 1024);
        resident()
    };
    let first = wave(1).await;
    wave(2).await;
    assert_flat(first, wave(3).await);
}

/// A client that goes without a goodbye, at one point or another. The connection is reset when it is dropped.
async fn dirty(port: u16, at: usize) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_zero_linger().unwrap();
    match at % 6 {
        // In the middle of a message, without waiting for an answer or with one unread.
        kind @ (0 | 1) => {
            let unfinished = masked(0x01, &vec![b'x'; 20_000]);
            stream.write_all(&[HANDSHAKE, &masked(0x81, b"40"), &unfinished].concat()[..]).await.ok()?;
            if kind == 1 {
                stream.read_exact(&mut [0; 64]).await.ok()?;
            }
        }
        // A poll that is given up.
        2 => {
            let sid = session(&mut stream).await?;
            stream.write_all(request("GET", &sid, "", "").as_bytes()).await.ok()?;
        }
        // A session that has joined, has an answer waiting, and never polls.
        3 => {
            let sid = session(&mut stream).await?;
            stream.write_all(request("POST", &sid, "", "40\u{1e}421[\"a\"]").as_bytes()).await.ok()?;
            answer(&mut stream).await?;
        }
        // A move to a WebSocket that stays half done, and one that is not begun.
        kind => {
            let sid = session(&mut stream).await?;
            let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
            let head = request("GET", &sid, upgrade, "").replace("polling", "websocket");
            stream.write_all(head.as_bytes()).await.ok()?;
            answer(&mut stream).await?;
            if kind == 4 {
                stream.write_all(&masked(0x81, b"2probe")).await.ok()?;
                answer(&mut stream).await?;
            }
        }
    }
    Some(stream)
}

/// Opens a session on long-polling: its id.
async fn session(stream: &mut TcpStream) -> Option<String> {
    stream.write_all(request("GET", "", "", "").as_bytes()).await.ok()?;
    let answer = answer(stream).await?;
    answer.split("\"sid\":\"").nth(1)?.split('"').next().map(str::to_owned)
}

/// What the server writes at once.
async fn answer(stream: &mut TcpStream) -> Option<String> {
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await.expect("an answer").ok()?;
    Some(String::from_utf8_lossy(&answer[..read]).into_owned())
}

fn request(method: &str, sid: &str, headers: &str, body: &str) -> String {
    let sid = if sid.is_empty() { String::new() } else { format!("&sid={sid}") };
    let length = body.len();
    format!(
        "{method} /socket.io/?EIO=4&transport=polling{sid} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\
         {headers}\r\n{body}"
    )
}
