//! Issuing and verifying access tokens (JSON Web TokenIssuer).

use super::key::{Algorithm, Key};
use super::time::{Seconds, iso, now};
use crate::auth::hasher::random;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Header, crypto, encode};
use serde_json::{Map, Value, json};
use std::time::Duration;
use wingbeat_core::{Error, Result, json};

/// Longer tokens are not even looked at.
const LONGEST: usize = 16 * 1024;

/// What tokens are and who may issue them.
pub(in crate::auth) struct TokenIssuer {
    /// The first one signs; all verify.
    pub(in crate::auth) keys: Vec<Key>,
    pub(in crate::auth) kind: String,
    pub(in crate::auth) audience: Vec<String>,
    pub(in crate::auth) issuer: Vec<String>,
    pub(in crate::auth) expires_in: Option<Duration>,
}

/// The claims of a token whose signature has been verified.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::auth) struct Claims(pub(in crate::auth) Map<String, Value>);

impl Claims {
    pub(in crate::auth) fn subject(&self) -> Option<&str> {
        self.0.get("sub").and_then(Value::as_str)
    }

    /// When it expires, if ever.
    pub(in crate::auth) fn expires(&self) -> Option<Seconds> {
        self.0.get("exp").and_then(Value::as_f64)
    }

    /// Refuses tokens that are not valid yet, or no longer.
    pub(in crate::auth) fn check_time(&self) -> Result<()> {
        let time = |name: &str| match self.0.get(name) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| refused(format!("invalid {name} value"))),
        };
        let now = now().floor();
        if let Some(from) = time("nbf")?.filter(|from| *from > now) {
            let data = json!({"name": "NotBeforeError", "date": iso(from)});
            return Err(Error::not_authenticated("jwt not active").with_data(data));
        }
        if let Some(until) = time("exp")?.filter(|until| *until <= now) {
            let data = json!({"name": "TokenExpiredError", "expiredAt": iso(until)});
            return Err(Error::not_authenticated("jwt expired").with_data(data));
        }
        Ok(())
    }

    fn has(&self, name: &str, wanted: &[String]) -> bool {
        let is_wanted = |value: &Value| wanted.iter().any(|wanted| value == wanted.as_str());
        match self.0.get(name) {
            Some(Value::Array(values)) => values.iter().any(is_wanted),
            Some(value) => is_wanted(value),
            None => false,
        }
    }
}

/// A token that is refused, in the words of Node's jsonwebtoken, on which clients rely.
fn refused(message: impl Into<String>) -> Error {
    Error::not_authenticated(message.into()).with_data(json!({"name": "JsonWebTokenError"}))
}

impl TokenIssuer {
    /// A new token with further claims, and its payload.
    pub(in crate::auth) fn issue(
        &self,
        further: Map<String, Value>,
        subject: Option<String>,
    ) -> Result<(String, Claims)> {
        let now = now().floor();
        let mut claims = further;
        claims.insert("iat".into(), json!(now as u64));
        if let Some(expires_in) = self.expires_in {
            claims.insert("exp".into(), json!((now + expires_in.as_secs_f64()).floor() as u64));
        }
        let mut set = |name: &str, values: &[String]| match values {
            [] => {}
            [one] => drop(claims.insert(name.into(), json!(one))),
            several => drop(claims.insert(name.into(), json!(several))),
        };
        set("aud", &self.audience);
        set("iss", self.issuer.get(..1).unwrap_or_default());
        if let Some(subject) = subject {
            claims.insert("sub".into(), subject.into());
        }
        claims.insert("jti".into(), uuid::Builder::from_random_bytes(random()?).into_uuid().to_string().into());
        let key =
            self.keys.first().ok_or_else(|| Error::general("Missing key: tokens cannot be signed without one"))?;
        let signing = key
            .signing
            .as_ref()
            .ok_or_else(|| Error::general("The first key cannot sign tokens: put a secret or a private key first"))?;
        let mut header = Header::new(key.algorithm.inner());
        header.typ = Some(self.kind.clone());
        header.kid = key.kid.as_deref().map(Into::into);
        Ok((encode(&header, &claims, signing)?, Claims(claims)))
    }

    /// The claims of a token, if it is one of ours, for us, and valid now.
    pub(in crate::auth) fn verify(&self, token: &str) -> Result<Claims> {
        if token.len() > LONGEST {
            return Err(refused("jwt malformed"));
        }
        let (message, signature) = token.rsplit_once('.').ok_or_else(|| refused("jwt malformed"))?;
        let (header, claims) = message.split_once('.').ok_or_else(|| refused("jwt malformed"))?;
        if claims.contains('.') {
            return Err(refused("jwt malformed"));
        }
        let is_base64 = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let is_token = !claims.is_empty() && is_base64(claims) && is_base64(signature);
        let header = object(header).filter(|_| is_token).ok_or_else(|| refused("invalid token"))?;
        if signature.is_empty() {
            return Err(refused("jwt signature is required"));
        }
        // What a token says of its algorithm never decides how it is verified, only whether a key is asked.
        let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::named);
        let of_algorithm = |key: &&Key| Some(key.algorithm) == algorithm;
        if !self.keys.iter().any(|key| of_algorithm(&key)) {
            return Err(refused("invalid algorithm"));
        }
        // Extensions that must be understood (RFC 7515, 4.1.11): none is.
        if header.contains_key("crit") {
            return Err(refused("invalid token"));
        }
        let kid = header.get("kid").and_then(Value::as_str);
        let mut keys = self.keys.iter().filter(of_algorithm).filter(|key| kid.is_none() || key.kid.as_deref() == kid);
        let signed = |key: &Key| crypto::verify(signature, message.as_bytes(), &key.verifying, key.algorithm.inner());
        if !keys.any(|key| signed(key).unwrap_or(false)) {
            return Err(refused("invalid signature"));
        }
        // Read only now, as Node does: who cannot sign learns nothing of what is in it.
        let claims = Claims(object(claims).ok_or_else(|| refused("invalid token"))?);
        claims.check_time()?;
        if !self.audience.is_empty() && !claims.has("aud", &self.audience) {
            return Err(refused(format!("jwt audience invalid. expected: {}", self.audience.join(" or "))));
        }
        if !self.issuer.is_empty() && !claims.has("iss", &self.issuer) {
            return Err(refused(format!("jwt issuer invalid. expected: {}", self.issuer.join(","))));
        }
        Ok(claims)
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    // A token that Node has signed may hold half an emoji as well.
    json::parse(std::str::from_utf8(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> TokenIssuer {
        let key = Key::weak_secret(Algorithm::HS256, "secret");
        TokenIssuer { keys: vec![key], kind: "access".into(), audience: vec![], issuer: vec![], expires_in: None }
    }

    proptest::proptest! {
        #[test]
        fn a_token_that_was_changed_is_refused(at in 0usize..200, byte in 33u8..127) {
            let (token, _) = tokens().issue(Map::new(), Some("1".into())).unwrap();
            let mut changed = token.clone().into_bytes();
            let at = at % changed.len();
            changed[at] = byte;
            let changed = String::from_utf8(changed).unwrap();
            proptest::prop_assert_eq!(tokens().verify(&changed).is_ok(), changed == token);
        }

        #[test]
        fn no_text_does_harm(header in ".*", claims in ".*", signature in ".*") {
            let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
            tokens().verify(&format!("{header}.{claims}.{signature}")).unwrap_err();
            tokens().verify(&format!("{}.{}.{signature}", encoded(&header), encoded(&claims))).unwrap_err();
            tokens().verify(&format!(r#"{}.{}.{signature}"#, encoded(r#"{"alg":"HS256"}"#), encoded(&claims))).unwrap_err();
        }
    }
}
