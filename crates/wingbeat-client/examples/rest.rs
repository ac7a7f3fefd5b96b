//! Asks a Feathers server over plain HTTP: says hello, and prints the latest messages.
use wingbeat_client::{Client, DeliveryStatus, Order, Query, Result};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let client = Client::rest("http://localhost:3030").build()?;
    let messages = client.untyped("messages");
    if let Err(error) = messages.create(&serde_json::json!({"text": "Hello over HTTP"})).await {
        match error.delivery_status() {
            DeliveryStatus::Answered => println!("the server says no: {error}"),
            DeliveryStatus::NotSent => println!("nothing happened: {error}"),
            DeliveryStatus::Unknown => println!("it may be there, look before you repeat it: {error}"),
        }
    }
    for message in messages.find().query(Query::new().sort("id", Order::Descending).limit(3)).await? {
        println!("{}", message["text"]);
    }
    Ok(())
}
