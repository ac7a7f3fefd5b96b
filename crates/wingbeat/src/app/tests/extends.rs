//! Services on top of another one.

use crate::prelude::*;
use crate::service::{ClientRules, Extends, Schemas, Services};
use crate::test::Client;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Has a method of each kind, and counts its setups.
#[derive(Clone, Default)]
struct Base(Arc<AtomicU32>);

impl RawService for Base {
    fn methods(&self) -> Vec<Method> {
        vec![Find, Get]
    }
    async fn find(&self, _: &Params) -> Result<Payload> {
        Ok(json!(["base"]).into())
    }
    async fn get(&self, id: IdArg, _: &Params) -> Result<Payload> {
        Ok(json!({"id": id.to_string()}).into())
    }
    fn custom(methods: CustomMethods<Base>) -> CustomMethods<Base> {
        methods.add("who", Base::who).add("count", Base::count)
    }
    fn rules(&self) -> ClientRules {
        ClientRules::new().hide(["secret"])
    }
    fn schemas(&self) -> Schemas {
        let mut schemas = Schemas::default();
        schemas.item = Some(json!({"type": "object"}));
        schemas
    }
    async fn setup(&self, _: &Services, _: &str) -> Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    async fn teardown(&self, _: &Services, _: &str) -> Result<()> {
        self.0.fetch_add(10, Ordering::Relaxed);
        Ok(())
    }
}

impl Base {
    async fn who(&self, (): (), _: &Params) -> Result<&'static str> {
        Ok("base")
    }
    async fn count(&self, (): (), _: &Params) -> Result<u32> {
        Ok(self.0.load(Ordering::Relaxed))
    }
}

struct Extended(Base);

impl Extends for Extended {
    type Base = Base;

    fn base(&self) -> &Base {
        &self.0
    }
    fn methods(&self) -> Vec<Method> {
        [self.base().methods(), vec![Create]].concat()
    }
    async fn find(&self, params: &Params) -> Result<Payload> {
        let mut found: Vec<String> = self.base().find(params).await?.to()?;
        found.push("extended".into());
        Payload::new(&found)
    }
    async fn create(&self, data: Option<Payload>, _: &Params) -> Result<Payload> {
        Ok(data.unwrap_or(Payload::NULL))
    }
    fn custom(methods: CustomMethods<Extended>) -> CustomMethods<Extended> {
        methods.add("who", Extended::who)
    }
}

impl Extended {
    async fn who(&self, (): (), _: &Params) -> Result<&'static str> {
        Ok("extended")
    }
}

#[tokio::test]
async fn what_a_service_does_not_write_is_that_of_the_one_below() {
    let base = Base::default();
    let app = App::builder().mount("x", Mount::new(Extended(base.clone()))).build().unwrap();
    app.setup().await.unwrap();
    let client = Client::connect(&app).await.unwrap();
    let service = client.service("x");
    assert_eq!(service.find().await.unwrap(), json!(["base", "extended"]));
    assert_eq!(service.get(1).await.unwrap(), json!({"id": "1"}));
    assert_eq!(service.create(7).await.unwrap(), 7);
    assert_eq!(service.remove(1).await.unwrap_err().code(), 405);
    assert_eq!(service.call("who", json!(null)).await.unwrap(), "extended");
    assert_eq!(service.call("count", json!(null)).await.unwrap(), 1);
    assert_eq!(service.clone().query(json!({"secret": 1})).find().await.unwrap_err().code(), 400);
    assert_eq!(app.describe().service("x").unwrap().item, Some(json!({"type": "object"})));
    app.shutdown(std::time::Duration::from_secs(5)).await;
    assert_eq!(base.0.load(Ordering::Relaxed), 11);
}

#[test]
fn a_method_that_neither_has_is_not_built() {
    struct Hollow(Base);
    impl Extends for Hollow {
        type Base = Base;
        fn base(&self) -> &Base {
            &self.0
        }
        fn methods(&self) -> Vec<Method> {
            vec![Find, Patch]
        }
    }
    let error = App::builder().mount("x", Mount::new(Hollow(Base::default()))).build().unwrap_err();
    assert!(error.message().contains("lists the method 'patch' without implementing it"), "{error}");
}

#[test]
fn options_of_the_one_below_that_cannot_be_are_told() {
    struct Over(crate::store::Memory);
    impl Extends for Over {
        type Base = crate::store::Memory;
        fn base(&self) -> &crate::store::Memory {
            &self.0
        }
    }
    let notes = Over(crate::store::Memory::new().records(["not an object"]));
    App::builder().mount("notes", Mount::new(notes)).build().unwrap_err();
}
