//! Files whose calls began over a socket.

use super::*;

async fn ticket(files: &Files, data: Value) -> Result<String> {
    let client = Client::connect(&files.app).await?;
    let ticket = client.service("files").call("ticket", data).await?;
    assert!(ticket["expires"].as_u64().is_some());
    Ok(ticket["url"].as_str().unwrap().to_owned())
}

fn hello() -> Value {
    json!({"name": "a.txt", "type": "text/plain", "size": 5})
}

async fn put(files: &Files, url: &str, body: &str) -> Answer {
    files.send(Request::put(url), Full::from(body.to_owned())).await
}

#[tokio::test]
async fn a_ticket_is_good_for_one_file() {
    let files = Files::new().await;
    let url = ticket(&files, hello()).await.unwrap();
    assert_eq!(files.count(), 0);
    let made = put(&files, &url, "hello").await;
    assert_eq!((made.status, &made.json()["sha256"]), (201, &json!(SHA256_OF_HELLO)));
    assert_eq!(put(&files, &url, "hello").await.status, 404);
    assert_eq!(put(&files, "/files/x/content", "hello").await.status, 404);
    assert_eq!(files.count(), 2);
}

#[tokio::test]
async fn a_file_of_another_size_is_refused() {
    let files = Files::new().await;
    for (body, status) in [("hell", 400), ("hello!", 413)] {
        let url = ticket(&files, hello()).await.unwrap();
        assert_eq!(put(&files, &url, body).await.status, status);
        assert_eq!(put(&files, &url, "hello").await.status, 404);
    }
    assert!(ticket(&files, json!({"size": 1001})).await.is_err());
    assert!(ticket(&files, json!({"size": -1})).await.is_err() && ticket(&files, json!({})).await.is_err());
    assert_eq!(files.count(), 0);
}

#[tokio::test]
async fn a_wrong_length_does_not_use_the_ticket_up() {
    let files = Files::new().await;
    let url = ticket(&files, hello()).await.unwrap();
    let request = Request::put(&url).header("content-length", 6);
    assert_eq!(files.send(request, Full::from("hello!")).await.status, 400);
    assert_eq!(put(&files, &url, "hello").await.status, 201);
}

#[tokio::test]
async fn a_hook_that_panics_fails_the_ticket_alone() {
    let panics = |mount: Mount| mount.before(Create, crate::hooks::sync(|_| panic!("on purpose")));
    let files = Files::with(|uploads| uploads, panics).await;
    let failed = ticket(&files, hello()).await.unwrap_err();
    assert_eq!((failed.code(), failed.message()), (500, "The call failed"));
}

#[tokio::test(start_paused = true)]
async fn a_ticket_is_good_for_a_minute() {
    let files = Files::new().await;
    let url = ticket(&files, hello()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(put(&files, &url, "hello").await.status, 404);
}

#[tokio::test]
async fn who_may_not_upload_gets_no_ticket() {
    let hooks = |mount: Mount| {
        mount.before(Create, async |context: &mut Context| {
            let from = json!(context.params.provider);
            context.items_mut()?.into_iter().for_each(|item| drop(item.insert("from".into(), from.clone())));
            match context.data_as::<Value>()?["name"] == "a.txt" {
                true => Ok(()),
                false => Err(Error::forbidden("Not this one")),
            }
        })
    };
    let files = Files::with(|uploads| uploads.types(["text/plain"]), hooks).await;
    let refused = ticket(&files, json!({"name": "b.txt", "type": "text/plain", "size": 5})).await.unwrap_err();
    assert_eq!(refused.code(), 403);
    let refused = ticket(&files, json!({"name": "a.txt", "type": "text/html", "size": 5})).await.unwrap_err();
    assert_eq!(refused.code(), 400);
    let url = ticket(&files, hello()).await.unwrap();
    let record = put(&files, &url, "hello").await.json();
    assert_ne!(record["from"], "rest");
    assert!(record["from"].is_string());
}
