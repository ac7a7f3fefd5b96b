//! `wingbeat export messages messages.jsonl`

use crate::arguments;
use crate::output::say;
use anyhow::{Result, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write, stdout};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::task::Poll;
use wingbeat_client::{Client, Page, Pages};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The path of the service
    service: String,
    /// The file, which is replaced once all is written; standard output, if there is none
    file: Option<PathBuf>,
    /// Which records, as a query in JSON. They come in the order of their ids, each once whatever others write
    /// meanwhile; a query with a $sort or $skip of its own does not promise that
    #[arg(long, default_value = "{}")]
    query: String,
}

pub(crate) async fn run(client: &Client, options: Options) -> Result<()> {
    let query = arguments::json(&options.query)?;
    let mut pages = client.untyped(&options.service).find().query(query).pages();
    if pages.is_by_position() {
        say(
            "The query has a $sort or $skip of its own: if others write meanwhile, records may be missing or come twice",
        );
    }
    let first = pages.next().await.transpose()?;
    let Some(file) = options.file.as_deref().filter(|file| arguments::is_file(file)) else {
        // Who reads a pipe slowly can end us, as ever.
        return write(client, pages, first, Target::open(options.file.as_deref())?).await;
    };
    let mut signals = Signals::listen()?;
    let target = Target::open(Some(file))?;
    tokio::select! {
        biased;
        () = signals.next() => Err(anyhow!("Interrupted: {} is as it was", file.display())),
        written = write(client, pages, first, target) => written,
    }
}

async fn write(
    client: &Client,
    mut pages: Pages<Page<Value>>,
    mut next: Option<Page<Value>>,
    mut target: Target,
) -> Result<()> {
    let bar = progress(Some(0), "{pos}/{len} records");
    while let Some(page) = next {
        // As many as are known, where the server does not count them.
        bar.set_length(page.total.unwrap_or_default().max(bar.position() + page.data.len() as u64));
        for record in &page.data {
            let line = record.to_string();
            bar.inc(1);
            if let Some(limit) = client.announced_max_payload().filter(|limit| line.len() > *limit) {
                say(format_args!(
                    "Line {} has {} bytes: an import to a server that accepts {limit}, as this one, will refuse it",
                    bar.position(),
                    line.len()
                ));
            }
            writeln!(target.out, "{line}")?;
        }
        next = pages.next().await.transpose()?;
    }
    target.finish()?;
    bar.finish();
    Ok(())
}

/// What ends a command from outside.
struct Signals {
    #[cfg(unix)]
    signals: Vec<tokio::signal::unix::Signal>,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Ok(Signals { signals: kinds.into_iter().map(signal).collect::<io::Result<_>>()? })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        std::future::poll_fn(|cx| {
            let came = self.signals.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
            if came { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    #[cfg(not(unix))]
    fn listen() -> Result<Signals> {
        Ok(Signals {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Where the records go.
struct Target {
    out: BufWriter<Box<dyn Write>>,
    part: Option<Part>,
}

/// A file that takes the place of another once it is whole: what that held is worth more than half of the next.
struct Part {
    file: File,
    path: PathBuf,
    of: PathBuf,
}

impl Target {
    fn open(path: Option<&Path>) -> Result<Target> {
        let Some(path) = path else { return Ok(Target::new(stdout(), None)) };
        let wrong = |path: &Path, error: io::Error| anyhow!("{}: {error}", path.display());
        let create = |path: &Path| File::create(path).map_err(|error| wrong(path, error));
        if !arguments::is_file(path) {
            return Ok(Target::new(create(path)?, None));
        }
        let before = path.canonicalize().and_then(|file| Ok((fs::metadata(&file)?.permissions(), file))).ok();
        let (permissions, of) = before.map_or((None, path.to_owned()), |(permissions, file)| (Some(permissions), file));
        let mut name = of.clone().into_os_string();
        name.push(".part");
        let path = PathBuf::from(name);
        let file = create(&path)?;
        let part = Part { file: file.try_clone()?, path, of };
        if let Some(permissions) = permissions {
            file.set_permissions(permissions).map_err(|error| wrong(&part.path, error))?;
        }
        Ok(Target::new(file, Some(part)))
    }

    fn new(out: impl Write + 'static, part: Option<Part>) -> Target {
        Target { out: BufWriter::new(Box::new(out)), part }
    }

    fn finish(mut self) -> Result<()> {
        self.out.flush()?;
        if let Some(part) = &self.part {
            // Not even a machine that goes down leaves half of it there.
            part.file.sync_all()?;
            fs::rename(&part.path, &part.of)?;
        }
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Nothing is there once it has taken the other's place.
        let _ = fs::remove_file(&self.path);
    }
}

/// A bar on standard error; nothing, if that is not a terminal.
pub(crate) fn progress(length: Option<u64>, figures: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(&format!("{{wide_bar}} {figures}, {{eta}} left"));
    // The template is constant; the default style is as good.
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    length.map_or_else(ProgressBar::no_length, ProgressBar::new).with_style(style)
}
