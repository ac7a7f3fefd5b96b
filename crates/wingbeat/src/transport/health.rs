//! Whether the application is well, for those who watch it.

use crate::BoxFuture;
use crate::app::{App, BoundTransport, HttpBody, Transport, WeakApp, error_response, guarded, json_response};
use http::{Method, Request, StatusCode};
use serde_json::{Map, json};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::{Error, RawJson, Result};

/// How long a check may take by default.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

type Check = Arc<dyn Fn(App) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Answers `GET /health`: 200 while all checks pass, else 503, with what each has come to. Why a check failed is logged,
/// not told.
///
/// ```
/// use wingbeat::{Health, prelude::*, store::Memory};
///
/// # fn main() -> Result<()> {
/// let app = App::builder()
///     .mount("messages", Mount::new(Memory::new()))
///     .configure(SocketIo::new())
///     .configure(Health::new().check("messages", |app| async move {
///         app.service("messages").find(Params::new().with_query(serde_json::json!({"$limit": 1}))?).await?;
///         Ok(())
///     }))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "hand it to `configure`"]
pub struct Health {
    path: Box<str>,
    checks: Vec<(Box<str>, Check)>,
    timeout: Duration,
}

impl Health {
    /// No checks: that the process answers is all that is said, and with a [bus](crate::Builder::bus) that it hears other nodes.
    pub fn new() -> Health {
        Health { path: "/health".into(), checks: Vec::new(), timeout: CHECK_TIMEOUT }
    }

    /// Another path than `/health`. A slash in front may be left out.
    pub fn path(mut self, path: impl Into<Box<str>>) -> Health {
        self.path = super::absolute(path.into());
        self
    }

    /// Adds a check. All checks run at the same time.
    pub fn check<F, Fut>(mut self, name: impl Into<Box<str>>, check: F) -> Health
    where
        F: Fn(App) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.checks.push((name.into(), Arc::new(move |app| Box::pin(check(app)))));
        self
    }

    /// How long a check may take before it counts as failed; two seconds if nothing is said.
    pub fn timeout(mut self, timeout: Duration) -> Health {
        self.timeout = timeout;
        self
    }
}

impl Default for Health {
    fn default() -> Health {
        Health::new()
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.checks.iter().map(|(name, _)| name)).finish()
    }
}

impl Transport for Health {
    fn bind(self: Box<Self>, app: &App) -> Result<BoundTransport> {
        let (path, app) = (self.path.clone(), app.downgrade());
        let health: Arc<Health> = self.into();
        let answer = move |request: Request<HttpBody>| {
            let (health, app) = (health.clone(), app.clone());
            async move {
                if !matches!(*request.method(), Method::GET | Method::HEAD) {
                    let error = Error::method_not_allowed(format!("Method {} not allowed", request.method()));
                    return error_response(&error);
                }
                let (status, body) = health.look(&app).await;
                json_response(status, body)
            }
        };
        Ok(BoundTransport::new().http(move |asked| *asked == *path, answer))
    }
}

impl Health {
    async fn look(&self, app: &WeakApp) -> (StatusCode, RawJson) {
        let running = self.checks.iter().map(|(name, check)| async move {
            let outcome = match app.upgrade() {
                Some(app) => guarded(async { check(app).await }, self.timeout).await,
                None => Err(Error::unavailable("The application has ended")),
            };
            if let Err(error) = &outcome {
                tracing::warn!(?error, check = &**name, "a health check failed");
            }
            (String::from(&**name), outcome.is_ok())
        });
        let mut outcomes = futures_util::future::join_all(running).await;
        if let Some(is_well) = app.upgrade().and_then(|app| app.is_among_nodes()) {
            outcomes.push(("bus".to_owned(), is_well));
        }
        let well = outcomes.iter().all(|(_, well)| *well);
        let word = |well: bool| if well { "pass" } else { "fail" };
        let checks: Map<_, _> = outcomes.into_iter().map(|(name, well)| (name, word(well).into())).collect();
        let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, RawJson::new(&json!({"status": word(well), "checks": checks})).unwrap_or(RawJson::NULL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Empty};
    use serde_json::Value;
    use tower_service::Service as _;

    async fn ask(app: &App, method: &str, path: &str) -> (u16, Value) {
        let request = http::Request::builder().method(method).uri(path).body(Empty::<bytes::Bytes>::new()).unwrap();
        let response = app.http().call(request).await.unwrap();
        let (head, body): (_, HttpBody) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status.as_u16(), serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn all_checks_must_pass() {
        let health = Health::new().check("one", |_| async { Ok(()) });
        let app = App::builder().configure(health).build().unwrap();
        assert_eq!(ask(&app, "GET", "/health").await, (200, json!({"status": "pass", "checks": {"one": "pass"}})));
        assert_eq!(ask(&app, "GET", "/healthy").await.0, 404);
        assert_eq!(ask(&app, "POST", "/health").await.0, 405);
    }

    #[tokio::test(start_paused = true)]
    async fn errors_panics_and_slow_checks_fail_and_say_nothing() {
        let health = Health::new()
            .path("/up")
            .check("error", |_| async { Err(Error::general("the password is swordfish")) })
            .check("panic", |_| async { panic!("on purpose") })
            .check("slow", |_| std::future::pending())
            .check("well", |_| async { Ok(()) });
        let app = App::builder().configure(health).build().unwrap();
        let checks = json!({"error": "fail", "panic": "fail", "slow": "fail", "well": "pass"});
        assert_eq!(ask(&app, "GET", "/up").await, (503, json!({"status": "fail", "checks": checks})));
    }
}
