//! Prints the latest messages of a Feathers server, says hello, and prints what comes.
use wingbeat_client::{Client, Order, Query, Result};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let client = Client::connect_to("http://localhost:3030").await?;
    let messages = client.untyped("messages");
    let mut created = messages.on("created");
    for message in messages.find().query(Query::new().sort("id", Order::Descending).limit(3)).await? {
        println!("{}", message["text"]);
    }
    messages.create(&serde_json::json!({"text": "Hello from Rust"})).await?;
    while let Some(message) = created.next().await {
        println!("{}", message?["text"]);
    }
    Ok(())
}
