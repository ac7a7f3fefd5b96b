//! Servers over REST that mean no good, or are not there: what becomes of a call is known, nothing hangs, nothing grows.

use crate::http::{HttpListener, ok};
use crate::soon;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::future::IntoFuture;
use std::time::Duration;
use wingbeat_client::{Builder, Client, Context, DeliveryStatus, Error, Hooks, MemoryStorage, Method, Rest, Result};

fn client(listener: &HttpListener) -> Builder<Rest> {
    Client::rest(&listener.url()).no_proxy()
}

/// What becomes of a get that is answered so, after which the connection ends.
async fn answered(answer: &str) -> Result<Value> {
    let listener = HttpListener::bind().await;
    let client = client(&listener).max_payload(1_000_000).build().unwrap();
    let call = async { client.untyped("messages").get(1).await };
    soon(async { tokio::join!(call, listener.once(answer)).0 }).await
}

#[tokio::test]
async fn a_request_is_what_feathers_client_sends() {
    let listener = HttpListener::bind().await;
    let client = Client::rest(&format!("{}/api/", listener.url())).header("x-tenant", "7").build().unwrap();
    let answer = ok(r#"{"accessToken":"t.o.k"}"#);
    let calls = async {
        client.authenticate(&json!({"strategy": "local"})).await.unwrap();
        let _: Value = client.untyped("/tools/").method("reverse", &json!({"a": "\u{e9}"})).await.unwrap();
        client.untyped("users/:id/x").route("id", "a b").remove(7).query(json!({"a": [1]})).await.unwrap();
    };
    let server = async { [listener.once(&answer).await, listener.once(&answer).await, listener.once(&answer).await] };
    let ((), [login, custom, removed]) = soon(async { tokio::join!(calls, server) }).await;
    assert!(login.starts_with("POST /api/authentication HTTP/1.1\r\n") && !login.contains("Bearer"), "{login}");
    assert!(custom.starts_with("POST /api/tools HTTP/1.1\r\n") && custom.ends_with("{\"a\":\"\u{e9}\"}"), "{custom}");
    let has = |request: &str, line: &str| request.lines().any(|other| other.eq_ignore_ascii_case(line));
    for line in [
        "Accept: application/json",
        "Content-Type: application/json",
        "X-Service-Method: reverse",
        "Authorization: Bearer t.o.k",
        "X-Tenant: 7",
    ] {
        assert!(has(&custom, line), "{line}: {custom}");
    }
    assert!(removed.starts_with("DELETE /api/users/a%20b/x/7?a%5B0%5D=1 HTTP/1.1\r\n"), "{removed}");
    assert!(!removed.to_lowercase().contains("content-"), "{removed}");
}

#[tokio::test]
async fn requests_share_a_connection_that_is_kept() {
    let listener = HttpListener::bind().await;
    let client = client(&listener).build().unwrap();
    let calls = async {
        for n in 0..3 {
            assert_eq!(client.untyped("x").get(n).await.unwrap(), n);
        }
    };
    let server = async {
        let mut peer = listener.accept().await;
        for n in 0..3 {
            peer.request().await.unwrap();
            peer.answer(&n.to_string()).await;
        }
    };
    soon(async { tokio::join!(calls, server) }).await;
}

#[tokio::test]
async fn a_call_that_finds_no_server_was_not_sent() {
    let listener = HttpListener::bind().await;
    let client = client(&listener).build().unwrap();
    drop(listener);
    let error = soon(client.untyped("messages").create(&json!({})).into_future()).await.unwrap_err();
    assert!(matches!(error, Error::NotSent(_)) && error.message().contains("refused"), "{error:?}");
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_may_have_been_carried_out() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":";
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\nzz\r\n";
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Le", half, chunk, "no HTTP at all\r\n\r\n"] {
        let error = answered(answer).await.unwrap_err();
        assert!(matches!(error, Error::Unanswered(_)), "{answer}: {error:?}");
    }
    let gateway = "HTTP/1.1 504 Gateway Timeout\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>";
    assert_eq!(answered(gateway).await.unwrap_err().delivery_status(), DeliveryStatus::Unknown);
}

#[tokio::test]
async fn an_answer_that_is_none_of_feathers_is_told() {
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>\u{1b}[31m";
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{\"a\":1}";
    for (answer, why) in [(page, "type 'text/html'"), (cut, "Invalid JSON")] {
        let error = answered(answer).await.unwrap_err();
        assert!(matches!(error, Error::Unreadable(_)) && error.message().contains(why), "{error:?}");
        assert!(!format!("{error:?} {error}").contains('\u{1b}'));
    }
    let broken = "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html\r\n\r\n<html>broken";
    assert_eq!(answered(broken).await.unwrap_err().code(), Some(500));
}

#[tokio::test]
async fn an_answer_without_end_is_left_at_the_limit() {
    let listener = HttpListener::bind().await;
    let client = client(&listener).max_payload(100_000).build().unwrap();
    let call = async {
        let error = client.untyped("messages").get(1).await.unwrap_err();
        assert!(error.message().contains("more than 100000 bytes"), "{error}");
    };
    let server = async {
        let mut peer = listener.accept().await;
        peer.request().await.unwrap();
        peer.write(b"HTTP/1.1 200 OK\r\n\r\n\"").await;
        while peer.write(&[b'x'; 4096]).await {}
    };
    soon(async { tokio::join!(call, server) }).await;
}

#[tokio::test]
async fn a_server_that_is_slow_is_waited_for_as_long_as_was_said() {
    let listener = HttpListener::bind().await;
    let client = client(&listener).timeout(Duration::from_millis(300)).in_flight_limit(1).build().unwrap();
    let messages = client.untyped("messages");
    let calls = async {
        let (first, second) = tokio::join!(messages.create(&json!({})).into_future(), async {
            messages.create(&json!({})).timeout(Duration::from_millis(100)).await
        });
        assert_eq!(first.unwrap_err().delivery_status(), DeliveryStatus::Unknown);
        // It never got its turn.
        assert_eq!(second.unwrap_err().delivery_status(), DeliveryStatus::NotSent);
    };
    let server = async {
        let mut peer = listener.accept().await;
        peer.request().await.unwrap();
        // The rest never comes.
        peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n ").await;
        std::future::pending::<()>().await;
    };
    soon(async {
        tokio::select! { () = calls => {}, () = server => {} }
    })
    .await;
}

#[tokio::test]
async fn a_call_under_way_ends_with_the_client() {
    let listener = HttpListener::bind().await;
    let client = client(&listener).build().unwrap();
    let call = tokio::spawn(client.untyped("messages").create(&json!({})).into_future());
    let mut peer = soon(listener.accept()).await;
    soon(peer.request()).await.unwrap();
    client.close().await;
    assert_eq!(soon(call).await.unwrap().unwrap_err().delivery_status(), DeliveryStatus::Unknown);
    assert!(soon(peer.request()).await.is_none(), "the connection is closed");
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_no_login() {
    let listener = HttpListener::bind().await;
    let client = client(&listener).build().unwrap();
    let login = async { client.authenticate(&json!({})).await };
    let answer = ok(r#"{"accessToken":"a\r\nx-evil: 1"}"#);
    let (error, _) = soon(async { tokio::join!(login, listener.once(&answer)) }).await;
    assert!(error.unwrap_err().message().contains("access token") && client.authentication().is_none());
}

#[tokio::test]
async fn a_login_that_nobody_waits_for_lets_calls_go_on() {
    let listener = HttpListener::bind().await;
    let client = client(&listener).build().unwrap();
    let login = tokio::spawn({
        let client = client.clone();
        async move { client.authenticate(&json!({})).await.map(drop) }
    });
    let mut silent = soon(listener.accept()).await;
    soon(silent.request()).await.unwrap();
    let call = tokio::spawn(client.untyped("x").get(1).into_future());
    login.abort();
    soon(listener.once(&ok("7"))).await;
    assert_eq!(soon(call).await.unwrap().unwrap(), 7);
}

#[tokio::test]
async fn a_redirect_is_told_and_takes_no_token_along() {
    let moved = "HTTP/1.1 301 Moved Permanently\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let error = answered(moved).await.unwrap_err();
    assert!(
        error.code() == Some(500) && error.message().contains("redirects to 'http://127.0.0.1:1/': use that URL"),
        "{error}"
    );
}

#[tokio::test]
async fn a_page_from_before_the_server_leaves_the_token_where_it_is() {
    let page = "HTTP/1.1 401 Unauthorized\r\nContent-Type: text/html\r\n\r\n<html>no session";
    let other =
        "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\r\n{\"code\":404,\"message\":\"no route\"}";
    for answer in [page, other] {
        let listener = HttpListener::bind().await;
        let client = client(&listener).storage(MemoryStorage::with_token("t.o.k")).build().unwrap();
        for _ in 0..2 {
            let (error, asked) = soon(async { tokio::join!(client.re_authenticate(), listener.once(answer)) }).await;
            assert!(matches!(error, Err(Error::Answered(_))) && asked.contains("t.o.k"), "{asked}");
            assert!(soon(async { tokio::join!(client.logout(), listener.once(answer)) }).await.0.is_err());
        }
    }
}

#[tokio::test]
async fn a_percent_sign_in_a_route_is_one() {
    let listener = HttpListener::bind().await;
    let client = client(&listener).build().unwrap();
    let users = client.untyped("users/:id/%20/:other");
    let service = async { users.clone().route("id", "%31").route("other", "50%").get(1).await.unwrap() };
    let call = async { users.get(1).route("id", "%2F").route("other", "..").await };
    let answer = ok("1");
    let (_, asked) = soon(async { tokio::join!(service, listener.once(&answer)) }).await;
    assert!(asked.starts_with("GET /users/%2531/%20/50%25/1 "), "{asked}");
    assert!(matches!(soon(call).await, Err(Error::Invalid(_))));
    let call = async { users.get(1).route("id", "%2F").route("other", "%2e%2e").await.unwrap() };
    let (_, asked) = soon(async { tokio::join!(call, listener.once(&answer)) }).await;
    assert!(asked.starts_with("GET /users/%252F/%20/%252e%252e/1 "), "{asked}");
}

#[tokio::test]
async fn an_answer_without_content_is_the_nothing_of_its_type() {
    async fn answered<T: DeserializeOwned>(answer: &str, hooks: Hooks) -> Result<T> {
        let listener = HttpListener::bind().await;
        let client = client(&listener).hooks(hooks).build().unwrap();
        let call = async { client.untyped("tools").method("x", &json!({})).await };
        soon(async { tokio::join!(call, listener.once(answer)) }).await.0
    }
    let empty = "HTTP/1.1 204 No Content\r\n\r\n";
    for hooks in [Hooks::new(), Hooks::new().before(Method::Find, async |_: &mut Context| Ok(()))] {
        assert_eq!(answered::<Value>(empty, hooks.clone()).await.unwrap(), Value::Null);
        assert_eq!(answered::<Option<u8>>(empty, hooks.clone()).await.unwrap(), None);
        assert!(!answered::<bool>(empty, hooks.clone()).await.unwrap());
        assert_eq!(answered::<u64>(empty, hooks.clone()).await.unwrap(), 0);
        assert_eq!(answered::<String>(empty, hooks.clone()).await.unwrap(), "");
        let error = answered::<Vec<u8>>(empty, hooks.clone()).await.unwrap_err();
        assert!(matches!(error, Error::Unreadable(_)) && error.message().contains("null"), "{error}");
    }
}

#[tokio::test]
async fn a_logout_is_that_of_the_login_before_it() {
    let listener = HttpListener::bind().await;
    let client = client(&listener).build().unwrap();
    let (first, second) = (json!({"strategy": "first"}), json!({"strategy": "second"}));
    let server = async {
        let (mut one, mut other) = (listener.accept().await, listener.accept().await);
        let asked = one.request().await.unwrap();
        assert!(other.request().await.is_some());
        if !asked.contains("first") {
            std::mem::swap(&mut one, &mut other);
        }
        one.write(b"HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n{\"accessToken\":\"one\"}").await;
        drop(one);
        let logout = listener.once(&ok("{}")).await;
        assert!(logout.starts_with("DELETE") && logout.contains("Bearer one"), "{logout}");
        other.answer(r#"{"accessToken":"two"}"#).await;
    };
    let all =
        async { tokio::join!(client.authenticate(&first), client.logout(), client.authenticate(&second), server) };
    let (one, logout, two, ()) = soon(all).await;
    assert!(one.is_ok() && logout.is_ok() && two.is_ok());
    assert_eq!(client.authentication().unwrap()["accessToken"], "two");
}

#[tokio::test]
async fn calls_that_wait_have_a_limit_and_those_beyond_it_are_not_sent() {
    let listener = HttpListener::bind().await;
    let client = client(&listener).in_flight_limit(1).buffer_limits(3, 1000).build().unwrap();
    let calls = async {
        let create = |n: usize| client.untyped("x").create(&vec![0; n]).into_future();
        futures_util::future::join_all([10, 10, 1000, 10, 10, 10].map(create)).await
    };
    let server = async {
        let mut peer = listener.accept().await;
        for n in 0..4 {
            peer.request().await.unwrap();
            peer.answer(&n.to_string()).await;
        }
    };
    let (outcomes, ()) = soon(async { tokio::join!(calls, server) }).await;
    let refused = |outcome: &Result<Value>| matches!(outcome, Err(Error::NotSent(_)));
    // The third was too large to wait beside another one, the last too many.
    assert_eq!(outcomes.iter().map(refused).collect::<Vec<_>>(), [false, false, true, false, false, true]);
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_whole_address() {
    let proxy = HttpListener::bind().await;
    let url = proxy.url().replace("http://", "http://ann:secret@");
    let client = Client::rest("http://a.example:81/api").proxy(&url).build().unwrap();
    let call = async { client.untyped("x").get(1).await.unwrap() };
    let answer = ok("1");
    let (_, asked) = soon(async { tokio::join!(call, proxy.once(&answer)) }).await;
    assert!(asked.starts_with("GET http://a.example:81/api/x/1 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_lowercase().contains("proxy-authorization: basic yw5uonnly3jlda=="), "{asked}");
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn tls_is_spoken_with_certificates_that_are_trusted_and_no_others() {
    let listener = HttpListener::bind().await;
    let port = listener.url().rsplit(':').next().unwrap().parse().unwrap();
    let identity = crate::encrypted::Identity::of_a_server();
    let url = identity.before(port).await;
    let error = soon(Client::rest(&url).build().unwrap().untyped("x").get(1).into_future()).await.unwrap_err();
    assert!(matches!(error, Error::NotSent(_)) && error.message().contains("its issuer is not trusted"), "{error}");
    let client = Client::rest(&url).root_certificates(&identity.pem).build().unwrap();
    let call = async { client.untyped("x").get(1).await.unwrap() };
    let answer = ok("1");
    assert_eq!(soon(async { tokio::join!(call, listener.once(&answer)) }).await.0, 1);
}
