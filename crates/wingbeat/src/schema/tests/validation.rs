use super::super::{JsonSchema, Validate, validate_data, validate_patch, validate_query};
use crate::prelude::*;
use crate::store::Memory;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Message {
    id: Option<i64>,
    #[schemars(length(min = 2))]
    text: String,
    #[schemars(range(min = 0, max = 9))]
    n: Option<u8>,
}

fn app(mount: Mount) -> App {
    App::builder().mount("messages", mount).build().unwrap()
}

fn messages() -> Mount {
    Mount::new(Memory::new().start(1).multi(true).paginate(1, 2))
        .before([Create, Update], validate_data::<Message>())
        .before(Patch, validate_patch::<Message>())
        .before(All, validate_query::<Message>())
}

/// What is wrong with a value, as (instancePath, keyword, message).
async fn wrong(hook: Validate, data: Value) -> Vec<(String, String, String)> {
    let app = app(Mount::new(Memory::new().start(1).multi(true)).before(Create, hook));
    let error = app.service("messages").create(data, Params::new()).await.unwrap_err();
    assert_eq!((error.code(), error.message(), error.errors()), (400, "validation failed", None));
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let entries = error.data().unwrap().as_array().unwrap();
    entries.iter().map(|e| (text(e, "instancePath"), text(e, "keyword"), text(e, "message"))).collect()
}

async fn first(schema: Value, value: Value) -> Value {
    let app = app(Mount::new(Memory::new().start(1)).before(Create, Validate::data(schema)));
    let error = app.service("messages").create(value, Params::new()).await.unwrap_err();
    error.data().unwrap()[0].clone()
}

#[tokio::test]
async fn errors_are_worded_as_feathers_words_them() {
    for (property, value, params, message) in [
        (json!({"type": "string"}), json!(5), json!({"type": "string"}), "must be string"),
        (json!({"type": ["string", "null"]}), json!(5), json!({"type": ["string", "null"]}), "must be string,null"),
        (json!({"maxLength": 1}), json!("äö"), json!({"limit": 1}), "must NOT have more than 1 characters"),
        (json!({"minimum": 2}), json!(1), json!({"comparison": ">=", "limit": 2}), "must be >= 2"),
        (json!({"exclusiveMaximum": 2}), json!(2), json!({"comparison": "<", "limit": 2}), "must be < 2"),
        (json!({"multipleOf": 2}), json!(3), json!({"multipleOf": 2}), "must be multiple of 2"),
        (
            json!({"enum": [1, 2]}),
            json!(3),
            json!({"allowedValues": [1, 2]}),
            "must be equal to one of the allowed values",
        ),
        (json!({"const": 1}), json!(3), json!({"allowedValue": 1}), "must be equal to constant"),
        (json!({"pattern": "^a"}), json!("b"), json!({"pattern": "^a"}), "must match pattern \"^a\""),
        (json!({"format": "email"}), json!("b"), json!({"format": "email"}), "must match format \"email\""),
        (json!({"minItems": 1}), json!([]), json!({"limit": 1}), "must NOT have fewer than 1 items"),
        (
            json!({"uniqueItems": true}),
            json!([1, 2, 1]),
            json!({"i": 2, "j": 0}),
            "must NOT have duplicate items (items ## 0 and 2 are identical)",
        ),
        (json!({"not": {"type": "null"}}), json!(null), json!({}), "must NOT be valid"),
        (json!({"minProperties": 1}), json!({}), json!({"limit": 1}), "must NOT have fewer than 1 properties"),
    ] {
        let error = first(json!({"properties": {"p": property}}), json!({"p": value})).await;
        let keyword = property.as_object().unwrap().keys().next().unwrap();
        let expected = json!({
            "instancePath": "/p",
            "schemaPath": format!("#/properties/p/{keyword}"),
            "keyword": keyword,
            "params": params,
            "message": message,
        });
        assert_eq!(error, expected);
    }
}

#[tokio::test]
async fn the_first_error_is_the_one_that_ajv_finds_first() {
    // Required, then what is too much, then the properties in the order of the schema.
    let all = json!({"n": 10, "more": 1});
    let [required] = &wrong(validate_data::<Message>(), all.clone()).await[..] else { panic!("one error") };
    assert_eq!(required.2, "must have required property 'text'");
    let every = wrong(validate_data::<Message>().every_error(), all).await;
    let keywords: Vec<&str> = every.iter().map(|(_, keyword, _)| &**keyword).collect();
    assert_eq!(keywords, ["required", "additionalProperties", "maximum"]);
}

#[tokio::test]
async fn the_branches_say_what_they_miss() {
    let schema = json!({"properties": {"p": {"anyOf": [{"type": "number"}, {"minLength": 3}]}}});
    let errors = wrong(Validate::data(schema), json!({"p": "x"})).await;
    let told: Vec<&str> = errors.iter().map(|(_, _, message)| &**message).collect();
    assert_eq!(told, ["must be number", "must NOT have fewer than 3 characters", "must match a schema in anyOf"]);
}

#[tokio::test]
async fn lists_are_checked_element_by_element() {
    let errors = wrong(validate_data::<Message>(), json!([{"text": "good"}, {"text": "b"}])).await;
    assert_eq!(errors[0].0, "/text");
    let created = app(messages()).service("messages").create(json!([{"text": "good"}]), Params::new()).await.unwrap();
    assert_eq!(created.into_value().unwrap(), json!([{"text": "good", "id": 1}]));
}

#[tokio::test]
async fn missing_data_does_not_fit() {
    let call = crate::service::invocation::Invocation::new(
        "messages",
        "create",
        crate::service::invocation::Caller::Internal,
        Ok(Params::new().into()),
    );
    let error = app(messages()).services().0.call(call, false).await.unwrap_err();
    assert_eq!(error.data().unwrap()[0]["message"], "must be object");
}

#[tokio::test]
async fn a_large_value_is_told_one_error() {
    let schema = json!({"properties": {"list": {"items": {"type": "string"}}}});
    let errors = wrong(Validate::data(schema).every_error(), json!({"list": vec![1; 100_000]})).await;
    assert_eq!(errors.len(), 1);
}

#[tokio::test]
async fn a_patch_needs_nothing_but_must_fit() {
    let app = app(messages());
    let service = app.service("messages");
    service.create(json!({"text": "good"}), Params::new()).await.unwrap();
    service.patch(1, json!({"n": 3}), Params::new()).await.unwrap();
    let error = service.patch(1, json!({"text": "x"}), Params::new()).await.unwrap_err();
    assert_eq!(error.data().unwrap()[0]["keyword"], "minLength");
}

#[tokio::test]
async fn queries_are_coerced_and_stay_within_the_limits_of_the_store() {
    let app = app(messages());
    let service = app.service("messages");
    service
        .create(json!([{"text": "v1", "n": 1}, {"text": "v2", "n": 2}, {"text": "v3"}]), Params::new())
        .await
        .unwrap();
    let find = |query: Value| service.find(Params::new().with_query(query).unwrap());
    let found = find(json!({"n": {"$gte": "2"}, "$sort": {"n": "-1"}})).await.unwrap().into_value().unwrap();
    assert_eq!(found["data"], json!([{"text": "v2", "n": 2, "id": 2}]));
    assert_eq!(find(json!({"$limit": "1000"})).await.unwrap().into_value().unwrap()["limit"], 2);
    assert_eq!(find(json!({})).await.unwrap().into_value().unwrap()["limit"], 1);
    let error = find(json!({"bogus": 1})).await.unwrap_err();
    assert_eq!(error.data().unwrap()[0]["params"], json!({"additionalProperty": "bogus"}));
    for query in
        [json!({"n": "x"}), json!({"$limit": -1}), json!({"$select": ["bogus"]}), json!({"n": {"$regex": "x"}})]
    {
        assert_eq!(find(query).await.unwrap_err().message(), "validation failed");
    }
}

#[tokio::test]
async fn strictness_is_a_choice() {
    let hook = validate_data::<Message>().strict(false);
    let app = app(Mount::new(Memory::new().start(1)).before(Create, hook));
    app.service("messages").create(json!({"text": "good", "more": 1}), Params::new()).await.unwrap();
}

#[test]
fn a_schema_that_is_none_can_not_be_mounted() {
    for schema in [json!({"type": "nonsense"}), json!({"pattern": "("}), json!({"pattern": "(?=a)"})] {
        let mount = Mount::new(Memory::new().start(1)).before(Create, Validate::data(schema));
        let error = App::builder().mount("messages", mount).build().unwrap_err();
        assert!(error.message().starts_with("Invalid schema"), "{error}");
    }
}

#[tokio::test]
async fn a_query_schema_allows_pages_by_cursor() {
    let store =
        Memory::new().records([json!({"id": 1, "text": "one"}), json!({"id": 2, "text": "two"})]).paginate(1, 1);
    let app = self::app(Mount::new(store).before(All, validate_query::<Message>()));
    let find = async |cursor: Value| {
        let params = Params::new().with_query(json!({ "$cursor": cursor }))?;
        app.service("messages").find(params).await?.into_value()
    };
    let next = find("".into()).await.unwrap()["next"].take();
    assert_eq!(find(next).await.unwrap()["data"][0]["id"], 2);
    assert_eq!(find(1.into()).await.unwrap_err().code(), 400);
}

#[tokio::test]
async fn a_query_schema_can_allow_operators_that_the_store_knows() {
    let starts = |operand: &Value| {
        let start = operand.as_str().unwrap_or_default().to_owned();
        Ok(move |value: &Value| value.as_str().is_some_and(|text| text.starts_with(&start)))
    };
    let records = [json!({"id": 1, "text": "one"}), json!({"id": 2, "text": "two"}), json!({"id": 3, "text": "three"})];
    let store = || Memory::new().records(records.clone()).paginate(1, 2).operator("$startsWith", starts);
    let text = json!({"type": "string"});
    let validate = validate_query::<Message>().operator("text", "$startsWith", text.clone());
    let app = self::app(Mount::new(store()).before(All, validate));
    let total = async |query: Value| {
        let found = app.service("messages").find(Params::new().with_query(query)?).await?.into_value()?;
        assert_eq!(found["limit"], 2, "a validated query has no larger pages");
        Ok::<_, Error>(found["total"].clone())
    };
    let starting = |with: Value| json!({"text": {"$startsWith": with}});
    for (mut query, hits) in [
        (starting(json!("t")), 2),
        (json!({"$or": [starting(json!("tw")), {"id": "1"}]}), 2),
        (json!({"$and": [starting(json!("t")), {"$or": [starting(json!("th"))]}]}), 1),
    ] {
        query["$limit"] = json!("1000");
        assert_eq!(total(query.clone()).await.unwrap(), hits, "{query}");
    }
    for query in [starting(json!(["t"])), json!({"id": {"$startsWith": "1"}}), json!({"text": {"$endsWith": "e"}})] {
        assert_eq!(total(query.clone()).await.unwrap_err().message(), "validation failed", "{query}");
    }
    let broken = validate_query::<Message>().operator("nothing", "$startsWith", text.clone());
    let error = App::builder().mount("messages", Mount::new(store()).before(All, broken)).build().unwrap_err();
    assert_eq!(error.message(), "The schema has no field 'nothing' for the operator $startsWith");
    // Allowed, but the store does not know it.
    let unknown = validate_query::<Message>().operator("text", "$endsWith", text);
    let app = App::builder().mount("messages", Mount::new(store()).before(All, unknown)).build().unwrap();
    let query = Params::new().with_query(json!({"text": {"$endsWith": "e"}})).unwrap();
    let error = app.service("messages").find(query).await.unwrap_err();
    assert_eq!(error.message(), "Invalid query parameter $endsWith");
}
