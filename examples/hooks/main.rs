//! Hooks of your own, one of each kind. `cargo run -p examples --bin hooks`
//!
//! A shop's stock: everybody may look, only who knows the word may change, nobody may take more than there is.

use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Instant;
use tokio::net::TcpListener;
use wingbeat::{
    ErrorKind,
    hooks::{Hook, parse, sync},
    prelude::*,
    store::Memory,
};

#[derive(Serialize, Deserialize)]
struct NewItem {
    name: String,
    count: u32,
}

/// Around: says how long each call took.
async fn measured(context: &mut Context, next: Next<'_>) -> Result<()> {
    let start = Instant::now();
    let outcome = next.run(context).await;
    println!("{} {} took {:?}", context.path(), context.method(), start.elapsed());
    outcome
}

/// Before, with a setting: clients have to know the word, which is a header of their handshake. The server need not.
fn knows(word: &'static str) -> impl Hook {
    sync(move |context| {
        let said = context.params.headers().and_then(|headers| headers.get("x-word")).map(|said| said == word);
        match context.params.is_internal() || said == Some(true) {
            true => Ok(()),
            false => Err(Error::forbidden("Say the word")),
        }
    })
}

/// Before, as a plain function: nobody takes more than there is.
async fn enough(context: &mut Context) -> Result<()> {
    #[derive(Deserialize)]
    struct Item {
        count: u32,
    }
    #[derive(Deserialize)]
    struct Take {
        take: u32,
    }
    let Take { take } = context.data_as()?;
    let id = context.id.id().cloned().ok_or_else(|| Error::bad_request("Which item?"))?;
    let item: Item = context.service("stock").get(id, Params::new()).await?.to()?;
    let left = item.count.checked_sub(take).ok_or_else(|| Error::conflict(format!("Only {} are left", item.count)))?;
    // What the client sent is not what is written.
    context.data = Some(json!({"count": left}).into());
    Ok(())
}

/// After: adds what is not stored.
async fn available(context: &mut Context) -> Result<()> {
    for item in context.result_items_mut()? {
        let available = item.get("count").and_then(serde_json::Value::as_u64) > Some(0);
        item.insert("available".to_owned(), available.into());
    }
    Ok(())
}

/// On errors: says it in the shop's own words.
async fn shop_words(context: &mut Context) -> Result<()> {
    match context.error_kind() {
        Some(ErrorKind::NotFound) => Err(Error::not_found("We do not sell that")),
        _ => Ok(()),
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3030".into());
    let stock = Mount::new(Memory::new().records([json!({"id": "tea", "name": "Tea", "count": 3})]))
        .expose([Find, Get, Create, Patch])
        .before([Create, Patch], knows("sesame"))
        .before(Create, parse::<NewItem>)
        .before(Patch, enough)
        .after(All, available)
        .error(All, shop_words)
        .publish(|_| channel("everybody"));
    let app = App::builder()
        .mount("stock", stock)
        .around(All, measured)
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .configure(SocketIo::new())
        .build()?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    wingbeat::serve(listener, app).await
}
