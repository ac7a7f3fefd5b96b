//! Reads query strings as `Rest` does: each line of standard input is one, and is answered by a line of JSON, null where it
//! is refused. For the comparison with npm's qs.

use std::io::{self, BufRead, Write};
use wingbeat::RawJson;
use wingbeat_core::query_string;

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let read = query_string::parse(&line?).ok();
        out.write_all(RawJson::new(&read).map_err(io::Error::other)?.as_bytes())?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
