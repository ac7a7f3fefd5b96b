//! Streams of clients that are logged in.

use super::*;
use crate::auth::{ApiKey, Auth, Expiry, Key, Local, Passwords};
use std::time::Duration;

/// Waits until a stream is cut off.
async fn cut_off(reader: &mut Reader) {
    let ends = async { while reader.piece().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(30), ends).await.expect("the stream goes on");
}

const SECRET: &str = "a secret of thirty-two bytes, yes";
/// `secret1`, as bcrypt hashes it at its lowest cost.
const HASH: &str = "$2a$04$abcdefghijklmnopqrstuuCHf7DUmNUvMBdGje9JveOQe49tH5xFK";

fn auth() -> Auth {
    let local = Local::new("email", "password").passwords(Passwords::with_cost(8, 1).unwrap());
    Auth::new(Key::secret(SECRET).unwrap()).strategy(local).strategy(ApiKey::new().user("key-of-ann", 1))
}

/// Whoever is logged in hears of notes.
fn app(auth: Auth) -> App {
    let users = Mount::new(Memory::new().records([json!({"id": 1, "email": "ann@example.com", "password": HASH})]));
    App::builder()
        .mount("authentication", auth)
        .mount("users", users)
        .mount("notes", Mount::new(Memory::new()).publish(|_| channel("members")))
        .on_login(|app, connection| app.channel("members").join(connection))
        .configure(Rest::new().events("sse"))
        .build()
        .unwrap()
}

async fn token(app: &App) -> String {
    let asked = request("POST", "/authentication").header("content-type", "application/json");
    let answer = send(app, asked, r#"{"strategy":"local","email":"ann@example.com","password":"secret1"}"#).await;
    answer.body["accessToken"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

async fn logged_in(app: &App) -> Reader {
    let token = token(app).await;
    let request = request("GET", "/sse").header("authorization", format!("Bearer {token}"));
    let mut reader = open(app, request).await.ok().unwrap();
    assert_eq!(reader.event().await["event"], "connected");
    reader
}

#[tokio::test]
async fn a_token_in_the_headers_logs_a_stream_in() {
    let app = app(auth());
    let (mut ann, stranger) = (logged_in(&app).await, listen(&app, "/sse").await);
    assert_eq!(app.channel("members").len(), 1);
    ask(&app, "POST", "/notes", Some(json!({"text": "a"}))).await;
    assert_eq!(ann.event().await["data"]["text"], "a");
    drop(stranger);
}

#[tokio::test]
async fn who_presents_a_wrong_token_is_not_let_in() {
    let app = app(auth());
    let asked = request("GET", "/sse").header("authorization", "Bearer a.b.c");
    let refused = open(&app, asked).await.err().unwrap();
    assert_eq!((refused.status, &refused.body["name"]), (401, &json!("NotAuthenticated")));
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_token() {
    let app = app(auth().expires_in(Duration::from_secs(4)));
    let mut reader = logged_in(&app).await;
    cut_off(&mut reader).await;
    assert_eq!(app.channel("members").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_can_not_stay_as_nobody_because_it_can_not_log_in_again() {
    let app = app(auth().expires_in(Duration::from_secs(4)).on_expiry(Expiry::Anonymous));
    let mut reader = logged_in(&app).await;
    let told = reader.event().await;
    assert_eq!((&told["event"], &told["path"]), (&json!("expired"), &json!("authentication")));
    cut_off(&mut reader).await;
}

#[tokio::test]
async fn a_stream_ends_when_its_user_is_logged_out() {
    let app = app(auth());
    let (mut reader, mut stranger) = (logged_in(&app).await, listen(&app, "/sse").await);
    assert_eq!(app.logout_user(1), 1);
    cut_off(&mut reader).await;
    app.shutdown(Duration::from_millis(1)).await;
    cut_off(&mut stranger).await;
}
