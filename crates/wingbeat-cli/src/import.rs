//! `wingbeat import messages messages.jsonl`

use crate::arguments;
use crate::export::progress;
use crate::output::say;
use anyhow::{Result, anyhow};
use serde_json::value::RawValue;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use tokio::task::spawn_blocking;
use wingbeat_client::{Client, DeliveryStatus, Error, ErrorKind, RawJson, Service};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The path of the service
    service: String,
    /// The file (or /dev/stdin), with one JSON object a line
    file: PathBuf,
    /// How many records to create with one call, where the service allows more than one
    #[arg(long, default_value = "100")]
    batch: NonZero<usize>,
    /// Begin at the first line, whatever was imported before
    #[arg(long)]
    from_start: bool,
}

/// Creates the records in batches. How far it came is kept beside the file, so that the next run continues there.
pub(crate) async fn run(client: &Client, url: &str, options: Options) -> Result<()> {
    let Options { service, file, batch, from_start } = options;
    let mut lines = Lines::open(&file)?;
    let kept = Progress::beside(&file, format!("{service} {url}"));
    // What stands around the records of a call: its number, its method and the path, with all of it escaped.
    let around = 64 + 6 * service.len();
    let service = client.untyped(&service);
    let mut import = Import { service, takes_many: batch.get() > 1, kept, done: 0 };
    if let Some(kept) = import.kept.as_ref().filter(|_| !from_start) {
        import.done = kept.read()?;
    }
    if import.done > 0 {
        lines.skip(import.done)?;
        say(format_args!("Continuing after line {} (--from-start begins anew)", import.done));
    }
    let bar = progress(lines.length, "{bytes}/{total_bytes}");
    loop {
        bar.set_position(lines.bytes);
        // Another connection may announce another limit.
        let bytes = client.announced_max_payload().unwrap_or(MAX_PAYLOAD).saturating_sub(around);
        // Elsewhere: a pipe may keep us waiting, and the server's heartbeat must be answered meanwhile.
        let reading = spawn_blocking(move || {
            let batch = lines.next(batch.get(), bytes);
            (lines, batch)
        });
        let (back, batch) = reading.await?;
        lines = back;
        let Some(batch) = batch? else { break };
        import.create(batch).await?;
    }
    if let Some(kept) = &import.kept {
        kept.remove()?;
    }
    bar.finish();
    say(format_args!("Imported {} lines", import.done));
    Ok(())
}

/// How large a message servers accept that announce nothing: Socket.IO's default.
const MAX_PAYLOAD: usize = 1_000_000;

/// The lines of a file, read once: it may be a pipe, or grow.
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    /// How many bytes there were when it was opened, unless it is a pipe.
    length: Option<u64>,
    bytes: u64,
    count: u64,
    /// What was read, and had no room in the last batch.
    kept: Option<Record>,
}

/// A record as it stands there, with the number of its line.
struct Record {
    line: u64,
    json: Box<RawValue>,
}

/// Lines that are created together.
struct Batch {
    records: Vec<Record>,
    /// The last line, which may be an empty one.
    read_to: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Lines> {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (about, file) = opened.map_err(|error| wrong(path, error))?;
        let length = about.is_file().then_some(about.len());
        Ok(Lines { path: path.to_owned(), reader: BufReader::new(file), length, bytes: 0, count: 0, kept: None })
    }

    /// Reads one line; false at the end.
    fn read(&mut self, line: &mut String) -> Result<bool> {
        line.clear();
        let read = self.reader.read_line(line).map_err(|error| wrong(&self.path, error))?;
        self.bytes += read as u64;
        self.count += u64::from(read > 0);
        // Some editors begin a file with the mark of its encoding.
        if self.count == 1 && line.starts_with('\u{feff}') {
            line.remove(0);
        }
        Ok(read > 0)
    }

    fn skip(&mut self, lines: u64) -> Result<()> {
        let mut line = String::new();
        while self.count < lines {
            if !self.read(&mut line)? {
                let why = format!("it has {} lines, and {lines} were imported (--from-start begins anew)", self.count);
                return Err(wrong(&self.path, why));
            }
        }
        Ok(())
    }

    /// The next lines, with so many records and bytes at most, but one record whatever its size; `None` at the end.
    fn next(&mut self, most: usize, bytes: usize) -> Result<Option<Batch>> {
        let (begin, mut records, mut line, mut taken) = (self.count, Vec::new(), String::new(), 0);
        let had_one = self.kept.is_some();
        while records.len() < most {
            let record = match self.kept.take() {
                Some(record) => record,
                None if !self.read(&mut line)? => break,
                None if line.trim().is_empty() => continue,
                None => self.record(&line)?,
            };
            // With the comma behind it.
            taken += record.json.get().len() + 1;
            if taken > bytes && !records.is_empty() {
                let read_to = record.line - 1;
                self.kept = Some(record);
                return Ok(Some(Batch { records, read_to }));
            }
            records.push(record);
        }
        Ok((had_one || self.count > begin).then_some(Batch { records, read_to: self.count }))
    }

    /// The record of the line that was read last, if it is no deeper than records that come from a server.
    fn record(&self, line: &str) -> Result<Record> {
        let checked = RawJson::parse(line.to_owned());
        let json = checked.and_then(|_| Ok(RawValue::from_string(line.trim().to_owned())?));
        let json = json.map_err(|error| anyhow!("Line {}: {}", self.count, error.message()))?;
        Ok(Record { line: self.count, json })
    }
}

struct Import {
    service: Service,
    /// Whether it creates several at once, as far as is known.
    takes_many: bool,
    /// A pipe cannot be continued.
    kept: Option<Progress>,
    /// How many lines are.
    done: u64,
}

impl Import {
    async fn create(&mut self, batch: Batch) -> Result<()> {
        let Batch { records, read_to } = batch;
        if let ([Record { line: first, .. }, .., Record { line: last, .. }], true) = (&*records, self.takes_many) {
            let together: Vec<&RawValue> = records.iter().map(|record| &*record.json).collect();
            match self.service.create_many(&together).await {
                Ok(_) => return self.keep(read_to),
                // Not this service: one at a time, then.
                Err(error) if error.kind() == Some(ErrorKind::MethodNotAllowed) => self.takes_many = false,
                Err(error) => return Err(self.stopped(error, *first, *last)),
            }
        }
        for Record { line, json } in records {
            self.service.create(&json).await.map_err(|error| self.stopped(error, line, line))?;
            self.keep(line)?;
        }
        self.keep(read_to)
    }

    fn keep(&mut self, done: u64) -> Result<()> {
        self.done = done;
        self.kept.as_ref().map_or(Ok(()), |kept| kept.write(done))
    }

    /// Says what has become of the lines that were sent together.
    fn stopped(&self, error: Error, first: u64, last: u64) -> anyhow::Error {
        let done = self.done;
        // Not every service creates all of them or none.
        let some_may_exist = first < last && error.delivery_status() == DeliveryStatus::Answered;
        say(match (error.delivery_status(), &self.kept) {
            (DeliveryStatus::Unknown, _) if first == last => {
                format!("Stopped after line {done}. Line {last} was sent and may exist: look before you continue.")
            }
            (DeliveryStatus::Unknown, _) => format!(
                "Stopped after line {done}. Lines {first} to {last} were sent and may exist: look before you continue."
            ),
            _ if some_may_exist => format!(
                "Stopped after line {done}. Lines {first} to {last} were sent together, and some may exist: look before you continue."
            ),
            (_, Some(_)) => format!("Stopped after line {done}; the same command continues there."),
            (_, None) => format!("Stopped after line {done}."),
        });
        match error {
            Error::TooLarge { size, limit, .. } if first == last => {
                anyhow!("Line {last} is too large: the message would have {size} bytes, and the server accepts {limit}")
            }
            error => error.into(),
        }
    }
}

/// How many lines are done, in a file of its own.
struct Progress {
    path: PathBuf,
    /// Where the lines went: elsewhere, none is done.
    of: String,
}

impl Progress {
    fn beside(file: &Path, of: String) -> Option<Progress> {
        let mut path = file.to_owned().into_os_string();
        path.push(".progress");
        arguments::is_file(file).then(|| Progress { path: path.into(), of })
    }

    fn read(&self) -> Result<u64> {
        match fs::read_to_string(&self.path) {
            Ok(text) => {
                let kept = text.trim().split_once(' ').and_then(|(lines, of)| Some((lines.parse().ok()?, of)));
                let (lines, of) = kept.ok_or_else(|| wrong(&self.path, "it holds no number of lines"))?;
                if of != self.of {
                    return Err(wrong(&self.path, format!("that was an import to {of} (--from-start begins anew)")));
                }
                Ok(lines)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(wrong(&self.path, error)),
        }
    }

    fn write(&self, done: u64) -> Result<()> {
        let beside = Path::with_extension(&self.path, "progress-new");
        let written = fs::write(&beside, format!("{done} {}", self.of)).and_then(|()| fs::rename(&beside, &self.path));
        written.map_err(|error| wrong(&self.path, error))
    }

    fn remove(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(wrong(&self.path, error)),
            _ => Ok(()),
        }
    }
}

fn wrong(path: &Path, why: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("{}: {why}", path.display())
}
