//! `wingbeat call messages find '{"$limit": 3}'`

use crate::arguments;
use crate::output::Output;
use anyhow::{Result, anyhow, bail};
use serde_json::Value;
use wingbeat_client::{Client, IdArg, Method};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The path of the service
    service: String,
    /// find, get, create, update, patch, remove, or a method of the service's own
    method: String,
    /// The id, for get, update, patch and remove (null: all that the query selects); then data; then the query.
    /// Text that begins with a minus goes after --
    #[arg(allow_negative_numbers = true)]
    arguments: Vec<String>,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(client: &Client, options: Options) -> Result<()> {
    let Options { service, method, arguments, output } = options;
    let method = Method::named(&method);
    let mut arguments = arguments.iter();
    let mut take = |what: &str| arguments.next().ok_or_else(|| anyhow!("{method} needs {what}"));
    let id = if method.takes_id() { arguments::id(take("an id")?) } else { IdArg::Absent };
    let data = match &method {
        Method::Custom(_) => arguments.next().map(|text| arguments::json(text)).transpose()?,
        method if method.takes_data() => Some(arguments::json(take("data")?)?),
        _ => None,
    };
    let query = arguments.next().map(|text| arguments::json(text)).transpose()?;
    if let Some(more) = arguments.next() {
        bail!("{method} has no argument for '{more}'");
    }
    let call = client.untyped(&service).call::<Value>(method, id, data.as_ref());
    let result = match query {
        Some(query) => call.query(query).await?,
        None => call.await?,
    };
    Ok(output.format().print(&result)?)
}
