//! The configuration as Feathers writes it.

use super::configuration::Auth;
use super::entity::Entity;
use super::passwords::Passwords;
use super::strategy::{Jwt, Local};
use super::token::{Algorithm, Key, span};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;
use wingbeat_core::{Error, Result};

/// What Feathers knows besides; what it does is not done here.
const IGNORED: [&str; 1] = ["oauth"];
/// The options of `jsonwebtoken` besides, by which Feathers signs and verifies.
const IGNORED_JWT_OPTIONS: [&str; 8] = [
    "allowInsecureKeySizes",
    "allowInvalidAsymmetricKeyTypes",
    "encoding",
    "jwtid",
    "mutatePayload",
    "noTimestamp",
    "notBefore",
    "subject",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
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
    #[serde(flatten)]
    others: UnknownKeys,
}

/// Keys that nothing here reads.
type UnknownKeys = Map<String, Value>;

/// Given at all, these replace the defaults as a whole, as in Feathers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JwtOptions {
    header: Option<TokenHeader>,
    audience: Option<OneOrMany>,
    issuer: Option<OneOrMany>,
    algorithm: Option<String>,
    expires_in: Option<TimeSpan>,
    keyid: Option<String>,
    #[serde(flatten)]
    others: UnknownKeys,
}

/// Anything may stand in the header of a token.
#[derive(Deserialize)]
struct TokenHeader {
    typ: Option<String>,
    #[serde(flatten)]
    others: UnknownKeys,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TimeSpan {
    Seconds(u32),
    Text(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
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
    #[serde(flatten)]
    others: UnknownKeys,
}

fn user() -> Option<String> {
    Some("user".into())
}

pub(super) fn read(settings: &Value) -> Result<Auth> {
    let wrong =
        |error: serde_json::Error| Error::general(format!("The authentication configuration is wrong: {error}"));
    let settings = Settings::deserialize(settings).map_err(wrong)?;
    let strategies = settings.auth_strategies.iter().chain(settings.parse_strategies.iter().flatten());
    let of_strategies: Vec<&str> = strategies.map(|name| &**name).collect();
    check("", &settings.others, |key| IGNORED.contains(&key) || of_strategies.contains(&key))?;
    let shared = Shared { entity: &settings.entity, service: &settings.service, entity_id: &settings.entity_id };
    let jwt = jwt(settings.jwt.unwrap_or_default(), &shared)?;
    let local = settings.local.map(|options| local(options, &shared)).transpose()?;
    let options = settings.jwt_options;
    let algorithm = match options.as_ref().and_then(|options| options.algorithm.as_deref()) {
        Some(name) => Algorithm::named(name)
            .ok_or_else(|| Error::general(format!("Unknown algorithm '{name}' in authentication.jwtOptions")))?,
        None => Algorithm::HS256,
    };
    let mut key = Key::secret_for(algorithm, settings.secret.as_deref().unwrap_or_default())?;
    if let Some(options) = &options {
        check("jwtOptions.", &options.others, |key| IGNORED_JWT_OPTIONS.contains(&key))?;
        if let Some(id) = &options.keyid {
            key = key.kid(id);
        }
    }
    let mut auth = Auth::new(key).auth_strategies(settings.auth_strategies);
    auth.parsing = settings.parse_strategies;
    auth.entity = match (settings.entity, settings.service) {
        (None, _) => None,
        (Some(name), Some(service)) => {
            Some(Entity { name: name.into(), service, id: settings.entity_id.unwrap_or_else(|| "id".into()) })
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
        if let Some(header) = &options.header {
            check("jwtOptions.header.", &header.others, |_| true)?;
        }
        auth.tokens.kind = options.header.and_then(|header| header.typ).unwrap_or_else(|| "JWT".into());
        (auth.tokens.audience, auth.tokens.issuer) = (list(options.audience), list(options.issuer));
        auth.tokens.expires_in = match options.expires_in {
            None => None,
            Some(TimeSpan::Seconds(seconds)) => Some(Duration::from_secs(seconds.into())),
            Some(TimeSpan::Text(text)) => Some(span(&text)?),
        };
    }
    auth = auth.strategy(jwt);
    Ok(match local {
        Some(local) => auth.strategy(local),
        None => auth,
    })
}

/// Warns of keys that only Feathers uses, and refuses unknown keys.
fn check(within: &str, others: &UnknownKeys, is_known: impl Fn(&str) -> bool) -> Result<()> {
    for key in others.keys() {
        if !is_known(key) {
            let text = format!("The authentication configuration is wrong: unknown field `{within}{key}`");
            return Err(Error::general(text));
        }
        let key = format!("authentication.{within}{key}");
        tracing::warn!(key, "this part of the configuration is for Feathers and does nothing here");
    }
    Ok(())
}

/// What all strategies of a service have in common. Feathers lets each have its own.
struct Shared<'a> {
    entity: &'a Option<String>,
    service: &'a Option<String>,
    entity_id: &'a Option<String>,
}

impl Shared<'_> {
    /// Whether this is one of them, and the same; an error if it is another.
    fn has(&self, within: &str, key: &str, value: &Value) -> Result<bool> {
        let shared = match key {
            "entity" => self.entity,
            "service" => self.service,
            "entityId" => self.entity_id,
            _ => return Ok(false),
        };
        if value.as_str() != shared.as_deref() {
            return Err(Error::general(format!(
                "'authentication.{within}.{key}' is not 'authentication.{key}': all strategies of a service have the same \
                 records. Mount another `Auth` for others"
            )));
        }
        Ok(true)
    }
}

fn jwt(options: Map<String, Value>, shared: &Shared<'_>) -> Result<Jwt> {
    let mut jwt = Jwt::new();
    for (key, value) in options {
        if shared.has("jwt", &key, &value)? {
            continue;
        }
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

fn local(mut options: LocalOptions, shared: &Shared<'_>) -> Result<Local> {
    for key in ["entity", "service", "entityId"] {
        if let Some(value) = options.others.shift_remove(key) {
            shared.has("local", key, &value)?;
        }
    }
    check("local.", &options.others, |_| false)?;
    if options.hash_size.is_some() {
        tracing::warn!(
            key = "authentication.local.hashSize",
            "the cost of bcrypt does nothing here: passwords are hashed with argon2id, whose costs are 'memoryCost' (KiB) \
             and 'timeCost'. `Passwords::keep_bcrypt_with_cost` keeps them bcrypt"
        );
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
