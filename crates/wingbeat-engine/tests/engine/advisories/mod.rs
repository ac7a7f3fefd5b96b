//! What was published against others: one test for each advisory, which bears its number. SECURITY.md has the list.

mod socketio;
mod websocket;

use crate::client::Ws;
use crate::server::Server;

/// The server still does what it is there for.
async fn serves(server: &Server) {
    let mut ws = Ws::connect(server.port).await;
    ws.send("421[\"echo\",1]").await;
    assert_eq!(ws.text().await, "431[null,1]");
}
