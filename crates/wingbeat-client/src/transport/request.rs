//! The HTTP requests of long-polling.

use super::{Address, Broken, Source};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Sends the requests of one session.
#[derive(Clone)]
pub(crate) struct Requests {
    address: Arc<Address>,
    client: Client<super::Dialer, Full<Bytes>>,
}

impl Requests {
    pub(crate) fn new(address: Arc<Address>) -> Requests {
        // One connection for the poll that waits, one for what is sent meanwhile. Node closes an idle one after 5 s: it
        // is not used again when that may be on its way.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(2)
            .pool_idle_timeout(Duration::from_secs(3))
            .build(address.dialer.clone());
        Requests { address, client }
    }

    /// Asks for packets, of a session or for a new one.
    pub(crate) async fn get(self, sid: Option<String>) -> Result<String, Broken> {
        self.send(Method::GET, sid.as_deref(), Bytes::new()).await
    }

    /// Brings packets.
    pub(crate) async fn post(self, sid: String, body: Bytes) -> Result<(), Broken> {
        self.send(Method::POST, Some(&sid), body).await.map(drop)
    }

    async fn send(&self, method: Method, sid: Option<&str>, body: Bytes) -> Result<String, Broken> {
        let uri = self.address.uri("http", &format!("polling&t={}", fresh()), sid)?;
        let broken: fn(Source) -> Broken =
            if sid.is_none() { |source| Broken::connect(source) } else { |source| Broken::lost(source) };
        let mut request = Request::new(Full::new(body));
        if method == Method::POST {
            request.headers_mut().insert("content-type", HeaderValue::from_static("text/plain;charset=UTF-8"));
        }
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        request.headers_mut().insert("accept", HeaderValue::from_static("*/*"));
        self.address.add_headers(&mut request);
        let response = self.client.request(request).await.map_err(|error| broken(error.into()))?;
        let status = response.status();
        let location = response.headers().get("location").and_then(|to| to.to_str().ok());
        let to = location.map(|to| format!(" to {}", to.chars().take(200).collect::<String>())).unwrap_or_default();
        let body = Limited::new(response.into_body(), self.address.max_payload);
        let body = body.collect().await.map_err(broken)?;
        let text = String::from_utf8(body.to_bytes().into()).map_err(|error| broken(error.into()))?;
        if status != StatusCode::OK {
            let said: String = text.chars().take(200).collect();
            return Err(broken(format!("HTTP {}{to}: {said}", status.as_u16()).into()));
        }
        Ok(text)
    }
}

/// A value that no cache has seen.
fn fresh() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{:x}.{:x}", now.as_millis(), COUNT.fetch_add(1, Ordering::Relaxed))
}
