//! Figures in the text format of Prometheus.

use crate::app::{App, BoundTransport, HttpBody, Transport, error_response};
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::Full;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::fmt;
use std::future::ready;
use std::sync::{Arc, Weak};
use std::time::Duration;
use wingbeat_core::{Error, Result};

/// Upper bounds of the latency histogram, in seconds.
const BUCKETS: [f64; 13] = [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// How often recorded durations are sorted into the histogram while nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// Answers `GET /metrics` with the figures of the process, for Prometheus to fetch:
///
/// - `wingbeat_calls_total` by `service`, `method` and `outcome` (`Success`, an error's name, or `Abandoned`),
/// - `wingbeat_call_seconds` by `service` and `method`, a histogram,
/// - `wingbeat_refused_calls_total` by `outcome`: calls that reached no method, because there is no such service or method
///   or because the arguments are invalid,
/// - `wingbeat_connections` by `provider`, those that are open,
/// - `wingbeat_disconnects_total` by `reason`; `outbox full` is a client for which more waited than may, `ping timeout` one
///   that is gone or reads next to nothing,
/// - `wingbeat_deliveries_total`, events times connections,
/// - `wingbeat_recovery_total` by `outcome` (`recovered`, or why a client that came back begins anew), with
///   [recovery](crate::Recovery); `wingbeat_recovery_events_total`, the events that were sent again;
///   `wingbeat_recovery_lost_connections`, those that may come back,
/// - `wingbeat_outbox_bytes`, what waits to be sent to clients at the moment of asking; what many wait for counts for each,
/// - `wingbeat_foreign_requests_total`, requests for polling sessions of other [nodes](wingbeat_engine::Config::node),
/// - with a [bus](crate::Builder::bus): `wingbeat_bus_connected` (0 or 1), `wingbeat_bus_nodes` that are there,
///   `wingbeat_bus_published_total` and `wingbeat_bus_received_total` events, `wingbeat_bus_stays_total` that other nodes
///   could not be told of, `wingbeat_bus_dropped_total` messages that found no room, `wingbeat_bus_refused_total` that were
///   not understood.
///
/// No label holds what a client has chosen: there are as many as there are services and methods. Besides there is
/// whatever else the program records with the crate `metrics`. Keep the path from strangers.
///
/// Wingbeat only records; a program that has a recorder of its own installs that one before
/// [`build`](crate::Builder::build), and does without this (and without the outboxes).
///
/// ```
/// use wingbeat::{Metrics, prelude::*};
///
/// # fn main() -> Result<()> {
/// let app = App::builder().configure(SocketIo::new()).configure(Metrics::install()?).build()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "hand it to `configure`"]
pub struct Metrics {
    path: Box<str>,
    handle: PrometheusHandle,
}

impl Metrics {
    /// Installs the recorder of this process.
    ///
    /// # Errors
    /// If there is one already.
    pub fn install() -> Result<Metrics> {
        let calls = Matcher::Full("wingbeat_call_seconds".to_owned());
        let recorder = PrometheusBuilder::new().set_buckets_for_metric(calls, &BUCKETS)?.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| {
            Error::general(
                "This process has a metrics recorder already: configure `Metrics` once, and install no other recorder",
            )
        })?;
        metrics::describe_counter!("wingbeat_calls_total", "Calls of service methods that have ended");
        metrics::describe_histogram!("wingbeat_call_seconds", metrics::Unit::Seconds, "How long calls took");
        metrics::describe_counter!("wingbeat_refused_calls_total", "Calls from outside that reached no method");
        metrics::describe_gauge!("wingbeat_connections", "Connections that are open");
        metrics::describe_gauge!(
            "wingbeat_outbox_bytes",
            metrics::Unit::Bytes,
            "Bytes that wait to be sent to clients"
        );
        metrics::describe_counter!("wingbeat_disconnects_total", "Connections that have ended");
        metrics::describe_counter!("wingbeat_deliveries_total", "Events handed to connections");
        metrics::describe_counter!("wingbeat_foreign_requests_total", "Requests for sessions of other nodes");
        metrics::describe_gauge!("wingbeat_bus_connected", "Whether other nodes hear this one, and it them");
        metrics::describe_gauge!("wingbeat_bus_nodes", "Nodes that are there, as far as this one knows");
        metrics::describe_counter!("wingbeat_bus_published_total", "Events that were sent to other nodes");
        metrics::describe_counter!("wingbeat_bus_received_total", "Events that came from other nodes");
        metrics::describe_counter!("wingbeat_bus_stays_total", "Events whose audience other nodes cannot know");
        metrics::describe_counter!("wingbeat_bus_dropped_total", "Messages that found no room on the bus");
        metrics::describe_counter!("wingbeat_bus_refused_total", "Messages over the bus that were not understood");
        metrics::describe_counter!("wingbeat_recovery_total", "Clients that have come back after a loss");
        metrics::describe_counter!("wingbeat_recovery_events_total", "Events that were sent again to these");
        metrics::describe_gauge!("wingbeat_recovery_lost_connections", "Lost connections whose clients may come back");
        Ok(Metrics { path: "/metrics".into(), handle })
    }

    /// Another path than `/metrics`. A slash in front may be left out.
    pub fn path(mut self, path: impl Into<Box<str>>) -> Metrics {
        self.path = super::absolute(path.into());
        self
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metrics({})", self.path)
    }
}

impl Transport for Metrics {
    fn bind(self: Box<Self>, app: &App) -> Result<BoundTransport> {
        let (Metrics { path, handle }, app) = (*self, app.downgrade());
        let handle = Arc::new(handle);
        keep_up(&handle)?;
        let answer = move |request: Request<HttpBody>| {
            ready(match *request.method() {
                Method::GET | Method::HEAD => {
                    if let Some(app) = app.upgrade() {
                        metrics::gauge!("wingbeat_outbox_bytes").set(app.outbox_bytes() as f64);
                        metrics::counter!("wingbeat_foreign_requests_total").absolute(app.foreign_requests());
                    }
                    text(handle.render())
                }
                ref other => error_response(&Error::method_not_allowed(format!("Method {other} not allowed"))),
            })
        };
        Ok(BoundTransport::new().http(move |asked| *asked == *path, answer))
    }
}

/// Durations pile up until someone sorts them; nobody may ever ask for them. A thread, because an application can be
/// built outside of any runtime.
fn keep_up(handle: &Arc<PrometheusHandle>) -> Result<()> {
    let handle: Weak<PrometheusHandle> = Arc::downgrade(handle);
    let upkeep = move || {
        while let Some(handle) = handle.upgrade() {
            handle.run_upkeep();
            drop(handle);
            std::thread::sleep(UPKEEP);
        }
    };
    std::thread::Builder::new().name("metrics".into()).spawn(upkeep)?;
    Ok(())
}

fn text(figures: String) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::new(Full::new(figures.into())));
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
