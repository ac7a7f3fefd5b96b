//! Reads query strings as `Rest` does: each line of standard input is one, and is answered by a line of JSON, null where it
//! is refused. With `--write` the other way, as the REST client does: each line is an object in JSON, and is answered by
//! its query string. For the comparison with npm's qs.

use serde_json::{Map, Value};
use std::io::{self, BufRead, Write};
use wingbeat::RawJson;
use wingbeat_core::query_string;

fn main() -> io::Result<()> {
    let writes = std::env::args().any(|argument| argument == "--write");
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        if writes {
            let query: Map<String, Value> = wingbeat_core::json::read(&line).map_err(io::Error::other)?;
            out.write_all(query_string::stringify(&query).as_bytes())?;
        } else {
            let read = query_string::parse(&line).ok();
            out.write_all(RawJson::new(&read).map_err(io::Error::other)?.as_bytes())?;
        }
        out.write_all(b"\n")?;
    }
    out.flush()
}
