use wingbeat::{hooks::with, prelude::*, store::Memory};

#[derive(Clone)]
struct Db;

struct Shout {
    text: String,
}

async fn without_params(text: String) -> Result<String> {
    Ok(text)
}

async fn without_result(text: String, _: &Params) -> String {
    text
}

async fn of_no_deserialize(shout: Shout, _: &Params) -> Result<String> {
    Ok(shout.text)
}

async fn to_no_serialize(text: String, _: &Params) -> Result<Shout> {
    Ok(Shout { text })
}

async fn state_behind(text: String, _: &Params, _: Db) -> Result<String> {
    Ok(text)
}

fn functions() {
    let messages = || Mount::new(Memory::new());
    let _ = messages().method("shout", without_params);
    //~ E0277
    //~ is not a custom method
    //~ params: &Params) -> Result<T>`
    let _ = messages().method("shout", without_result);
    //~ E0277
    //~ is not a custom method
    let _ = messages().method("shout", |text: String, _: &Params| Ok(text));
    //~ E0277
    //~ write a closure as `async |data: Data, params: &Params| { …; Ok(answer) }`
    let _ = messages().method("shout", with(Db, state_behind));
    //~ E0277
    //~ `with(db, async |db: Db, data: Data, params: &Params| …)`
    let _ = messages().method("shout", of_no_deserialize);
    //~ E0277
    //~ the trait bound `Shout: serde::de::DeserializeOwned` is not satisfied
    let _ = messages().method("shout", to_no_serialize);
    //~ E0277
    //~ consider adding `#[derive(serde::Serialize)]` to your `Shout` type
}

struct Todos;

impl Service for Todos {
    type Item = String;
    type Data = String;
    type Patch = String;
    const METHODS: &'static [Method] = &[];

    fn custom(methods: CustomMethods<Todos>) -> CustomMethods<Todos> {
        let methods = methods.add("without_params", Todos::without_params);
        //~ E0593
        let methods = methods.add("params_by_value", Todos::params_by_value);
        //~ E0631
        //~ expected function signature `fn(&Todos, _, &wingbeat::Params) -> _`
        let methods = methods.add("without_result", Todos::without_result);
        //~ E0277
        //~ is not a custom method of `Todos`
        //~ expected `async fn(&self, data: u16, params: &Params) -> Result<T>`
        let methods = methods.add("without_async", Todos::without_async);
        //~ E0277
        //~ is not a custom method of `Todos`
        methods
    }
}

impl Todos {
    async fn without_params(&self, year: u16) -> Result<u16> {
        Ok(year)
    }

    async fn params_by_value(&self, year: u16, _: Params) -> Result<u16> {
        Ok(year)
    }

    async fn without_result(&self, year: u16, _: &Params) -> u16 {
        year
    }

    fn without_async(&self, year: u16, _: &Params) -> Result<u16> {
        Ok(year)
    }
}
