//! What is not taken, and that nothing of it stays.

use super::*;
use proptest::prelude::*;

#[tokio::test]
async fn what_is_too_much_is_refused_and_leaves_nothing() {
    let files = Files::new().await;
    let long = "x".repeat(1001);
    assert_eq!(files.post("text/plain", "a", &long).await.status, 413);
    // Without a length it is seen when it comes.
    let request = || Request::post("/files").header("content-type", "text/plain");
    assert_eq!(files.send(request(), Full::from(long.clone())).await.status, 413);
    assert_eq!(files.form(&[&format!("name=f; filename=f\r\n\r\n{long}")]).await.status, 413);
    let many: Vec<String> = (0..40).map(|at| format!("name=\"{at}\"\r\n\r\nx")).collect();
    let many: Vec<&str> = many.iter().map(|part| &**part).collect();
    let refused = files.form(&many).await;
    assert!(refused.status == 400 && refused.json()["message"].as_str().unwrap().contains("32 parts"));
    let fields = format!("name=a\r\n\r\n{}", "x".repeat(70_000));
    assert_eq!(files.form(&[&fields]).await.status, 400);
    // A head that does not end.
    let head = stream::repeat_with(|| Ok::<_, std::io::Error>(Frame::data(Bytes::from(vec![b'x'; 10_000]))));
    let head = frames(vec![Ok("--xyz\r\nA: ")]).chain(head);
    let request = Request::post("/files").header("content-type", "multipart/form-data; boundary=xyz");
    assert_eq!(files.send(request, StreamBody::new(head)).await.status, 400);
    assert_eq!(files.count(), 0);
}

#[tokio::test]
async fn only_the_types_of_the_service_are_taken() {
    let files = Files::with(|uploads| uploads.types(["text/plain", "image/*"]), |mount| mount).await;
    assert_eq!(files.post("text/html", "a", "x").await.status, 415);
    assert_eq!(files.post("", "a", "x").await.status, 415);
    assert_eq!(files.form(&["name=f; filename=f\r\nContent-Type: text/html\r\n\r\nx"]).await.status, 415);
    assert_eq!(files.post("Image/PNG", "a", "x").await.status, 201);
    // A hook cannot undo it by accident.
    let typed = |mount: Mount| {
        mount.before(Create, async |context: &mut Context| {
            context.data = Some(json!({"type": "text/html"}).into());
            Ok(())
        })
    };
    let files = Files::with(|uploads| uploads.types(["text/plain"]), typed).await;
    assert_eq!(files.post("text/plain", "a", "x").await.status, 400);
}

#[tokio::test]
async fn a_client_that_leaves_leaves_nothing() {
    let files = Files::new().await;
    let request = || Request::post("/files").header("content-type", "text/plain");
    let broken = StreamBody::new(frames(vec![Ok("hel"), Err("gone")]));
    assert_eq!(files.send(request(), broken).await.status, 400);
    let short = StreamBody::new(frames(vec![Ok("hel")]));
    assert_eq!(files.send(request().header("content-length", "5"), short).await.status, 400);
    let form =
        StreamBody::new(frames(vec![Ok("--xyz\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\nhel")]));
    let request = Request::post("/files").header("content-type", "multipart/form-data; boundary=xyz");
    assert_eq!(files.send(request, form).await.status, 400);
    assert_eq!((files.count(), files.get("/files", &[]).await.json()), (0, json!([])));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_is_given_up() {
    let files = Files::new().await;
    let stops = || stream::pending::<Result<Frame<Bytes>, std::io::Error>>();
    let request = || Request::post("/files");
    let raw = request().header("content-type", "text/plain");
    assert_eq!(files.send(raw, StreamBody::new(frames(vec![Ok("hel")]).chain(stops()))).await.status, 408);
    let form = || request().header("content-type", "multipart/form-data; boundary=xyz");
    assert_eq!(files.send(form(), StreamBody::new(stops())).await.status, 408);
    let begun = frames(vec![Ok("--xyz\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\nhel")]);
    assert_eq!(files.send(form(), StreamBody::new(begun.chain(stops()))).await.status, 408);
    assert_eq!(files.count(), 0);
}

#[tokio::test]
async fn who_may_not_upload_is_refused_before_the_body_is_read() {
    let refuse = |mount: Mount| {
        mount.before(Create, async |context: &mut Context| {
            let data: Value = context.data_as()?;
            Err(Error::forbidden(format!("Not {} of {}", data["name"], data["type"])))
        })
    };
    let files = Files::with(|uploads| uploads, refuse).await;
    let never = StreamBody::new(stream::pending::<Result<Frame<Bytes>, std::io::Error>>());
    let request = Request::post("/files").header("content-type", "text/plain");
    let refused = files.send(request.header("content-disposition", "attachment; filename=a.txt"), never).await;
    assert_eq!((refused.status, &refused.json()["message"]), (403, &json!("Not \"a.txt\" of \"text/plain\"")));
}

#[tokio::test]
async fn pages_of_strangers_cannot_upload() {
    let files = Files::new().await;
    let form = || Request::post("/files").header("content-type", "multipart/form-data; boundary=xyz");
    let body = || Full::from(written(&["name=f; filename=f\r\n\r\nx"]));
    assert_eq!(files.send(form().header("origin", "https://evil.example"), body()).await.status, 403);
    let friend = files.send(form().header("origin", "https://friend.example"), body()).await;
    assert_eq!((friend.status, friend.header("access-control-allow-origin")), (201, Some("https://friend.example")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_form_is_sent_is_taken_whole_or_refused(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "--xyz", "--", "\r\n", "\r\n\r\n", "Content-Disposition: form-data; ", "name=f", "; filename=f", "filename*=UTF-8''%ff",
        "\"", "x", "\u{0}", "Content-Type: text/plain", "--xyz--\r\n", "--xyz\r\nContent-Disposition: form-data; name=f; filename=g\r\n\r\n",
    ]), 0..16)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let files = Files::new().await;
            let request = Request::post("/files").header("content-type", "multipart/form-data; boundary=xyz");
            let answer = files.send(request, Full::from(pieces.concat())).await;
            let expected = if answer.status == 201 { 2 } else { 0 };
            assert!([201, 400].contains(&answer.status), "{}", answer.status);
            assert_eq!(files.count(), expected);
        });
    }
}
