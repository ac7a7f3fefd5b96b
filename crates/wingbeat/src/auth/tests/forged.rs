//! Tokens that nobody should take.

use super::*;

async fn refused(token: impl Into<Value>) -> String {
    let app = app(auth());
    let client = Client::connect(&app).await.unwrap();
    let error = present(&client, token).await.unwrap_err();
    assert_eq!(error.code(), 401);
    assert_eq!(code(who(&client).await), 401, "a refused token logs in all the same");
    error.message().to_owned()
}

fn ours(claims: Value) -> String {
    token(json!({"alg": "HS256", "typ": "access"}), claims, Algorithm::HS256, SECRET.as_bytes())
}

fn with(key: &str, value: Value) -> Value {
    let mut claims = claims("1");
    claims[key] = value;
    claims
}

#[tokio::test]
async fn a_token_in_order_is_taken() {
    let app = app(auth());
    let client = Client::connect(&app).await.unwrap();
    present(&client, ours(claims("1"))).await.unwrap();
    assert_eq!(who(&client).await.unwrap(), "Ann");
}

#[tokio::test]
async fn a_token_without_signature_is_refused_whatever_it_calls_that() {
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let signed = token(json!({"alg": none}), claims("1"), Algorithm::HS256, SECRET.as_bytes());
        let message = signed.rsplit_once('.').unwrap().0;
        assert_eq!(refused(format!("{message}.")).await, "jwt signature is required");
        assert_eq!(refused(signed).await, "invalid algorithm");
    }
}

#[tokio::test]
async fn a_token_of_another_algorithm_is_refused_though_the_secret_is_right() {
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let header = json!({"alg": algorithm.name()});
        assert_eq!(refused(token(header, claims("1"), algorithm, SECRET.as_bytes())).await, "invalid algorithm");
        // Saying what is expected does not help either.
        let lie = json!({"alg": "HS256"});
        assert_eq!(refused(token(lie, claims("1"), algorithm, SECRET.as_bytes())).await, "invalid signature");
    }
}

#[tokio::test]
async fn a_token_by_another_secret_is_refused() {
    let header = json!({"alg": "HS256"});
    for secret in [&b"another secret of thirty-two bytes"[..], b"", b"null"] {
        assert_eq!(refused(token(header.clone(), claims("1"), Algorithm::HS256, secret)).await, "invalid signature");
    }
}

#[tokio::test]
async fn a_token_for_somebody_else_is_refused() {
    let text = "jwt audience invalid. expected: https://yourdomain.com";
    for audience in [json!("https://other.example"), json!([]), json!(null), json!({"0": "https://yourdomain.com"})] {
        assert_eq!(refused(ours(with("aud", audience))).await, text);
    }
}

#[tokio::test]
async fn a_token_by_somebody_else_is_refused() {
    for issuer in [json!("someone"), json!(null), json!(true)] {
        assert_eq!(refused(ours(with("iss", issuer))).await, "jwt issuer invalid. expected: feathers");
    }
}

#[tokio::test]
async fn a_token_out_of_its_time_is_refused() {
    let now = super::super::token::now();
    assert_eq!(refused(ours(with("exp", json!(now as u64 - 1)))).await, "jwt expired");
    assert_eq!(refused(ours(with("exp", json!(-1)))).await, "jwt expired");
    assert_eq!(refused(ours(with("exp", json!("tomorrow")))).await, "invalid exp value");
    assert_eq!(refused(ours(with("nbf", json!(now as u64 + 60)))).await, "jwt not active");
    assert_eq!(refused(ours(with("nbf", json!([])))).await, "invalid nbf value");
}

#[tokio::test]
async fn a_token_that_is_too_long_is_not_even_read() {
    assert_eq!(refused(ours(with("more", json!("x".repeat(20_000))))).await, "jwt malformed");
    assert_eq!(refused("x.".repeat(400_000)).await, "jwt malformed");
}

#[tokio::test]
async fn a_token_that_is_none_is_refused() {
    for (token, text) in [
        (json!(null), "No access token"),
        (json!(""), "No access token"),
        (json!(5), "jwt must be a string"),
        (json!({"toString": "x"}), "jwt must be a string"),
        (json!("abc"), "jwt malformed"),
        (json!("a.b"), "jwt malformed"),
        (json!("a.b.c.d"), "jwt malformed"),
        (json!("not.a.token"), "invalid token"),
        (json!(".."), "invalid token"),
        (json!("e30.e30.x"), "invalid algorithm"),
    ] {
        assert_eq!(refused(token.clone()).await, text, "{token}");
    }
}

#[tokio::test]
async fn a_token_with_extensions_that_must_be_understood_is_refused() {
    let header = json!({"alg": "HS256", "crit": ["exp"], "exp": 1});
    assert_eq!(refused(token(header, claims("1"), Algorithm::HS256, SECRET.as_bytes())).await, "invalid token");
}

#[tokio::test]
async fn a_token_of_nobody_is_refused() {
    assert_eq!(refused(ours(claims("99"))).await, "No record found for id '99'");
    assert_eq!(refused(ours(with("sub", json!(null)))).await, "No record found for id 'undefined'");
    assert_eq!(refused(ours(with("sub", json!({"$ne": null})))).await, "No record found for id 'undefined'");
}

#[tokio::test]
async fn nothing_that_a_client_says_makes_it_known() {
    let app = app(auth());
    let client = Client::connect(&app).await.unwrap();
    let claim = json!({"authenticated": true, "user": {"id": 1}, "provider": null, "authentication": {"strategy": "jwt", "accessToken": ours(claims("1"))}});
    assert_eq!(code(client.service("secure").query(claim.clone()).call("who", claim).await), 401);
}
