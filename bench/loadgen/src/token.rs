//! Access tokens (JWT, HS256), as the servers with data accept them.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign as mac};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::time::SystemTime;

/// All servers with data know it.
const SECRET: &[u8] = b"nothing that is worth to be kept secret";
const DAY: u64 = 24 * 60 * 60;

/// A token of a user, good for a day.
pub fn sign(user: u64) -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |now| now.as_secs());
    let claims = format!(
        r#"{{"iat":{now},"exp":{},"aud":"https://bench.example","iss":"feathers","sub":"{user}","jti":"{user}-{now}"}}"#,
        now + DAY
    );
    let parts = [r#"{"alg":"HS256","typ":"access"}"#, &claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    let signed = parts.join(".");
    let signature = mac(&Key::new(HMAC_SHA256, SECRET), signed.as_bytes());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}
