//! Keys of every kind, and changing them.

use super::*;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A new pair of keys: private and public.
fn pair(algorithm: Algorithm) -> (String, String) {
    let (private, public): (Vec<u8>, Vec<u8>) = match algorithm {
        Algorithm::ES256 => {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
            let public = key.public_key().as_der().unwrap();
            (pkcs8.as_ref().to_vec(), public.as_ref().to_vec())
        }
        Algorithm::EdDSA => {
            let key = Ed25519KeyPair::generate().unwrap();
            let (private, public) = (key.to_pkcs8v1().unwrap(), key.public_key().as_der().unwrap());
            (private.as_ref().to_vec(), public.as_ref().to_vec())
        }
        _ => {
            let key = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
            let private: aws_lc_rs::encoding::Pkcs8V1Der<'_> = key.as_der().unwrap();
            let public: aws_lc_rs::encoding::PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
            (private.as_ref().to_vec(), public.as_ref().to_vec())
        }
    };
    (pem("PRIVATE KEY", &private), pem("PUBLIC KEY", &public))
}

fn signed_with(key: Key) -> Auth {
    Auth::new(key).strategy(local())
}

#[tokio::test]
async fn every_algorithm_signs_what_it_verifies() {
    let long = SECRET.repeat(2);
    let mut keys: Vec<_> = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512]
        .map(|algorithm| Key::secret_for(algorithm, &long).unwrap())
        .into();
    keys.extend([Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA].map(|algorithm| {
        let (private, public) = pair(algorithm);
        Key::pair(algorithm, &private, &public).unwrap()
    }));
    for key in keys {
        let app = app(signed_with(key.clone()));
        let (_, token) = ann(&app).await;
        let other = Client::connect(&app).await.unwrap();
        present(&other, token).await.unwrap_or_else(|error| panic!("{key:?}: {error}"));
        assert_eq!(who(&other).await.unwrap(), "Ann");
    }
}

#[tokio::test]
async fn a_public_key_is_no_secret_to_sign_with() {
    let (private, public) = pair(Algorithm::RS256);
    let app = app(signed_with(Key::pair(Algorithm::RS256, &private, &public).unwrap()));
    let client = Client::connect(&app).await.unwrap();
    for algorithm in ["HS256", "RS256"] {
        let forged = token(json!({"alg": algorithm}), claims("1"), Algorithm::HS256, public.as_bytes());
        assert_eq!(code(present(&client, forged).await), 401);
    }
}

#[tokio::test]
async fn a_new_key_signs_while_tokens_of_the_old_one_are_still_good() {
    let (old, new) =
        (Key::secret(&"o".repeat(32)).unwrap().kid("old"), Key::secret(&"n".repeat(32)).unwrap().kid("new"));
    let (_, before) = ann(&app(signed_with(old.clone()))).await;
    let rotated = app(signed_with(new.clone()).accept(old.clone()));
    let (client, after) = ann(&rotated).await;
    present(&client, before.clone()).await.unwrap();
    let header = jsonwebtoken::decode_header(&after).unwrap();
    assert_eq!((header.kid.as_deref(), header.typ.as_deref()), (Some("new"), Some("access")));
    // And when the old one is dropped, they are not.
    let later = app(signed_with(new));
    let client = Client::connect(&later).await.unwrap();
    present(&client, after).await.unwrap();
    assert_eq!(code(present(&client, before).await), 401);
}

#[tokio::test]
async fn a_token_that_names_a_key_is_verified_with_no_other() {
    let key = Key::secret(SECRET).unwrap();
    let app = app(signed_with(key.clone().kid("a")).accept(Key::secret(&"b".repeat(32)).unwrap().kid("b")));
    let client = Client::connect(&app).await.unwrap();
    let named =
        |kid: &str| token(json!({"alg": "HS256", "kid": kid}), claims("1"), Algorithm::HS256, SECRET.as_bytes());
    present(&client, named("a")).await.unwrap();
    for kid in ["b", "c", "../a", ""] {
        assert_eq!(present(&client, named(kid)).await.unwrap_err().message(), "invalid signature", "{kid}");
    }
}

#[test]
fn a_key_that_can_not_sign_is_refused_when_the_application_is_built() {
    let (private, public) = pair(Algorithm::EdDSA);
    let only_public = Key::public(Algorithm::EdDSA, &public).unwrap();
    assert!(builder(signed_with(only_public), people()).build().is_err());
    assert!(Key::pair(Algorithm::RS256, &private, &public).is_err());
    assert!(Key::public(Algorithm::ES256, "no key").is_err());
    assert!(Key::public(Algorithm::HS256, &public).is_err());
}
