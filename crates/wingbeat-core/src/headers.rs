//! Request headers as one compact block.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Request headers as one compact block, shared cheaply and read when asked.
///
/// A connection lives long and its headers are seldom looked at: one allocation for all of them, in which what nearly
/// all clients send takes a byte, is a third of their text. Names are lower case. Values that are no text are left out.
///
/// Several lines of one header are one, as Node has them: joined by `, `, cookies by `; `. Of a header that has one value
/// by its nature, such as `authorization`, the first line counts; `set-cookie` alone appears as often as it came.
// For each header the place in `KNOWN` plus one, or 0 and the name; then the value, unless it is known. Names and values
// stand behind their length.
#[derive(Clone, PartialEq, Eq)]
pub struct Headers(Arc<[u8]>);

/// Names with their usual values (as in HPACK's table), by the length of the name; behind these the name alone.
const KNOWN: [(&str, &str); 49] = [
    ("dnt", ""),
    ("via", ""),
    ("host", ""),
    ("accept", "*/*"),
    ("accept", ""),
    ("cookie", ""),
    ("origin", ""),
    ("pragma", "no-cache"),
    ("pragma", ""),
    ("referer", ""),
    ("upgrade", "websocket"),
    ("upgrade", ""),
    ("sec-ch-ua", ""),
    ("forwarded", ""),
    ("x-real-ip", ""),
    ("connection", "Upgrade"),
    ("connection", "keep-alive, Upgrade"),
    ("connection", "keep-alive"),
    ("connection", "upgrade"),
    ("connection", ""),
    ("user-agent", ""),
    ("content-type", ""),
    ("x-request-id", ""),
    ("authorization", ""),
    ("cache-control", "no-cache"),
    ("cache-control", ""),
    ("sec-fetch-dest", "websocket"),
    ("sec-fetch-dest", "empty"),
    ("sec-fetch-dest", ""),
    ("sec-fetch-mode", "websocket"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-mode", ""),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-site", ""),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-encoding", "gzip, deflate, br"),
    ("accept-encoding", ""),
    ("accept-language", ""),
    ("x-forwarded-for", ""),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-mobile", ""),
    ("sec-websocket-key", ""),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-proto", ""),
    ("sec-ch-ua-platform", ""),
    ("sec-websocket-version", "13"),
    ("sec-websocket-version", ""),
    ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
    ("sec-websocket-extensions", ""),
];

/// Headers that have one value by their nature: further lines are left out, as Node does.
const SINGLE: [&str; 18] = [
    "age",
    "authorization",
    "content-length",
    "content-type",
    "etag",
    "expires",
    "from",
    "host",
    "if-modified-since",
    "if-unmodified-since",
    "last-modified",
    "location",
    "max-forwards",
    "proxy-authorization",
    "referer",
    "retry-after",
    "server",
    "user-agent",
];

/// Longer names are not known.
const LONGEST: usize = 24;

/// Where the known names of each length begin.
const BY_LENGTH: [usize; LONGEST + 2] = {
    let (mut starts, mut length, mut at) = ([0; LONGEST + 2], 0, 0);
    while length < starts.len() {
        while at < KNOWN.len() && KNOWN[at].0.len() < length {
            at += 1;
        }
        starts[length] = at;
        length += 1;
    }
    starts
};

fn known(name: &str, value: &str) -> Option<usize> {
    let [start, end] = BY_LENGTH.get(name.len()..name.len() + 2)? else { return None };
    let same = |(other, usual): &(&str, &str)| *other == name && (usual.is_empty() || *usual == value);
    KNOWN[*start..*end].iter().position(same).map(|at| start + at)
}

impl Headers {
    /// The value of a header, by its lower-case name. Of `set-cookie` the first.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.blocks().find_map(|(key, value)| (key == name.as_bytes()).then_some(value)).and_then(text)
    }

    /// All headers in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.blocks().filter_map(|(name, value)| Some((text(name)?, text(value)?)))
    }

    fn blocks(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || next(&mut rest))
    }
}

fn next<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (place, after) = rest.split_first()?;
    *rest = after;
    let (name, value) = match usize::from(*place).checked_sub(1) {
        Some(at) => (KNOWN[at].0.as_bytes(), KNOWN[at].1),
        None => (read(rest)?, ""),
    };
    Some((name, if value.is_empty() { read(rest)? } else { value.as_bytes() }))
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn read<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (short, mut after) = rest.split_first()?;
    let mut len = usize::from(*short);
    if *short == u8::MAX {
        let (long, behind) = after.split_first_chunk::<4>()?;
        (len, after) = (u32::from_le_bytes(*long) as usize, behind);
    }
    let (bytes, after) = after.split_at_checked(len)?;
    *rest = after;
    Some(bytes)
}

fn write(block: &mut Vec<u8>, text: &str) {
    // No header has 4 GiB.
    let len = u32::try_from(text.len()).unwrap_or(0);
    match u8::try_from(len) {
        Ok(short) if short < u8::MAX => block.push(short),
        _ => {
            block.push(u8::MAX);
            block.extend_from_slice(&len.to_le_bytes());
        }
    }
    block.extend_from_slice(&text.as_bytes()[..len as usize]);
}

/// Each header once, in the order of their first lines, with a lower-case name.
fn joined<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    let mut all: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::with_capacity(32);
    for (name, value) in headers {
        let mut name = Cow::Borrowed(name);
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            name.to_mut().make_ascii_lowercase();
        }
        match all.iter_mut().find(|(other, _)| *other == name) {
            Some((_, before)) if name != "set-cookie" => {
                if !SINGLE.contains(&&*name) {
                    let before = before.to_mut();
                    before.push_str(if name == "cookie" { "; " } else { ", " });
                    before.push_str(value);
                }
            }
            _ => all.push((name, Cow::Borrowed(value))),
        }
    }
    all
}

impl<'a> FromIterator<(&'a str, &'a str)> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(headers: I) -> Headers {
        block(joined(headers).iter().map(|(name, value)| (&**name, &**value)))
    }
}

/// What is joined already.
fn block<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Headers {
    // A browser's headers: the block is copied once more, to its own size.
    let mut block = Vec::with_capacity(1024);
    for (name, value) in headers {
        match known(name, value) {
            Some(at) => {
                block.push(at as u8 + 1);
                if KNOWN[at].1.is_empty() {
                    write(&mut block, value);
                }
            }
            None => {
                block.push(0);
                write(&mut block, name);
                write(&mut block, value);
            }
        }
    }
    Headers(block.into())
}

/// Those whose values are text.
#[cfg(feature = "http")]
impl From<&http::HeaderMap> for Headers {
    fn from(headers: &http::HeaderMap) -> Headers {
        let texts = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        // Names are lower case there, and nearly always each has one line.
        if headers.len() == headers.keys_len() { block(texts) } else { texts.collect() }
    }
}

impl fmt::Debug for Headers {
    /// Names only: values can be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_found_by_its_lower_case_name() {
        let headers: Headers = [("Host", "a:80"), ("X-Empty", "")].into_iter().collect();
        assert_eq!((headers.get("host"), headers.get("x-empty"), headers.get("via")), (Some("a:80"), Some(""), None));
    }

    #[test]
    fn lines_of_one_header_are_one_as_node_has_them() {
        let lines =
            [("X-Forwarded-For", "6.6.6.6"), ("Cookie", "a=1"), ("Authorization", "first"), ("Set-Cookie", "x")];
        let more =
            [("x-forwarded-for", "1.2.3.4"), ("cookie", "b=2"), ("authorization", "second"), ("set-cookie", "y")];
        let headers: Headers = lines.into_iter().chain(more).collect();
        assert_eq!(headers.get("x-forwarded-for"), Some("6.6.6.6, 1.2.3.4"));
        assert_eq!((headers.get("cookie"), headers.get("authorization")), (Some("a=1; b=2"), Some("first")));
        let cookies: Vec<_> = headers.iter().filter(|(name, _)| *name == "set-cookie").collect();
        assert_eq!((cookies, headers.iter().count()), (vec![("set-cookie", "x"), ("set-cookie", "y")], 5));
    }

    #[test]
    fn a_value_cannot_smuggle_in_another_header() {
        let headers: Headers = [("a", "1\nauthorization:x"), ("b", "\u{1}\u{18}x")].into_iter().collect();
        assert_eq!((headers.get("authorization"), headers.iter().count()), (None, 2));
    }

    #[test]
    fn what_came_is_there_known_or_not_and_however_long() {
        let long = "v".repeat(70_000);
        let own =
            ["", "?", &long[..254], &long[..255], &long].map(|value| [("x-own", value), (&*long, value), ("", value)]);
        for one in KNOWN.into_iter().chain(KNOWN.map(|(name, _)| (name, "?"))).chain(own.into_iter().flatten()) {
            assert!([one].into_iter().collect::<Headers>().iter().eq([one]));
        }
        let mut all: Vec<(&str, &str)> = KNOWN.to_vec();
        all.dedup_by_key(|(name, _)| *name);
        all.extend([("x-own", "1"), (&long, "2")]);
        let headers: Headers = all.iter().copied().collect();
        assert!(headers.iter().eq(all.iter().copied()));
    }

    #[test]
    fn known_names_stand_where_they_are_looked_for() {
        assert!(KNOWN.is_sorted_by_key(|(name, _)| name.len()) && KNOWN.iter().all(|(name, _)| name.len() <= LONGEST));
        for (at, (name, value)) in KNOWN.iter().enumerate() {
            assert_eq!(known(name, value), Some(at), "{name}");
        }
    }

    #[test]
    fn what_nearly_all_clients_send_takes_a_byte() {
        let usual = [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13")];
        assert_eq!(usual.into_iter().collect::<Headers>().0.len(), 3);
    }
}
