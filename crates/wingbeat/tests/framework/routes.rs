//! Routes of an axum application: who is logged in, and calls as the one who asks.

use axum::Router;
use axum::extract::{FromRef, State};
use axum::routing::get;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wingbeat::auth::{ApiKey, Attempt, Auth, Identity, Key, Local, Passwords, Strategy, authenticate, hash_password};
use wingbeat::axum::Login;
use wingbeat::hooks::protect;
use wingbeat::{Builder, Rest, prelude::*, realtime::Headers, store::Memory};

const SECRET: &str = "a secret of thirty-two bytes, yes";

/// State that has more than the application.
#[derive(Clone)]
struct Site {
    app: App,
    greeting: &'static str,
}

impl FromRef<Site> for App {
    fn from_ref(site: &Site) -> App {
        site.app.clone()
    }
}

#[derive(Deserialize)]
struct User {
    name: String,
}

#[derive(Deserialize)]
struct Unfit {
    #[serde(rename = "name")]
    _name: u64,
}

async fn profile(State(site): State<Site>, Login(user): Login<User>) -> String {
    format!("{}, {}", site.greeting, user.name)
}

async fn home(login: Option<Login<User>>) -> String {
    login.map_or("guest".to_owned(), |Login(user)| user.name)
}

async fn unfit(_: Login<Unfit>) {}

/// Answers what a service sees of a call that the route makes as the client.
async fn seen(State(app): State<App>, request: Parts) -> Result<Payload> {
    app.service("echo").call("look", json!({}), app.params_from(&request)).await
}

async fn secret(State(app): State<App>, request: Parts) -> Result<Payload> {
    app.service("secrets").find(app.params_from(&request)).await
}

async fn people(State(app): State<App>, request: Parts) -> Result<Payload> {
    app.service("users").dispatched().find(app.params_from(&request)).await
}

async fn broken() -> Result<String> {
    Ok(std::fs::read_to_string("/nowhere/swordfish")?)
}

async fn echo(_: Value, params: &Params) -> Result<Value> {
    let headers = params.headers();
    Ok(json!({
        "provider": params.provider,
        "query": params.query.to_value(),
        "tenant": headers.and_then(|headers| headers.get("x-tenant")),
        "address": params.address().map(|address| address.to_string()),
        "authentication": params.get("authentication"),
        "knows": params.get("user"),
    }))
}

fn builder() -> Builder {
    let passwords = || Passwords::with_cost(8, 1).unwrap();
    let keys = ApiKey::new().user("key-of-ann", 1).anonymous("key-of-a-machine");
    let auth = Auth::new(Key::secret(SECRET).unwrap())
        .strategy(Local::new("email", "password").passwords(passwords()))
        .strategy(keys);
    let users =
        Mount::new(Memory::new().start(1)).before(Create, hash_password("password")).after(All, protect(["password"]));
    App::builder()
        .mount("authentication", auth)
        .mount("users", users)
        .mount("secrets", Mount::new(Memory::new()).before(All, authenticate("jwt")))
        .mount("echo", Mount::empty().method("look", echo))
}

fn routes(site: Site) -> Router {
    let with_app = Router::new()
        .route("/seen", get(seen))
        .route("/secret", get(secret))
        .route("/people", get(people))
        .route("/app/profile", get(async |Login(user): Login<User>| user.name))
        .with_state(site.app.clone());
    Router::new()
        .route("/profile", get(profile))
        .route("/home", get(home))
        .route("/unfit", get(unfit))
        .route("/broken", get(broken))
        .with_state(site)
        .merge(with_app)
}

/// An axum application with Wingbeat inside, and Ann, who is logged in by a token.
struct Server {
    address: SocketAddr,
    app: App,
    token: String,
}

impl Server {
    async fn start(builder: Builder) -> Server {
        let app = builder.build().unwrap();
        app.setup().await.unwrap();
        let ann = json!({"email": "ann@example.com", "name": "Ann", "password": "secret1"});
        app.service("users").create(ann, Params::new()).await.unwrap();
        let login = json!({"strategy": "local", "email": "ann@example.com", "password": "secret1"});
        let login = app.service("authentication").create(login, Params::new()).await.unwrap();
        let token = login.to_value().unwrap()["accessToken"].as_str().unwrap().to_owned();
        let router = routes(Site { app: app.clone(), greeting: "Hello" }).fallback_service(app.http());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(axum::serve(listener, service).into_future());
        Server { address, app, token }
    }

    /// The status and the body of a page.
    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    async fn json(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let (status, body) = self.get(path, headers).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    async fn as_ann(&self, path: &str) -> (u16, String) {
        self.get(path, &[("Authorization", &format!("Bearer {}", self.token))]).await
    }
}

fn not_authenticated(message: &str) -> Value {
    json!({"name": "NotAuthenticated", "message": message, "code": 401, "className": "not-authenticated"})
}

#[tokio::test]
async fn routes_know_who_is_logged_in() {
    let server = Server::start(builder()).await;
    assert_eq!(server.as_ann("/profile").await, (200, "Hello, Ann".to_owned()));
    assert_eq!(server.as_ann("/home").await, (200, "Ann".to_owned()));
    // The state is the application itself, and the strategy another one.
    let key = [("x-api-key", "key-of-ann")];
    assert_eq!(server.get("/app/profile", &key).await, (200, "Ann".to_owned()));
}

#[tokio::test]
async fn guests_are_401_where_a_login_is_needed_and_nobody_where_it_is_not() {
    let server = Server::start(builder()).await;
    assert_eq!(server.json("/profile", &[]).await, (401, not_authenticated("Not authenticated")));
    assert_eq!(server.get("/home", &[]).await, (200, "guest".to_owned()));
    // A scheme that no strategy reads says nothing, as over REST.
    let basic = [("Authorization", "Basic YW5uOnNlY3JldDE=")];
    assert_eq!(server.get("/home", &basic).await, (200, "guest".to_owned()));
    assert_eq!(server.get("/profile", &basic).await.0, 401);
}

#[tokio::test]
async fn a_login_that_is_not_valid_is_401_for_guests_too() {
    let server = Server::start(builder()).await;
    let (head, signature) = server.token.rsplit_once('.').unwrap();
    let forged = format!("Bearer {head}.{}", signature.chars().rev().collect::<String>());
    let wrong = [
        ("Authorization", &*forged),
        ("Authorization", "Bearer nonsense"),
        ("Authorization", "nonsense"),
        ("x-api-key", "key-of-nobody"),
        // A machine may call, but is no user.
        ("x-api-key", "key-of-a-machine"),
    ];
    for header in wrong {
        for path in ["/profile", "/home"] {
            let (status, body) = server.json(path, &[header]).await;
            assert_eq!((status, &body["className"]), (401, &json!("not-authenticated")), "{path} {header:?} {body}");
        }
    }
}

#[tokio::test]
async fn who_has_no_record_any_more_is_not_logged_in() {
    let server = Server::start(builder()).await;
    server.app.service("users").remove(1, Params::new()).await.unwrap();
    let (status, body) = server.as_ann("/home").await;
    assert_eq!((status, serde_json::from_str(&body).unwrap()), (401, not_authenticated("No record found for id '1'")));
}

#[tokio::test]
async fn a_record_that_does_not_fit_is_the_servers_fault_and_stays_there() {
    let server = Server::start(builder()).await;
    let (status, body) = server.as_ann("/unfit").await;
    assert_eq!(status, 500);
    assert!(!body.contains("Ann") && body.contains("An internal error occurred"), "{body}");
}

#[tokio::test]
async fn a_route_calls_services_as_the_client() {
    let server = Server::start(builder()).await;
    let (status, secret) = server.json("/secret", &[]).await;
    assert_eq!((status, secret), (401, not_authenticated("Not authenticated")));
    assert_eq!(server.as_ann("/secret").await, (200, "[]".to_owned()));
    // Whose strategy the hook does not list.
    assert_eq!(server.get("/secret", &[("x-api-key", "key-of-ann")]).await.0, 401);
    let people = json!([{"email": "ann@example.com", "name": "Ann", "id": 1}]);
    assert_eq!(server.json("/people", &[]).await, (200, people));
}

#[tokio::test]
async fn params_of_a_request_are_those_of_a_call_over_rest() {
    let server = Server::start(builder().configure(Rest::new())).await;
    let bearer = format!("Bearer {}", server.token);
    let headers = [("X-Tenant", "acme"), ("Authorization", &*bearer), ("X-Forwarded-For", "192.0.2.7")];
    let expected = json!({
        "provider": "rest",
        "query": {},
        "tenant": "acme",
        "address": "127.0.0.1",
        "authentication": {"strategy": "jwt", "accessToken": server.token},
        "knows": null,
    });
    // What a route makes of its query string is its own business.
    assert_eq!(server.json("/seen?a=b", &headers).await, (200, expected.clone()));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request =
        format!("POST /echo/look HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}Content-Length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (_, over_rest) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(serde_json::from_str::<Value>(over_rest).unwrap(), expected);
}

#[tokio::test]
async fn addresses_behind_proxies_are_those_that_rest_believes() {
    let proxy = [std::net::IpAddr::from([127, 0, 0, 1])];
    let forwarded = [("X-Forwarded-For", "192.0.2.7")];
    let address = async |builder: Builder| {
        let (_, seen) = Server::start(builder).await.json("/seen", &forwarded).await;
        seen["address"].clone()
    };
    let sockets = || SocketIo::with_config(wingbeat::engine::Config::default().trusted_proxies(proxy));
    assert_eq!(address(builder()).await, "127.0.0.1");
    assert_eq!(address(builder().configure(sockets())).await, "192.0.2.7");
    let rest = Rest::new().trusted_proxies(proxy);
    assert_eq!(address(builder().configure(SocketIo::new()).configure(rest)).await, "192.0.2.7");
    assert_eq!(address(builder().configure(sockets()).configure(Rest::new())).await, "127.0.0.1");
}

#[tokio::test]
async fn an_error_of_a_route_is_answered_without_its_cause() {
    let server = Server::start(builder()).await;
    let neutral = json!({
        "name": "GeneralError", "message": "An internal error occurred", "code": 500, "className": "general-error",
    });
    assert_eq!(server.json("/broken", &[]).await, (500, neutral));
}

/// Reads a header, and panics.
struct Broken;

impl Strategy for Broken {
    fn name(&self) -> &str {
        "broken"
    }
    async fn authenticate(&self, _: &Map<String, Value>, _: &Attempt<'_>) -> Result<Identity> {
        panic!("on purpose")
    }
    fn parse(&self, headers: &Headers) -> Option<Map<String, Value>> {
        headers.get("x-broken")?;
        Some(Map::from_iter([("strategy".to_owned(), "broken".into())]))
    }
}

#[tokio::test]
async fn a_strategy_that_panics_is_500_as_over_rest() {
    let auth = Auth::new(Key::secret(SECRET).unwrap()).strategy(Broken);
    let app = App::builder().mount("authentication", auth).mount("users", Mount::new(Memory::new())).build().unwrap();
    let mut request = http::Request::get("/").header("x-broken", "1").body(()).unwrap().into_parts().0;
    let login = <Login<User> as axum::extract::FromRequestParts<App>>::from_request_parts(&mut request, &app).await;
    assert_eq!(login.map(drop).unwrap_err().code(), 500);
}

#[tokio::test]
async fn a_program_without_authentication_is_told_so() {
    let app = App::builder().build().unwrap();
    let request = http::Request::get("/").body(()).unwrap().into_parts().0;
    let login = async |app: App| {
        let mut request = request.clone();
        <Login<User> as axum::extract::FromRequestParts<App>>::from_request_parts(&mut request, &app).await
    };
    let error = login(app).await.map(drop).unwrap_err();
    assert_eq!(error.code(), 500);
    assert!(error.message().starts_with("Missing authentication service"), "{error:?}");
}
