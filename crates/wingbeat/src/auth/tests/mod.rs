//! What an attacker would try, and what a connection goes through.

mod acting;
mod attacks;
mod connections;
mod endings;
mod forged;
mod guessing;
mod keys;
mod listeners;
mod missing;
mod owned;
mod secrets;
mod settings;
mod several;

use super::{Algorithm, ApiKey, Auth, Key, Local, Passwords, authenticate, hash_password, logout_changed};
use crate::app::Builder;
use crate::hooks::protect;
use crate::prelude::*;
use crate::store::Memory;
use crate::test::Client;
use serde_json::{Value, json};

const SECRET: &str = "a secret of thirty-two bytes, yes";
/// `secret1` and `secret2`, as bcrypt hashes them at its lowest cost.
const HASH_1: &str = "$2a$04$abcdefghijklmnopqrstuuCHf7DUmNUvMBdGje9JveOQe49tH5xFK";
const HASH_2: &str = "$2a$04$abcdefghijklmnopqrstuulGPK4fzXEtj4nBuq572tAa2r32TW6di";

fn auth() -> Auth {
    let keys = ApiKey::new().user("key-of-ann", 1).anonymous("key-of-a-machine");
    Auth::new(Key::secret(SECRET).unwrap()).strategy(local()).strategy(keys)
}

fn local() -> Local {
    Local::new("email", "password").passwords(cheap())
}

fn cheap() -> Passwords {
    Passwords::with_cost(8, 1).unwrap()
}

fn people() -> Memory {
    Memory::new().start(3).records([
        json!({"id": 1, "email": "ann@example.com", "name": "Ann", "password": HASH_1}),
        json!({"id": 2, "email": "bob@example.com", "name": "Bob", "password": HASH_2}),
    ])
}

/// Everybody hears of users and whoever is logged in hears of notes; `secure` answers who the caller is.
fn builder(auth: Auth, people: Memory) -> Builder {
    let users = Mount::new(people)
        .before(Create, hash_password("password"))
        .before(Patch, hash_password("password"))
        .after(All, logout_changed(["password"]))
        .after(All, protect(["password"]))
        .publish(|_| channel("everybody"));
    let secure = Mount::empty()
        .method("who", async |_: Value, params: &Params| Ok(params.get("user").map(|user| user["name"].clone())))
        .before(All, authenticate(["jwt", "apiKey"]));
    let notes = Mount::new(Memory::new()).before(Create, authenticate("jwt")).publish(|_| channel("members"));
    App::builder()
        .mount("authentication", auth)
        .mount("users", users)
        .mount("secure", secure)
        .mount("notes", notes)
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .on_login(|app, connection| app.channel("members").join(connection))
}

fn app(auth: Auth) -> App {
    builder(auth, people()).build().unwrap()
}

async fn login(client: &Client, email: impl Into<Value>, password: impl Into<Value>) -> Result<Value> {
    let (email, password) = (email.into(), password.into());
    client.service("authentication").create(json!({"strategy": "local", "email": email, "password": password})).await
}

async fn present(client: &Client, token: impl Into<Value>) -> Result<Value> {
    client.service("authentication").create(json!({"strategy": "jwt", "accessToken": token.into()})).await
}

async fn who(client: &Client) -> Result<Value> {
    client.service("secure").call("who", json!(null)).await
}

/// A client that is logged in as Ann, and its token.
async fn ann(app: &App) -> (Client, String) {
    let client = Client::connect(app).await.unwrap();
    let result = login(&client, "ann@example.com", "secret1").await.unwrap();
    (client, result["accessToken"].as_str().unwrap().to_owned())
}

fn code<T: std::fmt::Debug>(outcome: Result<T>) -> u16 {
    outcome.unwrap_err().code()
}

/// A token with any header and claims, signed with a secret by HMAC.
fn token(header: Value, claims: Value, algorithm: Algorithm, secret: &[u8]) -> String {
    use base64::Engine as _;
    let encode = |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let key = jsonwebtoken::EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm.inner()).unwrap();
    format!("{message}.{signature}")
}

/// Claims that would do, for the one with this id.
fn claims(subject: &str) -> Value {
    let now = super::token::now() as u64;
    json!({"iat": now, "exp": now + 60, "aud": "https://yourdomain.com", "iss": "feathers", "sub": subject, "jti": "1"})
}
