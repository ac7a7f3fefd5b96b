use crate::prelude::*;
use crate::store::{Memory, Records, Table};
use serde_json::{Value, json};

fn nothing(_: &Value) -> Result<fn(&Value) -> bool> {
    Ok(|_| false)
}

fn wrong() -> [(Table<Records>, &'static str); 8] {
    [
        (Memory::new().operator("$gt", nothing), "'operator': \"$gt\": this name has a meaning already"),
        (Memory::new().operator("near", nothing), "'operator': \"near\": a name begins with `$`"),
        (Memory::new().filters(["$a", "populate"]), "'filters': \"populate\": a name begins with `$`"),
        (Memory::new().multi([Create, Find]), "'multi': 'find' never means several"),
        (Memory::new().records([1]), "'records': a record must be an object"),
        (Memory::new().records([json!({"id": []})]), "'records': Invalid 'id': an id must be"),
        (Memory::new().records([json!({})]).id("_id"), "'id': it comes before the records; write Memory::new()"),
        (Memory::new().filters(["a"]).operator("b", nothing), "'filters': \"a\""),
    ]
}

#[test]
fn a_table_whose_option_is_wrong_is_not_mounted() {
    for (table, why) in wrong() {
        let error = App::builder().mount("things", Mount::new(table)).build().unwrap_err();
        assert!(error.message().contains(&format!("Invalid option {why}")), "{why}: {}", error.message());
    }
}

#[tokio::test]
async fn a_table_whose_option_is_wrong_answers_so_where_nobody_mounts_it() {
    let (table, why) = wrong().into_iter().next().unwrap();
    let (params, data) = (Params::new(), || Some(json!({}).into()));
    for answer in [
        table.find(&params).await,
        table.get(1.into(), &params).await,
        table.create(data(), &params).await,
        table.update(1.into(), data(), &params).await,
        table.patch(1.into(), data(), &params).await,
        table.remove(1.into(), &params).await,
    ] {
        assert!(answer.unwrap_err().message().contains(why));
    }
}
