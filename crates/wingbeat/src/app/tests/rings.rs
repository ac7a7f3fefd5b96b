//! Who hears of which error: hooks for all methods are around those for one, the application's around the service's.

use super::Echo;
use crate::hooks::HookType;
use crate::hooks::sync;
use crate::locked;
use crate::prelude::*;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// What error hooks were told, in order.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn hook(&self, label: &'static str) -> impl crate::hooks::Hook {
        let told = self.clone();
        sync(move |context: &mut Context| {
            let error = context.error.as_ref().map(|error| error.message().to_owned()).unwrap_or_default();
            locked(&told.0).push(format!("{label}: {error}"));
            Ok(())
        })
    }

    fn all(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.0))
    }
}

fn failing(text: &'static str) -> impl crate::hooks::Hook {
    sync(move |_: &mut Context| Err(Error::conflict(text)))
}

fn answering(result: Value) -> impl crate::hooks::Hook {
    sync(move |context: &mut Context| {
        context.set_result(result.clone());
        Ok(())
    })
}

async fn get(mount: Mount) -> Result<Value> {
    let app = App::builder().mount("echo", mount).build().unwrap();
    app.service("echo").get("boom", Params::new()).await?.into_value()
}

#[tokio::test]
async fn what_fails_before_all_methods_is_not_told_to_those_of_one() {
    let told = Told::default();
    let mount = Mount::new(Echo)
        .before(All, failing("stranger"))
        .error(Get, answering(json!("fallback")))
        .error(All, told.hook("all"));
    assert_eq!(get(mount).await.unwrap_err().message(), "stranger");
    assert_eq!(told.all(), ["all: stranger"]);
}

#[tokio::test]
async fn who_answers_instead_leaves_nothing_to_those_further_out() {
    let told = Told::default();
    let mount = Mount::new(Echo).error(Get, answering(json!("fallback"))).error(All, told.hook("all"));
    assert_eq!(get(mount).await.unwrap(), "fallback");
    assert!(told.all().is_empty());
}

#[tokio::test]
async fn an_error_hook_that_fails_ends_its_ring_and_is_told_to_the_next() {
    let told = Told::default();
    let mount =
        Mount::new(Echo).error(Get, failing("first")).error(Get, told.hook("second")).error(All, told.hook("all"));
    assert_eq!(get(mount).await.unwrap_err().message(), "first");
    assert_eq!(told.all(), ["all: first"]);
}

#[tokio::test]
async fn an_error_hook_that_fails_after_an_answer_was_set_fails_the_call() {
    let mount = Mount::new(Echo).error(Get, answering(json!("answer"))).error(Get, failing("after all"));
    assert_eq!(get(mount).await.unwrap_err().message(), "after all");
}

#[tokio::test]
async fn the_original_is_that_of_the_failure_however_far_out_the_hook_is() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let look = || {
        let seen = seen.clone();
        sync(move |context: &mut Context| {
            let original = context.original().expect("an error hook");
            locked(&seen).push((original.hook_type, original.result.is_some()));
            Ok(())
        })
    };
    let refuse = |text| {
        sync(move |context: &mut Context| match context.id.to_string() == text {
            true => Err(Error::conflict(text)),
            false => Ok(()),
        })
    };
    let mount = Mount::new(Echo).before(Get, refuse("early")).after(Get, refuse("late")).error(Get, look());
    let app = App::builder().mount("echo", mount).error(All, look()).build().unwrap();
    for (id, kind, has_result) in
        [("early", HookType::Before, false), ("boom", HookType::Around, false), ("late", HookType::After, true)]
    {
        app.service("echo").get(id, Params::new()).await.unwrap_err();
        assert_eq!(std::mem::take(&mut *locked(&seen)), [(kind, has_result); 2], "{id}");
    }
}
