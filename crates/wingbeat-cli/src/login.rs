//! `wingbeat login ann@example.com`

use crate::arguments;
use crate::output::say;
use anyhow::{Result, bail};
use serde_json::{Map, Value};
use std::io::IsTerminal;
use wingbeat_client::Client;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Who to be; the password is asked for (or read from standard input, if that is not a terminal)
    user: Option<String>,
    /// The name of the field for the user
    #[arg(long, default_value = "email")]
    user_field: String,
    /// The name of the field for the password
    #[arg(long, default_value = "password")]
    password_field: String,
    /// The strategy
    #[arg(long, default_value = "local")]
    strategy: String,
    /// Anything else that the strategy needs, as a JSON object
    #[arg(long)]
    data: Option<String>,
    #[arg(skip)]
    password: String,
}

impl Options {
    /// Asks for the password, if one is needed. Before connecting: while somebody types, nothing else goes on.
    pub(crate) fn ask(&mut self) -> Result<()> {
        if self.user.is_some() {
            self.password = password()?;
        }
        Ok(())
    }
}

pub(crate) async fn run(client: &Client, options: Options) -> Result<()> {
    let mut login = match options.data.as_deref().map(arguments::json).transpose()? {
        None => Map::new(),
        Some(Value::Object(data)) => data,
        Some(_) => bail!("--data must be a JSON object"),
    };
    login.insert("strategy".to_owned(), options.strategy.into());
    if let Some(user) = options.user {
        login.insert(options.user_field, user.into());
        login.insert(options.password_field, options.password.into());
    }
    let said = client.authenticate(&login).await?;
    match said.get("user") {
        Some(user) => say(format_args!("Logged in as {user}")),
        None => say("Logged in"),
    }
    Ok(())
}

/// Never from the command line: everybody on the machine could read it there.
fn password() -> Result<String> {
    if std::io::stdin().is_terminal() {
        return Ok(rpassword::prompt_password("Password: ")?);
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
