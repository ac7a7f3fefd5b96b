//! A server with connection state recovery, for what clients hear that were away.
//!
//! `recovery --state STATE [--port N]` prints its address, obeys the lines of its standard input and ends with it:
//!
//! * `publish FROM COUNT` creates so many `ticks` with the numbers from there on, which everybody hears; `secret N` one of
//!   `secrets`, which those hear who are logged in.
//! * `leave NAME` takes those out of the channel of everybody whose header `x-name` says so; `logout ID` logs a user out.
//!
//! In the state `short` who was lost is remembered for a second, in `brief` tokens are valid for two, and in `small` the log
//! keeps little.

use clap::Parser;
use conformance::listen;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use wingbeat::auth::{Auth, Key, Local, Passwords, authenticate};
use wingbeat::engine::Answer;
use wingbeat::{Recovery, prelude::*, serve, store::Memory};

#[derive(Parser)]
struct Options {
    #[arg(long, default_value = "base")]
    state: String,
    #[arg(long, default_value_t = 0)]
    port: u16,
}

fn main() -> Result<()> {
    let options = Options::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(run(options));
    // Not dropped: that would wait for the thread that reads standard input.
    runtime.shutdown_background();
    outcome
}

async fn run(Options { state, port }: Options) -> Result<()> {
    let recovery = Recovery::new()
        .window(Duration::from_secs(if state == "short" { 1 } else { 60 }))
        .log_bytes(if state == "small" { 4096 } else { 1 << 20 })
        .offer(|handshake| handshake.headers().get("x-no-recovery").is_none())
        .keep(["color"]);
    let app = app(recovery, Duration::from_secs(if state == "brief" { 2 } else { 3600 })).await?;
    let listener = listen(port)?;
    app.setup().await?;
    println!("listening {}", listener.local_addr()?);
    serve(listener, app.clone()).until(obey(app)).await
}

async fn app(recovery: Recovery, valid: Duration) -> Result<App> {
    let passwords = Passwords::with_cost(8, 1)?;
    let auth = Auth::new(Key::secret("the secret of a server that is only a test")?)
        .strategy(Local::new("email", "password").passwords(passwords.clone()))
        .expires_in(valid);
    let hash = passwords.hash("secret".to_owned()).await?;
    let ann = json!({"id": 1, "email": "ann@example.com", "password": hash});
    let sockets = SocketIo::new().recovery(recovery).with(|io| {
        io.on_connection(|socket| {
            // An event of its own that nobody else hears, and that is not sent again.
            socket.on("echo", |socket, event| async move {
                let arguments: Vec<_> = (0..event.len()).filter_map(|at| event.arg(at)).collect();
                socket.emit("x", &arguments);
                Some(Answer::args(&[]))
            });
        });
    });
    App::builder()
        .mount("authentication", auth)
        .mount("users", Mount::new(Memory::new().start(2).records([ann])).methods([]))
        .mount("ticks", Mount::new(Memory::new().allow_everything()).publish(|_| channel("everybody")))
        .mount(
            "secrets",
            Mount::new(Memory::new()).before(All, authenticate("jwt")).publish(|_| channel("authenticated")),
        )
        .on_connection(|app, connection| {
            // Who comes back is where it was, unless it was taken out meanwhile.
            if !connection.is_recovered() {
                app.channel("everybody").join(connection);
            }
        })
        .on_login(|app, connection| app.channel("authenticated").join(connection))
        .configure(sockets)
        .build()
}

async fn obey(app: App) {
    let mut lines = BufReader::new(stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match step(&app, &line).await {
            Ok(()) => println!("done"),
            Err(error) => eprintln!("step failed: {line}: {error:?}"),
        }
    }
}

async fn step(app: &App, line: &str) -> Result<()> {
    let words: Vec<&str> = line.split(' ').collect();
    match *words {
        ["publish", from, count] => {
            let from: u64 = from.parse()?;
            for n in from..from + count.parse::<u64>()? {
                app.service("ticks").create(json!({"n": n}), Params::new()).await?;
            }
        }
        ["secret", n] => {
            app.service("secrets").create(json!({"n": n.parse::<u64>()?}), Params::new()).await?;
        }
        ["leave", name] => app.channel("everybody").leave_if(|connection| {
            connection.headers().and_then(|headers| headers.get("x-name")).is_some_and(|header| header == name)
        }),
        ["logout", id] => {
            app.logout_user(id.parse::<i64>()?);
        }
        _ => return Err(Error::not_found(format!("There is no step '{line}'"))),
    }
    Ok(())
}
