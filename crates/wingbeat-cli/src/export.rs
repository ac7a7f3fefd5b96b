//! `wingbeat export messages messages.jsonl`

use crate::arguments;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write, stdout};
use std::path::{Path, PathBuf};
use wingbeat_client::{Client, Error, Result};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The path of the service
    service: String,
    /// The file, which is replaced once all is written; standard output, if there is none
    file: Option<PathBuf>,
    /// Which records, as a query in JSON; sort them by something that does not change, if others write meanwhile
    #[arg(long, default_value = "{}")]
    query: String,
}

pub(crate) async fn run(client: &Client, options: Options) -> Result<()> {
    let query = arguments::json(&options.query)?;
    let mut pages = client.untyped(&options.service).find().query(query).pages();
    let mut next = pages.next().await.transpose()?;
    let mut target = Target::open(options.file.as_deref())?;
    let bar = progress(Some(0), "{pos}/{len} records");
    while let Some(page) = next {
        bar.set_length(page.total.saturating_sub(page.skip).max(bar.position()));
        for record in &page.data {
            writeln!(target.out, "{record}")?;
        }
        bar.inc(page.data.len() as u64);
        next = pages.next().await.transpose()?;
    }
    target.finish()?;
    bar.finish();
    Ok(())
}

/// Where the records go.
struct Target {
    out: BufWriter<Box<dyn Write>>,
    part: Option<Part>,
}

/// A file that takes the place of another once it is whole: what that held is worth more than half of the next.
struct Part {
    path: PathBuf,
    of: PathBuf,
}

impl Target {
    fn open(path: Option<&Path>) -> Result<Target> {
        let Some(path) = path else { return Ok(Target::new(stdout(), None)) };
        let wrong = |path: &Path, error: io::Error| Error::bad_request(format!("{}: {error}", path.display()));
        let create = |path: &Path| File::create(path).map_err(|error| wrong(path, error));
        if !arguments::is_file(path) {
            return Ok(Target::new(create(path)?, None));
        }
        let before = path.canonicalize().and_then(|file| Ok((fs::metadata(&file)?.permissions(), file))).ok();
        let (permissions, of) = before.map_or((None, path.to_owned()), |(permissions, file)| (Some(permissions), file));
        let mut name = of.clone().into_os_string();
        name.push(".part");
        let part = Part { path: name.into(), of };
        let file = create(&part.path)?;
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

/// A bar on standard error; nothing, if that is no terminal.
pub(crate) fn progress(length: Option<u64>, figures: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(&format!("{{wide_bar}} {figures}, {{eta}} left"));
    // The template is constant; the default style is as good.
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    length.map_or_else(ProgressBar::no_length, ProgressBar::new).with_style(style)
}
