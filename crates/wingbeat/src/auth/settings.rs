//! The configuration as Feathers writes it.

use super::configuration::Auth;
use super::entity::Entity;
use super::jwt::Jwt;
use super::key::{Algorithm, Key};
use super::local::Local;
use super::passwords::Passwords;
use super::time::span;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;
use wingbeat_core::{Error, Result};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    secret: Option<String>,
    /// Null says that there is none.
    #[serde(default = "user")]
    entity: Option<String>,
    service: Option<String>,
    entity_id: Option<String>,
    #[serde(default)]
    auth_strategies: Vec<Box<str>>,
    parse_strategies: Option<Vec<Box<str>>>,
    jwt_options: Option<JwtOptions>,
    jwt: Option<Map<String, Value>>,
    local: Option<LocalOptions>,
}

/// Given at all, these replace the defaults as a whole, as in Feathers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JwtOptions {
    header: Option<TokenHeader>,
    audience: Option<OneOrMany>,
    issuer: Option<OneOrMany>,
    algorithm: Option<String>,
    expires_in: Option<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenHeader {
    typ: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Span {
    Seconds(u32),
    Text(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LocalOptions {
    #[serde(default)]
    username_field: String,
    #[serde(default)]
    password_field: String,
    entity_username_field: Option<String>,
    entity_password_field: Option<String>,
    error_message: Option<String>,
    /// Costs of argon2: KiB of memory, and passes over it.
    memory_cost: Option<u32>,
    time_cost: Option<u32>,
    /// The cost of bcrypt in Feathers.
    hash_size: Option<u32>,
}

fn user() -> Option<String> {
    Some("user".into())
}

pub(super) fn read(settings: &Value) -> Result<Auth> {
    let wrong =
        |error: serde_json::Error| Error::general(format!("The authentication configuration is wrong: {error}"));
    let settings = Settings::deserialize(settings).map_err(wrong)?;
    let options = settings.jwt_options;
    let algorithm = match options.as_ref().and_then(|options| options.algorithm.as_deref()) {
        Some(name) => Algorithm::named(name)
            .ok_or_else(|| Error::general(format!("There is no algorithm '{name}' for authentication.jwtOptions")))?,
        None => Algorithm::HS256,
    };
    let key = Key::secret_for(algorithm, settings.secret.as_deref().unwrap_or_default())?;
    let mut auth = Auth::new(key).auth_strategies(settings.auth_strategies);
    auth.parsing = settings.parse_strategies;
    auth.entity = match (settings.entity, settings.service) {
        (None, _) => None,
        (Some(name), Some(service)) => {
            Some(Entity { name, service, id: settings.entity_id.unwrap_or_else(|| "id".into()) })
        }
        (Some(_), None) => {
            return Err(Error::general("The 'service' option is not set in the authentication configuration"));
        }
    };
    if let Some(options) = options {
        let list = |values: Option<OneOrMany>| match values {
            None => Vec::new(),
            Some(OneOrMany::One(value)) => vec![value],
            Some(OneOrMany::Many(values)) => values,
        };
        auth.tokens.kind = options.header.map_or_else(|| "JWT".into(), |header| header.typ);
        (auth.tokens.audience, auth.tokens.issuer) = (list(options.audience), list(options.issuer));
        auth.tokens.expires_in = match options.expires_in {
            None => None,
            Some(Span::Seconds(seconds)) => Some(Duration::from_secs(seconds.into())),
            Some(Span::Text(text)) => Some(span(&text)?),
        };
    }
    auth = auth.strategy(jwt(settings.jwt.unwrap_or_default())?);
    match settings.local {
        Some(options) => Ok(auth.strategy(local(options)?)),
        None => Ok(auth),
    }
}

fn jwt(options: Map<String, Value>) -> Result<Jwt> {
    let mut jwt = Jwt::new();
    for (key, value) in options {
        let wrong = || Error::general(format!("Invalid JwtStrategy option 'authentication.jwt.{key}': {value}"));
        jwt = match key.as_str() {
            "header" => jwt.header(value.as_str().ok_or_else(wrong)?),
            "schemes" => {
                let schemes =
                    value.as_array().ok_or_else(wrong)?.iter().map(|scheme| scheme.as_str().ok_or_else(wrong));
                jwt.schemes(schemes.collect::<Result<Vec<_>>>()?)
            }
            key => {
                return Err(Error::general(format!(
                    "Invalid JwtStrategy option 'authentication.jwt.{key}'. Did you mean to set it in \
                     'authentication.jwtOptions'?"
                )));
            }
        };
    }
    Ok(jwt)
}

fn local(options: LocalOptions) -> Result<Local> {
    if options.hash_size.is_some() {
        return Err(Error::general(
            "'authentication.local.hashSize' is the cost of bcrypt; passwords are hashed with argon2id here, whose costs \
             are 'memoryCost' (KiB) and 'timeCost'",
        ));
    }
    let (username, password) = (&options.username_field, &options.password_field);
    let mut local = Local::new(username, password).entity_fields(
        options.entity_username_field.as_deref().unwrap_or(username),
        options.entity_password_field.as_deref().unwrap_or(password),
    );
    if let Some(message) = &options.error_message {
        local = local.error_message(message);
    }
    match (options.memory_cost, options.time_cost) {
        (None, None) => Ok(local),
        (memory, passes) => {
            Ok(local.passwords(Passwords::with_cost(memory.unwrap_or(19 * 1024), passes.unwrap_or(2))?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{App, Mount};
    use crate::store::Memory;
    use serde_json::json;

    fn with(change: Value) -> Result<App> {
        let mut settings = json!({
            "secret": "s".repeat(32), "entity": "user", "service": "users", "authStrategies": ["jwt", "local"],
            "local": {"usernameField": "email", "passwordField": "password"}
        });
        let Value::Object(change) = change else { panic!("the change is an object") };
        for (key, value) in change {
            match value {
                Value::String(gone) if gone == "absent" => drop(settings.as_object_mut().unwrap().shift_remove(&key)),
                value => settings[key] = value,
            }
        }
        let users = Mount::new(Memory::new());
        App::builder().mount("authentication", Auth::from_settings(&settings)?).mount("users", users).build()
    }

    #[test]
    fn a_configuration_of_feathers_is_understood() {
        with(json!({})).unwrap();
        with(json!({"jwtOptions": {"header": {"typ": "access"}, "audience": "https://a", "issuer": "me",
            "algorithm": "HS256", "expiresIn": "2h"}, "jwt": {"header": "X-Token", "schemes": ["Token"]}}))
        .unwrap();
        with(json!({"entity": null, "service": "absent", "jwtOptions": {"expiresIn": 60}})).unwrap();
    }

    #[test]
    fn what_is_wrong_is_said_when_the_application_is_built() {
        for (change, text) in [
            (json!({"secret": "absent"}), "A 'secret' must be provided"),
            (json!({"secret": "short"}), "too short"),
            (json!({"service": "absent"}), "The 'service' option is not set"),
            (json!({"service": "nope"}), "Can not find service 'nope'"),
            (json!({"authStrategies": ["jwt", "oauth"]}), "There is no authentication strategy 'oauth'"),
            (json!({"parseStrategies": ["cookie"]}), "There is no authentication strategy 'cookie'"),
            (json!({"secrets": "x"}), "unknown field `secrets`"),
            (json!({"local": {"passwordField": "p"}}), "requires a 'usernameField' setting"),
            (json!({"local": {"usernameField": "u", "passwordField": "p", "hashSize": 10}}), "memoryCost"),
            (json!({"jwt": {"expiresIn": "1d"}}), "Did you mean to set it in 'authentication.jwtOptions'?"),
            (json!({"jwtOptions": {"algorithm": "none"}}), "There is no algorithm 'none'"),
            (json!({"jwtOptions": {"expiresIn": "soon"}}), "'soon' is no time span"),
            (json!({"jwtOptions": {"algorithm": "HS512"}}), "needs 64 bytes"),
        ] {
            let error = with(change.clone()).unwrap_err();
            assert!(error.message().contains(text), "{change}: {}", error.message());
        }
    }
}
