//! Who is logged in, for the routes of an axum application.

use super::authenticator::Authenticator;
use super::hook::Authenticate;
use crate::app::{App, catch_panic, guarded};
use crate::fair::{Origin, Source};
use crate::service::Params;
use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use serde::de::DeserializeOwned;
use std::time::Duration;
use wingbeat_core::{Error, Result};

/// How long a strategy may take: as long as a call by default.
const LIMIT: Duration = Duration::from_secs(60);

/// The record of the one who is logged in, for routes of axum: by the same headers, tokens and strategies as calls over
/// [`Rest`](crate::Rest). Without a valid login the answer is 401 with an error as Feathers writes it, in JSON, and the
/// route does not run.
///
/// `Option<Login<User>>` is `None` for guests, who bring no login along. One that is not valid is 401 there as well.
///
/// The application comes from the router's state: it is that, or the state says where it is by axum's `FromRef`.
///
/// ```
/// use axum::{Router, extract::{FromRef, State}, routing::get};
/// use serde::Deserialize;
/// use wingbeat::{App, axum::Login};
///
/// #[derive(Clone)]
/// struct Site {
///     app: App,
///     title: String,
/// }
///
/// impl FromRef<Site> for App {
///     fn from_ref(site: &Site) -> App {
///         site.app.clone()
///     }
/// }
///
/// #[derive(Deserialize)]
/// struct User {
///     name: String,
/// }
///
/// async fn profile(Login(user): Login<User>) -> String {
///     format!("You are {}", user.name)
/// }
///
/// async fn home(State(site): State<Site>, login: Option<Login<User>>) -> String {
///     let name = login.map_or("guest".to_owned(), |Login(user)| user.name);
///     format!("Welcome to {}, {name}", site.title)
/// }
///
/// fn routes(site: Site) -> Router {
///     Router::new().route("/", get(home)).route("/profile", get(profile)).with_state(site)
/// }
/// ```
///
/// Every strategy counts that looks at headers ([`parse_strategies`](crate::auth::Auth::parse_strategies)), and the
/// authentication service that was mounted first. A login without record, of a machine's key say, is not that of a user:
/// 401. A record that does not fit `User` is the server's fault: 500. The record is as the server sees it, so do not
/// answer it as it is.
///
/// To call services as the one who asks, take [`App::params_from`].
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "routes take it apart")]
pub struct Login<User>(pub User);

impl<S, User> FromRequestParts<S> for Login<User>
where
    S: Send + Sync,
    App: FromRef<S>,
    User: DeserializeOwned,
{
    type Rejection = Error;

    async fn from_request_parts(request: &mut Parts, state: &S) -> Result<Login<User>> {
        let login = <Login<User> as OptionalFromRequestParts<S>>::from_request_parts(request, state).await?;
        login.ok_or_else(|| Error::not_authenticated("Not authenticated"))
    }
}

impl<S, User> OptionalFromRequestParts<S> for Login<User>
where
    S: Send + Sync,
    App: FromRef<S>,
    User: DeserializeOwned,
{
    type Rejection = Error;

    async fn from_request_parts(request: &mut Parts, state: &S) -> Result<Option<Login<User>>> {
        let app = App::from_ref(state);
        let caller = app.caller_of(request).await;
        let login = caller.and_then(|params| params.map(|params| params.user().map(Login)).transpose());
        login.map_err(|error| app.shown(error))
    }
}

impl App {
    /// The params of a request with the one who makes it, as the hook `authenticate` leaves them; nothing for guests.
    async fn caller_of(&self, request: &Parts) -> Result<Option<Params>> {
        let missing = || Error::general("Missing authentication service: mount one to know who is logged in");
        let authenticator = self.guard::<Authenticator>(None).ok_or_else(missing)?;
        // A strategy of the application's own may panic at a header.
        let mut params = catch_panic(|| self.params_from(request))?;
        let Some(authentication) = params.get("authentication") else { return Ok(None) };
        let (hook, origin) =
            (Authenticate::by_headers(&authenticator), Origin::new(Source::client(params.address(), None)));
        let identified = hook.identify(self, &authenticator, authentication, &mut params);
        guarded(origin.polling(identified), LIMIT).await?;
        Ok(Some(params))
    }
}
