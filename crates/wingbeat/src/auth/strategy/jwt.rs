//! The strategy `jwt`: an access token that was issued before.

use super::{Attempt, Identity, Strategy};
use crate::javascript;
use serde_json::{Map, Value, json};
use wingbeat_core::{Error, Headers, Payload, Result};

/// The strategy `jwt`: by an access token that was issued before, in the data of a login or in the header
/// `Authorization`, with the scheme `Bearer` or `JWT` or bare.
#[derive(Clone, Debug)]
pub struct Jwt {
    header: String,
    schemes: Vec<String>,
}

impl Jwt {
    /// The name of the strategy, which every connection that has logged in carries.
    pub(in crate::auth) const NAME: &str = "jwt";

    /// The strategy with Feathers' defaults.
    pub fn new() -> Jwt {
        Jwt { header: "authorization".into(), schemes: vec!["Bearer".into(), "JWT".into()] }
    }

    /// The header that holds the token.
    #[must_use]
    pub fn header(mut self, name: &str) -> Jwt {
        self.header = name.to_ascii_lowercase();
        self
    }

    /// The words that may stand before the token.
    #[must_use]
    pub fn schemes<S: Into<String>>(mut self, schemes: impl IntoIterator<Item = S>) -> Jwt {
        self.schemes = schemes.into_iter().map(Into::into).collect();
        self
    }
}

impl Default for Jwt {
    fn default() -> Jwt {
        Jwt::new()
    }
}

impl Strategy for Jwt {
    fn name(&self) -> &str {
        Jwt::NAME
    }

    async fn authenticate(&self, data: &Map<String, Value>, attempt: &Attempt<'_>) -> Result<Identity> {
        let token = match data.get("accessToken") {
            None => return Err(Error::not_authenticated("No access token")),
            Some(token) if javascript::is_falsy(token) => return Err(Error::not_authenticated("No access token")),
            Some(Value::String(token)) => token,
            Some(_) => {
                let data = json!({"name": "JsonWebTokenError"});
                return Err(Error::not_authenticated("jwt must be a string").with_data(data));
            }
        };
        let claims = attempt.tokens.verify(token)?;
        let entity = attempt.entities.of(attempt.app, &claims).await?.map(Payload::into_value).transpose()?;
        Ok(Identity { entity, token: Some((token.clone(), claims)), ..Identity::default() })
    }

    fn parse(&self, headers: &Headers) -> Option<Map<String, Value>> {
        let value = headers.get(&self.header).filter(|value| !value.is_empty())?;
        let mut words = value.split_whitespace();
        let token = match (words.next()?, words.next()) {
            (bare, None) => bare,
            (scheme, Some(token)) if self.schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme)) => token,
            _ => return None,
        };
        let mut data = Map::new();
        data.insert("strategy".into(), Jwt::NAME.into());
        data.insert("accessToken".into(), token.into());
        Some(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_in_its_header_with_a_whole_scheme_or_bare() {
        let token = |value: &str| {
            let headers: Headers = [("authorization", value)].into_iter().collect();
            Jwt::new().parse(&headers).map(|data| data["accessToken"].as_str().unwrap().to_owned())
        };
        for value in ["Bearer t", "bearer t", "JWT t", "t", "Bearer t and more"] {
            assert_eq!(token(value).as_deref(), Some("t"), "{value}");
        }
        assert_eq!(token("Bearer").as_deref(), Some("Bearer"));
        for value in ["Basic t", "XBearerY t", "", " "] {
            assert_eq!(token(value), None, "{value}");
        }
    }
}
