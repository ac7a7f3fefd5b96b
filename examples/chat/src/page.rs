//! The page's files. What it needs of Socket.IO the transport serves itself.

use axum::Router;
use axum::http::{HeaderValue, header};
use std::path::Path;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

/// Answers what is not a call: `public` of the folder, and the Feathers client from its `node_modules`.
pub(crate) fn router(folder: &Path) -> Router {
    let feathers = folder.join("node_modules/@feathersjs/client/dist/feathers.js");
    if !feathers.exists() {
        tracing::warn!("the page's libraries are missing: run `npm ci` in {}", folder.display());
    }
    // The browser asks each time whether a file has changed: whoever edits the page sees it.
    let ask_again = SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // No other page shows this one in a frame, where a visitor would click on what is not seen. (In a page, a policy can
    // not say it.)
    let unframed = [
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("frame-ancestors 'none'")),
    ];
    let [old, new] = unframed.map(|(name, value)| SetResponseHeaderLayer::overriding(name, value));
    Router::new()
        .route_service("/feathers.js", ServeFile::new(feathers))
        .fallback_service(ServeDir::new(folder.join("public")))
        .layer(ask_again)
        .layer(old)
        .layer(new)
}
