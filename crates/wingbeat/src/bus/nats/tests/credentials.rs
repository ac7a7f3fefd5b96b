//! Logins by credentials, as `nsc` makes them.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};

/// What one key pair says of another.
fn token(issuer: &KeyPair, of: &KeyPair, says: &Value) -> String {
    let header = json!({"typ": "JWT", "alg": "ed25519-nkey"});
    let claims =
        json!({"jti": "x", "iat": 1, "iss": issuer.public_key(), "sub": of.public_key(), "name": "test", "nats": says});
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

fn file(token: &str, user: &KeyPair) -> String {
    let seed = user.seed().unwrap();
    let line = |what: &str, text: &str| format!("-----BEGIN {what}-----\n{text}\n------END {what}------\n\n");
    line("NATS USER JWT", token) + &line("USER NKEY SEED", &seed)
}

#[tokio::test]
async fn credentials_are_let_in() {
    let (operator, account, user) = (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_user());
    let limits = json!({"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1});
    let of_operator = token(&operator, &operator, &json!({"type": "operator", "version": 2}));
    let of_account = token(&operator, &account, &json!({"type": "account", "version": 2, "limits": limits}));
    let says = json!({"type": "user", "version": 2, "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1});
    let of_user = token(&account, &user, &says);
    let configuration = format!(
        "operator: {of_operator}\nresolver: MEMORY\nresolver_preload: {{ {}: {of_account} }}",
        account.public_key()
    );
    let Some(broker) = brokers::nats(&configuration) else { return };
    broker.write("good", &file(&of_user, &user));
    broker.write("stranger", &file(&token(&KeyPair::new_account(), &user, &says), &user));
    broker.write("damaged", "nothing of that kind");
    works(&broker.nats().credentials(broker.folder.join("good"))).await;
    for nats in [broker.nats(), broker.nats().credentials(broker.folder.join("stranger"))] {
        let error = refused(&nats).await;
        assert!(error.message().contains("refuses this program's login"), "{error}");
    }
    let error = refused(&broker.nats().credentials(broker.folder.join("damaged"))).await;
    assert!(error.message().starts_with("The credentials for NATS in '"), "{error}");
}
