//! What can be a hook or a custom method.

use super::Echo;
use crate::hooks::with;
use crate::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

type Name = Arc<str>;

async fn greet(name: Name, context: &mut Context) -> Result<()> {
    tokio::task::yield_now().await;
    context.params.query.set("greeted", &*name);
    Ok(())
}

async fn count(names: Arc<[Name]>, from: usize, params: &Params) -> Result<(usize, bool)> {
    tokio::task::yield_now().await;
    Ok((names.len() - from, params.is_internal()))
}

async fn find(mount: Mount) -> Value {
    let app = App::builder().mount("echo", mount).build().unwrap();
    app.service("echo").find(Params::new()).await.unwrap().into_value().unwrap()
}

#[tokio::test]
async fn plain_async_closures_are_hooks() {
    let mount = Mount::new(Echo)
        .before(Find, async |context: &mut Context| {
            tokio::task::yield_now().await;
            context.params.query.set("seen", true);
            Ok(())
        })
        .around(Find, async |context: &mut Context, next: Next<'_>| {
            next.run(context).await?;
            let result = context.result_as::<Value>()?;
            context.set_result(json!([result["seen"]]));
            Ok(())
        });
    assert_eq!(find(mount).await, json!([true]));
}

#[tokio::test]
async fn hooks_of_all_kinds_have_state() {
    let ann = Name::from("Ann");
    let mount = Mount::new(Echo)
        .before(Find, with(ann.clone(), greet))
        .after(
            Find,
            with((ann.clone(), 2), async |(name, times): (Name, usize), context: &mut Context| {
                let greeted = context.result_as::<Value>()?["greeted"].clone();
                context.set_result(json!([name.repeat(times), greeted]));
                Ok(())
            }),
        )
        .around(
            Find,
            with(ann, async |name: Name, context: &mut Context, next: Next<'_>| {
                next.run(context).await?;
                context.set_result(json!({ &*name: context.result_as::<Value>()? }));
                Ok(())
            }),
        );
    assert_eq!(find(mount).await, json!({"Ann": ["AnnAnn", "Ann"]}));
}

#[tokio::test]
async fn custom_methods_borrow_the_params_take_them_or_have_state() {
    let names: Arc<[Name]> = [Name::from("Ann"), Name::from("Ben")].into();
    let taking = |number: i64, params: Params| async move { Ok((number, params.is_internal())) };
    let mount = Mount::empty()
        .method("borrows", async |number: i64, params: &Params| Ok((number, params.is_internal())))
        .method("takes", taking)
        .method("counts", with(names, count))
        .raw_method("raw", async |data: Option<Payload>, _: &Params| Ok(json!(data.is_none()).into()));
    let app = App::builder().mount("any", mount).build().unwrap();
    let call = async |method: &str| {
        app.service("any").call(method, json!(1), Params::new()).await.unwrap().into_value().unwrap()
    };
    for method in ["borrows", "takes", "counts"] {
        assert_eq!(call(method).await, json!([1, true]), "{method}");
    }
    assert_eq!(call("raw").await, false);
}
