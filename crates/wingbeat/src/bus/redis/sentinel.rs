//! Where the master is, as Sentinels see it.

use super::address::Address;
use super::session::Driven;
use redis::cmd;
use std::time::Duration;
use tokio::time::timeout;
use wingbeat_core::{Error, Result};

/// How long one of them may think.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks the Sentinels, the next one if one does not know.
///
/// # Errors
/// If none of them knows.
pub(super) async fn master(sentinels: &[Address], wanted: &Address) -> Result<Address> {
    let name = wanted.name()?;
    let mut answers = Vec::new();
    for sentinel in sentinels {
        match timeout(PATIENCE, ask(sentinel, name)).await {
            Ok(Ok((host, port))) => return Ok(wanted.at(host, port)),
            Ok(Err(error)) => answers.push(error.to_string()),
            Err(_) => answers.push(format!("{sentinel} does not answer")),
        }
    }
    Err(Error::unavailable(format!("No Sentinel knows where '{name}' is: {}", answers.join("; "))))
}

async fn ask(sentinel: &Address, name: &str) -> Result<(String, u16)> {
    let asking = Driven::new(sentinel, sentinel.connect().await?, None).await?;
    let mut question = cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    let answer: Option<(String, u16)> = question
        .query_async(&mut asking.connection.clone())
        .await
        .map_err(|error| Error::unavailable(format!("{sentinel}: {error}")))?;
    answer.ok_or_else(|| Error::unavailable(format!("{sentinel} watches nothing of that name")))
}
