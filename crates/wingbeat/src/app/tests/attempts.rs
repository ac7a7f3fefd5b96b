//! Around hooks that run the rest of the chain more than once.

use super::Echo;
use crate::hooks::sync;
use crate::locked;
use crate::prelude::*;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// Fails as often as it says, and takes the data away from whoever comes next.
fn shaky(mount: Mount, failures: u32) -> Mount {
    let (left, seen) = (Arc::new(Mutex::new(failures)), Arc::new(Mutex::new(0)));
    let spoil = sync(move |context: &mut Context| {
        *locked(&seen) += 1;
        let times = *locked(&seen);
        context.items_mut()?[0].insert("hashed".into(), times.into());
        context.params.set("spoilt", true);
        Ok(())
    });
    let fail = sync(move |context: &mut Context| {
        let mut left = locked(&left);
        let items = context.result_items_mut()?;
        assert_eq!(items[0].len(), 2, "hooks have run on data that hooks had changed: {:?}", items[0]);
        if *left > 0 {
            *left -= 1;
            return Err(Error::unavailable("not yet"));
        }
        Ok(())
    });
    mount.before(Create, spoil).after(Create, fail)
}

async fn patient(context: &mut Context, next: Next<'_>) -> Result<()> {
    while next.attempt(context).await.is_err() {
        assert!(context.result.is_none() && context.params.get("spoilt").is_none());
        assert_eq!(context.data_as::<Value>()?, json!({"text": "a"}));
    }
    Ok(())
}

#[tokio::test]
async fn an_attempt_that_fails_leaves_the_call_as_it_was() {
    let mount = shaky(Mount::new(Echo).around(Create, patient), 3);
    let app = App::builder().mount("echo", mount).build().unwrap();
    let created = app.service("echo").create(json!({"text": "a"}), Params::new()).await.unwrap();
    assert_eq!(created.into_value().unwrap(), json!({"text": "a", "hashed": 4}));
}

#[tokio::test]
async fn attempts_publish_once() {
    let app = App::builder()
        .mount("echo", shaky(Mount::new(Echo).around(Create, patient), 2).publish(|_| channel("all")))
        .on_connection(|app, connection| app.channel("all").join(connection))
        .build()
        .unwrap();
    let client = crate::test::Client::connect(&app).await.unwrap();
    client.service("echo").create(json!({"text": "a"})).await.unwrap();
    assert_eq!(client.heard().len(), 1);
}
