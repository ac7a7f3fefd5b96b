//! `validated`: data and queries are held against schemas.

use serde::{Deserialize, Serialize};
use wingbeat::prelude::*;
use wingbeat::schema::{JsonSchema, schemars, validate_data, validate_patch, validate_query};
use wingbeat::store::Memory;

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
#[serde(deny_unknown_fields)]
struct Record {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    #[serde(default)]
    id: Option<f64>,
    #[schemars(length(min = 2))]
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    #[serde(default)]
    n: Option<f64>,
}

pub(crate) fn mount() -> Mount {
    Mount::new(Memory::new().start(1).multi(true).paginate(10, 50))
        .before(All, validate_query::<Record>())
        .before([Create, Update], validate_data::<Record>())
        .before(Patch, validate_patch::<Record>())
}
