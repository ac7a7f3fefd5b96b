//! `wingbeat`: services of any Feathers server, from the command line.

mod arguments;
mod call;
mod export;
mod import;
mod login;
mod output;
mod watch;

use anyhow::{Result, anyhow};
use clap::{Parser, Subcommand};
use output::say;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use wingbeat_client::{Client, DeliveryStatus, Error, FileStorage, Reconnection, Storage};

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
    /// How many seconds connecting may take, and each call
    #[arg(long, global = true, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// The file that keeps the login [default: .wingbeat-token-SERVER in the home folder]
    #[arg(long, global = true)]
    token_file: Option<PathBuf>,
    /// A file of certificates (PEM) to trust beside those of the system
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Trust whatever certificate the server shows: anybody on the way can read and change everything
    #[arg(long, global = true)]
    insecure: bool,
    /// Speak MessagePack, to a server with socket.io-msgpack-parser
    #[arg(long, global = true)]
    msgpack: bool,
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
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error);
            if let Some(error) = error.downcast_ref::<Error>() {
                if let Some(data) = error.answer().and_then(|said| said.data().or(said.errors())) {
                    say(data);
                }
                if error.delivery_status() == DeliveryStatus::Unknown {
                    say("The call was sent: it may have been executed.");
                }
            }
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

async fn run(options: Options) -> Result<()> {
    let Options { url, path, timeout, token_file: file, ca, insecure, msgpack, mut command } = options;
    if let Command::Login(login) = &mut command {
        login.ask()?;
    }
    let url = url.or_else(|| std::env::var("WINGBEAT_URL").ok());
    let url = url.unwrap_or_else(|| "http://localhost:3030".to_owned());
    let storage = FileStorage::new(file.unwrap_or_else(|| token_file(&url)));
    let logged_in = storage.get()?.is_some();
    let timeout = Duration::from_secs(timeout);
    let mut builder = Client::builder(&url);
    if let Some(file) = ca {
        let wrong = |error| anyhow!("{}: {error}", file.display());
        builder = builder.root_certificates(std::fs::read(&file).map_err(wrong)?);
    }
    let client = builder
        .danger_accept_any_certificate(insecure)
        .msgpack(msgpack)
        .path(&path)
        .connect_timeout(timeout)
        .timeout(timeout)
        .reconnection(Reconnection::default().after_server_disconnect(true))
        .storage(storage)
        .connect()
        .await?;
    // Who logs in anew needs no old login.
    if logged_in && !matches!(command, Command::Login(_)) {
        match client.re_authenticate().await {
            // Who wants to log out need not be let in first.
            Err(Error::Answered(_)) if matches!(command, Command::Logout) => {}
            other => drop(other?),
        }
    }
    let done = match command {
        Command::Call(options) => call::run(&client, options).await,
        Command::Watch(options) => watch::run(&client, options).await,
        Command::Login(options) => login::run(&client, options).await,
        Command::Logout => client.logout().await.map(|_| say("Logged out")).map_err(Into::into),
        Command::Import(options) => import::run(&client, &url, options).await,
        Command::Export(options) => export::run(&client, options).await,
    };
    client.close().await;
    done
}

/// A file for each server: none ever sees the token of another, and what TLS has kept secret stays so.
fn token_file(url: &str) -> PathBuf {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (scheme, port) = match scheme.to_ascii_lowercase().as_str() {
        "https" | "wss" => ("https", "443"),
        _ => ("http", "80"),
    };
    let server = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let (host, port) = match server.rsplit_once(':') {
        // The last part of an address of IPv6 ends with a bracket.
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (&*server, port),
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
    let name: String = format!("{scheme}-{host}-{port}").chars().map(plain).collect();
    std::env::home_dir().unwrap_or_default().join(format!(".wingbeat-token-{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_has_a_token_of_its_own() {
        let name = |url| token_file(url).file_name().map(|name| name.to_string_lossy().into_owned());
        assert_eq!(name("https://Chat.example:8443/?x=1").as_deref(), Some(".wingbeat-token-https-chat.example-8443"));
        assert_ne!(name("http://localhost:3030"), name("http://localhost:3031"));
        assert_eq!(name("http://[::1]/../x").as_deref(), Some(".wingbeat-token-http-___1_-80"));
        assert_eq!(name("http://[::1]:81"), name("ws://[::1]:81/"));
        for (one, another) in [("http://a", "https://a"), ("http://a:8080", "https://a:8080"), ("ws://a", "wss://a")] {
            assert_ne!(name(one), name(another));
        }
        assert_eq!(name("https://a"), name("WSS://a:443"));
    }
}
