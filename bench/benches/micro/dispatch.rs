//! From a call to a service's method and back: routing, hooks, types.

use criterion::Criterion;
use serde::Serialize;
use serde_json::json;
use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};
use wingbeat::prelude::*;

#[derive(Serialize)]
struct Message {
    id: Id,
    text: &'static str,
}

struct Typed;

impl Service for Typed {
    type Item = Message;
    type Data = ();
    type Patch = ();
    const METHODS: &'static [Method] = &[Get];

    async fn get(&self, id: Id, _params: &Params) -> Result<Message> {
        Ok(Message { id, text: "hello" })
    }
}

struct Raw;

impl RawService for Raw {
    fn methods(&self) -> Vec<Method> {
        vec![Get]
    }

    async fn get(&self, id: IdArg, _params: &Params) -> Result<Payload> {
        Ok(json!({ "id": id.into_id(), "text": "hello" }).into())
    }
}

async fn around(context: &mut Context, next: Next<'_>) -> Result<()> {
    next.run(context).await
}

async fn before(_context: &mut Context) -> Result<()> {
    Ok(())
}

pub(crate) fn benches(criterion: &mut Criterion) {
    let five_around = (0..5).fold(Mount::new(Typed), |mount, _| mount.around(All, around));
    let five_before = (0..5).fold(Mount::new(Typed), |mount, _| mount.before(All, before));
    let app = App::builder()
        .mount("typed", Mount::new(Typed))
        .mount("raw", Mount::new(Raw))
        .mount("placed/:room/typed", Mount::new(Typed))
        .mount("five-around", five_around)
        .mount("five-before", five_before)
        .build()
        .expect("the application is in order");
    let mut group = criterion.benchmark_group("dispatch");
    for path in ["typed", "raw", "placed/1/typed", "five-around", "five-before"] {
        let service = app.service(path);
        group.bench_function(path, |bencher| {
            bencher.iter(|| {
                let call = pin!(service.get("17", Params::default()));
                match call.poll(&mut TaskContext::from_waker(Waker::noop())) {
                    Poll::Ready(answer) => answer.expect("there is a record"),
                    Poll::Pending => unreachable!("nothing here has to wait"),
                }
            });
        });
    }
    group.finish();
}
