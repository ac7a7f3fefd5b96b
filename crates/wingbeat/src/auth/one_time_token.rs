//! Tokens that are good for one thing, once.

use super::hasher::random;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::fmt;
use wingbeat_core::Result;

/// A random token that proves one thing, once: that an address is somebody's, that somebody may set a new password, that
/// somebody was invited.
///
/// Send its [text](OneTimeToken::text) and store its [hash](OneTimeToken::hash): who reads the database can do nothing with
/// that. Who brings the text back is found by the hash of it. To *remove* that record is what makes the token good for
/// once: of two that come at the same time one removes it, and the other finds nothing. Let records say until when they
/// count.
///
/// ```
/// use serde_json::json;
/// use wingbeat::{auth::OneTimeToken, prelude::*, store::Memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let resets = Mount::new(Memory::new().multi([Remove])).internal();
/// let app = App::builder().mount("resets", resets).build()?;
///
/// let token = OneTimeToken::new()?;
/// app.service("resets").create(json!({"userId": 7, "token": token.hash()}), Params::new()).await?;
/// let link = format!("https://example.com/reset?token={}", token.text());
///
/// // Whoever follows the link:
/// let text = link.split_once('=').map_or("", |(_, text)| text);
/// let same = || Params::query([("token", OneTimeToken::hash_of(text))]);
/// let removed = app.service("resets").remove(None, same()).await?.into_value()?;
/// assert_eq!(removed[0]["userId"], 7);
/// // And again:
/// assert_eq!(app.service("resets").remove(None, same()).await?.into_value()?, json!([]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OneTimeToken {
    text: String,
}

impl OneTimeToken {
    /// A new one: 256 random bits.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn new() -> Result<OneTimeToken> {
        Ok(OneTimeToken { text: BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?) })
    }

    /// The token, as it is sent: 43 letters, digits, `-` and `_`, which may stand in a link.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is stored of it.
    pub fn hash(&self) -> String {
        OneTimeToken::hash_of(&self.text)
    }

    /// The hash of what somebody has brought, to look for.
    pub fn hash_of(text: &str) -> String {
        // One round of SHA-256 is enough: nobody can try 256 random bits.
        BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
    }

    /// Whether what somebody has brought is the token of a stored hash. How long it takes tells nothing of either.
    pub fn matches(text: &str, hash: &str) -> bool {
        verify_slices_are_equal(OneTimeToken::hash_of(text).as_bytes(), hash.as_bytes()).is_ok()
    }
}

/// Without the token.
impl fmt::Debug for OneTimeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_alone() {
        let (token, other) = (OneTimeToken::new().unwrap(), OneTimeToken::new().unwrap());
        assert_eq!(token.text().len(), 43);
        assert!(token.text() != other.text() && token.hash() != token.text());
        assert!(OneTimeToken::matches(token.text(), &token.hash()));
        for wrong in [other.hash(), token.text().to_owned(), String::new()] {
            assert!(!OneTimeToken::matches(token.text(), &wrong));
        }
        assert_eq!(format!("{token:?}"), "OneTimeToken");
    }
}
