//! The fixture of docs/spec/FIXTURE.md on Wingbeat's public API, with the contract of conformance/replay/README.md:
//! `fixture --state STATE [--port N]` prints its address, obeys the lines of its standard input and ends with it.

mod app;
mod services;
mod state;
mod steps;

use clap::Parser;
use wingbeat::{Result, serve};

#[derive(Parser)]
struct Options {
    /// Which of the recorded servers to be.
    #[arg(long, default_value = "base")]
    state: String,
    /// The port on the loopback interface; 0 for any.
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
    // Not dropped: that would wait for the thread that reads standard input, until a line or its end comes.
    runtime.shutdown_background();
    outcome
}

async fn run(options: Options) -> Result<()> {
    let app = app::build(&options.state)?;
    let listener = conformance::listen(options.port)?;
    // Sockets have a port of their own only once the application is set up; `serve` has nothing left to do of that.
    app.setup().await?;
    let sockets = app.addresses().first().map(|address| format!(" sockets {address}")).unwrap_or_default();
    println!("listening {}{sockets}", listener.local_addr()?);
    serve(listener, app.clone()).until(steps::obey(app)).await
}
