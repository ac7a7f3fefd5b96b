//! `wingbeat import messages messages.jsonl`

use crate::export::progress;
use indicatif::ProgressBar;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use wingbeat_client::{Client, Error, Fate, Result, Service};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The path of the service
    service: String,
    /// The file, with one JSON object a line
    file: PathBuf,
    /// How many records to create with one call, where the service allows more than one
    #[arg(long, default_value_t = 100)]
    batch: usize,
    /// Begin at the first line, whatever was imported before
    #[arg(long)]
    from_start: bool,
}

/// Creates the records in batches. How far it came is kept beside the file, so that the next run continues there.
pub(crate) async fn run(client: &Client, url: &str, options: Options) -> Result<()> {
    let read = |error| Error::bad_request(format!("{}: {error}", options.file.display()));
    let mut progress_file = options.file.clone().into_os_string();
    progress_file.push(".progress");
    let kept = Progress { path: progress_file.into(), of: format!("{} {url}", options.service) };
    let lines = BufReader::new(fs::File::open(&options.file).map_err(read)?).lines().count() as u64;
    let mut done = if options.from_start { 0 } else { kept.read()? };
    if done > 0 {
        eprintln!("Continuing after line {done} (--from-start begins anew)");
    }
    let bar = progress(lines, "lines");
    bar.set_position(done);
    let mut service = Batches { service: client.untyped(&options.service), size: options.batch.max(1) };
    let mut batch = Vec::new();
    let mut read_to = done;
    for line in BufReader::new(fs::File::open(&options.file).map_err(read)?).lines().skip(done as usize) {
        let line = line.map_err(read)?;
        read_to += 1;
        if !line.trim().is_empty() {
            let record = serde_json::from_str::<Value>(&line);
            let record = record.map_err(|error| Error::bad_request(format!("Line {read_to} is no JSON: {error}")))?;
            batch.push((read_to, record));
        }
        if batch.len() >= service.size || read_to == lines {
            service.create(&mut batch, &kept, &mut done, read_to, &bar).await?;
        }
    }
    kept.remove()?;
    bar.finish();
    eprintln!("Imported {done} lines");
    Ok(())
}

struct Batches {
    service: Service,
    size: usize,
}

impl Batches {
    async fn create(
        &mut self,
        batch: &mut Vec<(u64, Value)>,
        kept: &Progress,
        done: &mut u64,
        read_to: u64,
        bar: &ProgressBar,
    ) -> Result<()> {
        if batch.len() > 1 && self.size > 1 {
            let records: Vec<&Value> = batch.iter().map(|(_, record)| record).collect();
            match self.service.create_many(&records).await {
                Ok(_) => batch.clear(),
                // Not this service: one at a time, then.
                Err(error) if error.code() == 405 => self.size = 1,
                Err(error) => return Err(stopped(error, *done)),
            }
        }
        for (line, record) in batch.drain(..) {
            self.service.create(&record).await.map_err(|error| stopped(error, *done))?;
            *done = line;
            kept.write(*done)?;
            bar.set_position(*done);
        }
        // Empty lines count as well.
        *done = read_to;
        kept.write(*done)?;
        bar.set_position(*done);
        Ok(())
    }
}

fn stopped(error: Error, done: u64) -> Error {
    match Fate::of(&error) {
        Fate::Unknown => {
            eprintln!("Stopped after line {done}. What follows was sent and may exist: look before you continue.")
        }
        Fate::NotSent | Fate::Answered => eprintln!("Stopped after line {done}; the same command continues there."),
    }
    error
}

/// How many lines are done, in a file of its own.
struct Progress {
    path: PathBuf,
    /// Where the lines went: elsewhere, none is done.
    of: String,
}

impl Progress {
    fn read(&self) -> Result<u64> {
        match fs::read_to_string(&self.path) {
            Ok(text) => {
                let kept = text.trim().split_once(' ').and_then(|(lines, of)| Some((lines.parse().ok()?, of)));
                let (lines, of) = kept.ok_or_else(|| self.error("it holds no number of lines"))?;
                if of != self.of {
                    return Err(self.error(format!("that was an import to {of} (--from-start begins anew)")));
                }
                Ok(lines)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(self.error(error)),
        }
    }

    fn write(&self, done: u64) -> Result<()> {
        let beside = Path::with_extension(&self.path, "progress-new");
        let written = fs::write(&beside, format!("{done} {}", self.of)).and_then(|()| fs::rename(&beside, &self.path));
        written.map_err(|error| self.error(error))
    }

    fn remove(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(self.error(error)),
            _ => Ok(()),
        }
    }

    fn error(&self, why: impl std::fmt::Display) -> Error {
        Error::bad_request(format!("{}: {why}", self.path.display()))
    }
}
