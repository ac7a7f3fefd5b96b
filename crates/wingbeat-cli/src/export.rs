//! `wingbeat export messages messages.jsonl`

use crate::arguments;

use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{BufWriter, Write, stdout};
use std::path::PathBuf;
use wingbeat_client::{Client, Error, Result};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The path of the service
    service: String,
    /// The file; standard output, if there is none
    file: Option<PathBuf>,
    /// Which records, as a query in JSON; sort them by something that does not change, if others write meanwhile
    #[arg(long, default_value = "{}")]
    query: String,
}

pub(crate) async fn run(client: &Client, options: Options) -> Result<()> {
    let query = arguments::json(&options.query)?;
    let mut pages = client.untyped(&options.service).find().query(query).pages();
    let mut next = pages.next().await.transpose()?;
    // Not before there is something to write: what the file held is worth more than nothing.
    let mut out: BufWriter<Box<dyn Write>> = BufWriter::new(match &options.file {
        Some(path) => {
            Box::new(File::create(path).map_err(|error| Error::bad_request(format!("{}: {error}", path.display())))?)
        }
        None => Box::new(stdout()),
    });
    let bar = progress(0, "records");
    while let Some(page) = next {
        bar.set_length(page.total.saturating_sub(page.skip).max(bar.position()));
        for record in &page.data {
            writeln!(out, "{record}")?;
        }
        bar.inc(page.data.len() as u64);
        next = pages.next().await.transpose()?;
    }
    out.flush()?;
    bar.finish();
    Ok(())
}

/// A bar on standard error; nothing, if that is no terminal.
pub(crate) fn progress(length: u64, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}, {eta} left");
    // The template is constant; the default style is as good.
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_message(what)
}
