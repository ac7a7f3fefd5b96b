//! How much a client may have with one call.

use super::facts;
use crate::hooks::sync;
use crate::prelude::*;
use crate::store::{Limits, Store, Table};
use crate::test::Client;
use serde_json::{Value, json};

facts! {
    a_client_writes_as_many_records_with_one_call_as_the_table_says
    what_is_too_much_is_refused_before_anything_reads_it
    a_client_skips_as_many_records_as_the_table_says
}

fn limited<S: Store>(table: Table<S>, limits: Limits) -> App {
    App::builder().mount("messages", Mount::new(table.multi(true).limits(limits))).build().unwrap()
}

async fn a_client_writes_as_many_records_with_one_call_as_the_table_says<S: Store + Clone>(table: Table<S>) {
    let app = limited(table, Limits::default().records(3));
    let client = Client::connect(&app).await.unwrap();
    let all = client.service("messages");
    let refused = |answer: Result<Value>, method: &str| {
        let text = format!("Can not {method} more than 3 entries in one call");
        assert_eq!(answer.unwrap_err().message(), text);
    };
    refused(all.create(json!([{}, {}, {}, {}])).await, "create");
    refused(all.patch(Value::Null, json!({"n": 1})).await, "change");
    refused(all.patch(Value::Null, json!({})).await, "change");
    refused(all.remove(Value::Null).await, "change");
    let whole = app.service("messages").find(Params::new()).await.unwrap().into_value().unwrap();
    assert_eq!((whole.as_array().unwrap().len(), whole[0]["n"].as_f64()), (5, Some(10.0)));

    let ones = client.service("messages").query(json!({"userId": 1}));
    assert_eq!(ones.patch(Value::Null, json!({"n": 1})).await.unwrap().as_array().unwrap().len(), 3);
    assert_eq!(ones.remove(Value::Null).await.unwrap().as_array().unwrap().len(), 3);
    assert_eq!(all.create(json!([{}, {}, {}])).await.unwrap().as_array().unwrap().len(), 3);
    // The server's own calls are free.
    let created = app.service("messages").create(json!([{}, {}, {}, {}]), Params::new()).await.unwrap();
    assert_eq!(created.to_value().unwrap().as_array().unwrap().len(), 4);
    let removed = app.service("messages").remove(None, Params::new()).await.unwrap();
    assert_eq!(removed.to_value().unwrap().as_array().unwrap().len(), 9);
}

async fn what_is_too_much_is_refused_before_anything_reads_it<S: Store + Clone>(table: Table<S>) {
    let nobody = sync(|_: &mut Context| panic!("a hook has seen it"));
    let mount = Mount::new(table.multi(true)).before(Create, nobody);
    let app = App::builder().mount("messages", mount).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    let many = Value::Array(vec![json!({}); 10_001]);
    let error = client.service("messages").create(many).await.unwrap_err();
    assert_eq!(error.message(), "Can not create more than 10000 entries in one call");
}

async fn a_client_skips_as_many_records_as_the_table_says<S: Store + Clone>(table: Table<S>) {
    let app = limited(table, Limits::default().skip(2));
    let client = Client::connect(&app).await.unwrap();
    let skip = |skip: Value| client.service("messages").query(json!({"$skip": skip}));
    assert_eq!(skip(json!("2")).find().await.unwrap()[0]["id"], 3);
    assert_eq!(skip(json!("3")).find().await.unwrap_err().message(), "Invalid $skip: it may be 2 at most");
    let free = Params::new().with_query(json!({"$skip": 4})).unwrap();
    assert_eq!(app.service("messages").find(free).await.unwrap().to_value().unwrap()[0]["id"], 5);
}
