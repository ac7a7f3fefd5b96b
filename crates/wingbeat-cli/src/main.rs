//! `wingbeat`: services of any Feathers server, from the command line.

mod arguments;
mod call;
mod export;
mod import;
mod login;
mod output;
mod watch;

use clap::{Parser, Subcommand};
use output::Format;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use wingbeat_client::{Client, Error, Fate, FileStorage, Reconnection, Result, Storage};

/// Calls, watches, imports and exports services of any Feathers v5 server.
#[derive(Parser)]
#[command(name = "wingbeat", version, after_help = "Example: wingbeat call messages find '{\"$limit\": 3}'")]
struct Options {
    /// The server's address [default: $WINGBEAT_URL, else http://localhost:3030]
    #[arg(long, global = true)]
    url: Option<String>,
    /// The path of Socket.IO on the server
    #[arg(long, global = true, default_value = "/socket.io/")]
    path: String,
    /// How many seconds a call may take
    #[arg(long, global = true, default_value_t = 30)]
    timeout: u64,
    /// How to print [default: a table on a terminal, JSON lines in a pipe]
    #[arg(long, global = true, value_enum)]
    output: Option<Format>,
    /// The file that keeps the login [default: .wingbeat-token-SERVER in the home folder]
    #[arg(long, global = true)]
    token_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Calls a method of a service
    Call(call::Options),
    /// Prints the events of a service as they come
    Watch(watch::Options),
    /// Logs in and keeps the token for the next commands
    Login(login::Options),
    /// Logs out and forgets the token
    Logout,
    /// Creates a record for each line of a file; continues where it stopped
    Import(import::Options),
    /// Writes all records, one a line
    Export(export::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has had enough.
        Err(error) if io_error(&error).is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            match io_error(&error) {
                // What stays on a server is what helps here.
                Some(cause) => eprintln!("{}: {cause}", error.kind().name()),
                None => eprintln!("{error}"),
            }
            if let Some(data) = error.data().or(error.errors()) {
                eprintln!("{data}");
            }
            if Fate::of(&error) == Fate::Unknown {
                eprintln!("The call was sent: it may have been executed.");
            }
            ExitCode::FAILURE
        }
    }
}

/// What reading or writing said, if that has failed here. (The connection's errors are told by the client.)
fn io_error(error: &Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
}

async fn run(options: Options) -> Result<()> {
    let url = options.url.or_else(|| std::env::var("WINGBEAT_URL").ok());
    let url = url.unwrap_or_else(|| "http://localhost:3030".to_owned());
    let storage = FileStorage::new(options.token_file.unwrap_or_else(|| token_file(&url)));
    let logged_in = storage.get()?.is_some();
    let client = Client::builder(&url)
        .path(&options.path)
        .timeout(Duration::from_secs(options.timeout))
        .reconnection(Reconnection::default().after_server_disconnect(true))
        .storage(storage)
        .connect()
        .await?;
    // Who logs in anew needs no old login.
    if logged_in && !matches!(options.command, Command::Login(_)) {
        match client.re_authenticate().await {
            // Who wants to log out need not be let in first.
            Err(error) if Fate::of(&error) == Fate::Answered && matches!(options.command, Command::Logout) => {}
            other => drop(other?),
        }
    }
    let format = options.output.unwrap_or_else(Format::of_stdout);
    let done = match options.command {
        Command::Call(options) => call::run(&client, options, format).await,
        Command::Watch(options) => watch::run(&client, options, format).await,
        Command::Login(options) => login::run(&client, options).await,
        Command::Logout => client.logout().await.map(|_| eprintln!("Logged out")),
        Command::Import(options) => import::run(&client, &url, options).await,
        Command::Export(options) => export::run(&client, options).await,
    };
    client.close().await;
    done
}

/// A file for each server: none ever sees the token of another.
fn token_file(url: &str) -> PathBuf {
    let server = url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
    let name: String = server.to_ascii_lowercase().chars().map(plain).collect();
    std::env::home_dir().unwrap_or_default().join(format!(".wingbeat-token-{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_has_a_token_of_its_own() {
        let name = |url| token_file(url).file_name().map(|name| name.to_string_lossy().into_owned());
        assert_eq!(name("https://Chat.example:8443/?x=1").as_deref(), Some(".wingbeat-token-chat.example_8443"));
        assert_ne!(name("http://localhost:3030"), name("http://localhost:3031"));
        assert_eq!(name("http://[::1]/../x").as_deref(), Some(".wingbeat-token-___1_"));
    }
}
