mod refused;
mod tickets;

use crate::Rest;
use crate::app::{App, HttpBody, Mount};
use crate::prelude::*;
use crate::store::{Uploads, uuid};
use crate::test::Client;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Request};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::oneshot;
use tower_service::Service as _;
use wingbeat_engine::Cors;

/// An application with files, in a folder that goes with it.
struct Files {
    app: App,
    folder: PathBuf,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Files {
    async fn new() -> Files {
        Files::with(|uploads| uploads, |mount| mount).await
    }

    async fn with(options: impl Fn(Uploads) -> Uploads, hooks: impl Fn(Mount) -> Mount) -> Files {
        let folder = std::env::temp_dir().join(format!("wingbeat-files-{}", uuid()));
        let uploads = options(Uploads::to(&folder).max(1000));
        let app = App::builder()
            .mount("files", hooks(Mount::new(uploads)))
            .configure(Rest::new().cors(Cors::origins(["https://friend.example"])))
            .build()
            .unwrap();
        app.setup().await.unwrap();
        Files { app, folder }
    }

    async fn send<B>(&self, request: http::request::Builder, body: B) -> Answer
    where
        B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        let request = request.header("host", "chat.example").body(body).unwrap();
        let (head, body): (_, HttpBody) = self.app.http().call(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    async fn post(&self, media: &str, name: &str, body: &str) -> Answer {
        let request = Request::post("/files").header("content-type", media).header("content-length", body.len());
        let request = request.header("content-disposition", format!("attachment; filename=\"{name}\""));
        self.send(request, Full::from(body.to_owned())).await
    }

    async fn form(&self, parts: &[&str]) -> Answer {
        let request = Request::post("/files").header("content-type", "multipart/form-data; boundary=xyz");
        self.send(request, Full::from(written(parts))).await
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
        self.send(request, Full::default()).await
    }

    /// A text file, and the path of its content.
    async fn stored(&self, body: &str) -> (Value, String) {
        let record = self.post("text/plain", "a.txt", body).await;
        assert_eq!(record.status, 201, "{:?}", record.body);
        let record = record.json();
        let path = format!("/files/{}/content", record["id"].as_str().unwrap());
        (record, path)
    }

    /// How many files are in the folder, whole or not.
    fn count(&self) -> usize {
        fs::read_dir(&self.folder).unwrap().count() - 1
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// A form: each part is its headers, an empty line and its body.
fn written(parts: &[&str]) -> String {
    let parts: String =
        parts.iter().map(|part| format!("--xyz\r\nContent-Disposition: form-data; {part}\r\n")).collect();
    format!("{parts}--xyz--\r\n")
}

fn frames(
    chunks: Vec<Result<&'static str, &'static str>>,
) -> impl stream::Stream<Item = Result<Frame<Bytes>, std::io::Error>> {
    stream::iter(chunks).map(|chunk| chunk.map(|text| Frame::data(Bytes::from(text))).map_err(std::io::Error::other))
}

const SHA256_OF_HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

#[tokio::test]
async fn a_body_becomes_a_file_with_a_record() {
    let files = Files::new().await;
    let (record, path) = files.stored("hello").await;
    assert_eq!((&record["name"], &record["type"], &record["size"]), (&json!("a.txt"), &json!("text/plain"), &json!(5)));
    assert_eq!(record["sha256"], SHA256_OF_HELLO);
    assert!(record["createdAt"].as_u64().is_some());
    let content = files.get(&path, &[]).await;
    assert_eq!((content.status, &*content.body), (200, &b"hello"[..]));
    assert_eq!(content.header("content-type"), Some("text/plain"));
    assert_eq!(content.header("content-disposition"), Some("attachment; filename*=UTF-8''a.txt"));
    assert_eq!(content.header("content-length"), Some("5"));
    let found = files.get("/files?type=text/plain", &[]).await.json();
    assert_eq!(found, json!([record]));
    assert_eq!(files.count(), 2);
    let one = format!("/files/{}", record["id"].as_str().unwrap());
    assert_eq!(files.send(Request::delete(one), Full::default()).await.json(), record);
    assert_eq!((files.count(), files.get(&path, &[]).await.status), (0, 404));
}

#[tokio::test]
async fn a_form_is_fields_and_a_file() {
    let files = Files::new().await;
    let file = "name=\"file\"; filename=\"../F\u{fc}\u{df}e.txt\"\r\nContent-Type: text/plain\r\n\r\nhello";
    let made = files.form(&["name=\"album\"\r\n\r\nSummer", file]).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let record = made.json();
    assert_eq!((&record["album"], &record["name"], &record["size"]), (&json!("Summer"), &json!("Füße.txt"), &json!(5)));
    assert_eq!(record["sha256"], SHA256_OF_HELLO);
    for (parts, why) in [
        (&["name=\"a\"\r\n\r\nx"][..], "has none"),
        (&[file, "name=\"a\"\r\n\r\nx"], "last part"),
        (&[file, file], "last part"),
        (&["name=\"a\"\r\n\r\nx", "name=\"a\"\r\n\r\ny", file], "'a'"),
    ] {
        let refused = files.form(parts).await;
        assert_eq!(refused.status, 400);
        assert!(refused.json()["message"].as_str().unwrap().contains(why), "{:?}", refused.body);
    }
    assert_eq!(files.count(), 2);
}

#[tokio::test]
async fn what_could_run_in_a_browser_is_only_bytes() {
    let files = Files::new().await;
    for media in ["text/html", "image/svg+xml", "application/xhtml+xml"] {
        let record = files.post(media, "x.html", "<script>").await;
        let content = files.get(&format!("/files/{}/content", record.json()["id"].as_str().unwrap()), &[]).await;
        assert_eq!(content.header("content-type"), Some("application/octet-stream"), "{media}");
        assert_eq!(content.header("x-content-type-options"), Some("nosniff"));
        assert!(content.header("content-disposition").unwrap().starts_with("attachment"));
        assert!(content.header("content-security-policy").unwrap().starts_with("sandbox"));
        assert_eq!(content.header("cache-control"), Some("private, no-cache"));
    }
}

#[tokio::test]
async fn a_part_of_a_file_can_be_asked_for() {
    let files = Files::new().await;
    let (_, path) = files.stored("hello").await;
    let tag = format!("\"{SHA256_OF_HELLO}\"");
    for (headers, status, body, range) in [
        (&[("range", "bytes=1-2")][..], 206, "el", Some("bytes 1-2/5")),
        (&[("range", "bytes=-2")], 206, "lo", Some("bytes 3-4/5")),
        (&[("range", "bytes=5-")], 416, "", Some("bytes */5")),
        (&[("range", "bytes=1-1"), ("if-range", &tag)], 206, "e", Some("bytes 1-1/5")),
        (&[("range", "bytes=1-1"), ("if-range", "\"old\"")], 200, "hello", None),
        (&[("range", "bytes=0-0,2-2")], 200, "hello", None),
        (&[("if-none-match", &tag), ("range", "bytes=0-0")], 304, "", None),
        (&[("if-none-match", "\"old\"")], 200, "hello", None),
    ] {
        let answer = files.get(&path, headers).await;
        assert_eq!((answer.status, &*answer.body), (status, body.as_bytes()), "{headers:?}");
        assert_eq!(answer.header("content-range"), range, "{headers:?}");
    }
    let head = files.send(Request::head(&path).header("range", "bytes=1-2"), Full::default()).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("5"), 0));
    assert_eq!(files.send(Request::delete(&path), Full::default()).await.status, 405);
    let (_, empty) = files.stored("").await;
    assert_eq!(files.get(&empty, &[]).await.header("content-length"), Some("0"));
    assert_eq!(files.get("/files/%2e%2e%2fetc/content", &[]).await.status, 404);
    assert_eq!(files.get("/files/..%2f..%2fCargo.toml/content", &[]).await.status, 404);
}

#[tokio::test]
async fn a_large_file_comes_back_whole() {
    let files = Files::with(|uploads| uploads.max(10 << 20), |mount| mount).await;
    let text: String = (0..200_000).map(|number| format!("{number:07}\n")).collect();
    let (_, path) = files.stored(&text).await;
    assert!(files.get(&path, &[]).await.body == text);
    let part = files.get(&path, &[("range", "bytes=400000-1200000")]).await;
    assert!(part.body == text[400_000..=1_200_000]);
    let made = files.form(&[&format!("name=f; filename=f\r\n\r\n{text}")]).await.json();
    let path = format!("/files/{}/content", made["id"].as_str().unwrap());
    assert!(files.get(&path, &[]).await.body == text);
}

#[tokio::test]
async fn hooks_decide_about_records_and_their_content() {
    let hooks = |mount: Mount| {
        mount
            .before(Create, async |context: &mut Context| {
                for item in context.items_mut()? {
                    item.insert("userId".into(), json!(7));
                    item.insert("id".into(), json!("../mine"));
                }
                Ok(())
            })
            .before(Get, async |context: &mut Context| {
                context.params.query.set(
                    "userId",
                    if context.params.headers().is_some_and(|headers| headers.get("x-user").is_some()) { 7 } else { 8 },
                );
                Ok(())
            })
    };
    let files = Files::with(|uploads| uploads, hooks).await;
    let (record, path) = files.stored("hello").await;
    assert_eq!((&record["userId"], record["id"].as_str().map(str::len)), (&json!(7), Some(36)));
    assert_eq!(files.get(&path, &[]).await.status, 404);
    assert_eq!(files.get(&path, &[("x-user", "7")]).await.status, 200);
    // An answer of a hook is none of the service's.
    let answers = |mount: Mount| {
        mount.before(Get, async |context: &mut Context| {
            context.set_result(json!({"id": 1}));
            Ok(())
        })
    };
    let files = Files::with(|uploads| uploads, answers).await;
    let (_, path) = files.stored("hello").await;
    assert_eq!(files.get(&path, &[]).await.status, 404);
}

#[tokio::test]
async fn two_at_once_are_two_files() {
    let files = Files::new().await;
    let (go, gone) = oneshot::channel::<()>();
    let slow = stream::once(async move {
        gone.await.ok();
        Ok::<_, std::io::Error>(Frame::data(Bytes::from("hello")))
    });
    let request = Request::post("/files").header("content-type", "text/plain");
    let (first, ()) = tokio::join!(files.send(request, StreamBody::new(slow)), async {
        files.stored("hello").await;
        go.send(()).ok();
    });
    assert_eq!((first.status, files.count()), (201, 4));
    assert_eq!(files.get("/files", &[]).await.json().as_array().unwrap().len(), 2);
}
