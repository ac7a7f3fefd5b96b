use wingbeat_client::*; use serde_json::json;
#[tokio::main]
async fn main() {
    let client = Client::connect_to(&std::env::args().nth(1).unwrap()).await.unwrap();
    let mut events = client.connection_events();
    tokio::spawn(async move { while let Some(e) = events.next().await { println!("{e:?}"); } });
    let t = std::time::Instant::now();
    let calls: Vec<_> = (0..10000).map(|n| { let m = client.untyped("messages"); tokio::spawn(async move { m.create(&json!({"text": n})).await }) }).collect();
    let mut created = client.untyped("messages").on("created");
    for i in 0..500 { let e = tokio::time::timeout(std::time::Duration::from_secs(5), created.next()).await; if i % 100 == 0 || e.is_err() { println!("{i} {:?} {e:?}", t.elapsed()); } if e.is_err() { break; } }
    let (mut ok, mut bad) = (0, 0);
    for c in calls { match c.await.unwrap() { Ok(_) => ok += 1, Err(e) => { if bad == 0 { println!("{e:?}"); } bad += 1 } } }
    println!("{ok} {bad} {:?}", t.elapsed());
}
