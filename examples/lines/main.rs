//! A transport of one's own: notes over TCP, one JSON object a line, for those who log in.
//!
//! `cargo run -p examples --bin lines`, then `nc 127.0.0.1 3030`:
//!
//! ```json
//! {"call": 1, "path": "authentication", "method": "create", "data": {"strategy": "local", "name": "ann", "password": "swordfish"}}
//! {"call": 2, "path": "notes", "method": "create", "data": {"text": "Hello"}}
//! ```

mod transport;

use serde_json::json;
use std::time::Duration;
use tokio::net::TcpListener;
use transport::Lines;
use wingbeat::auth::{Auth, Key, Local, authenticate, hash_password};
use wingbeat::{hooks::protect, prelude::*, store::Memory};

#[tokio::main]
async fn main() -> Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3030".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    // Tokens end with the process; a server that goes on has its secret from its settings.
    let key = Key::secret(&format!("only for this example {:?}", std::time::SystemTime::now()))?;
    let users = Mount::new(Memory::new().start(1)).internal();
    let users = users.before(Create, hash_password("password")).after(All, protect(["password"]));
    let app = App::builder()
        .mount("authentication", Auth::new(key).strategy(Local::new("name", "password")))
        .mount("users", users)
        .mount(
            "notes",
            Mount::new(Memory::new().start(1)).before(All, authenticate("jwt")).publish(|_| channel("members")),
        )
        .on_login(|app, connection| app.channel("members").join(connection))
        .configure(Lines(listener))
        .build()?;
    for name in ["ann", "bob"] {
        app.service("users").create(json!({"name": name, "password": "swordfish"}), Params::new()).await?;
    }
    app.setup().await?;
    tokio::signal::ctrl_c().await?;
    app.shutdown(Duration::from_secs(10)).await;
    Ok(())
}
