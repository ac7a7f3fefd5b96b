//! Who is at the other end of a connection.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use std::error::Error;
use std::time::SystemTime;

/// What the load generator signs its tokens with.
const SECRET: &[u8] = b"nothing that is worth to be kept secret";

/// A login that a token has proved.
#[derive(Clone, Copy)]
pub struct Login {
    pub user: i64,
    ends: u64,
}

/// The record of a user; it is read anew for each call, so that who is removed is out at once.
pub struct User {
    pub id: i64,
    pub email: String,
    pub name: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

/// Verifies a token: signature, time, audience and issuer.
pub fn verify(token: &str) -> Result<Login, Box<dyn Error + Send + Sync>> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&["https://bench.example"]);
    validation.set_issuer(&["feathers"]);
    let claims = decode::<Claims>(token, &DecodingKey::from_secret(SECRET), &validation)?.claims;
    Ok(Login { user: claims.sub.parse()?, ends: claims.exp })
}

impl Login {
    /// Whether the token is still good.
    pub fn holds(self) -> bool {
        SystemTime::UNIX_EPOCH.elapsed().is_ok_and(|now| now.as_secs() < self.ends)
    }
}
