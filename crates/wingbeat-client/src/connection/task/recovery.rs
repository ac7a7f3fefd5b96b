//! Connection state recovery: what a client says that it has heard, so that the server sends it the rest.
//!
//! A server that offers it gives a `pid` with CONNECT, and an offset as one more last argument of its events. Whoever
//! comes back says both. socket.io-client takes each last text for an offset; here it is told what is none, so that
//! listeners get the arguments that were emitted.

use serde_json::{Map, Value};
use std::time::{Duration, SystemTime};
use wingbeat_protocol::packet::Arguments;

/// Where a session was left.
pub(crate) struct Recovery {
    pid: Box<str>,
    /// Whether the server is one of Wingbeat's: it puts `null` behind each last text that is no offset.
    is_of_wingbeat: bool,
    /// Empty until there is one.
    offset: String,
}

/// What a server may let us remember for it. Ids have 20 characters, and offsets about as many.
const LONGEST_PID: usize = 512;
const LONGEST_OFFSET: usize = 128;

/// The letters that both ids of a session have in common where the server is one of Wingbeat's: they lead to its place
/// there. Node's ids are random: two begin alike once in a billion sessions, and none of their offsets looks like
/// Wingbeat's.
const PLACE: usize = 5;
/// Digits of the first part of an offset of Wingbeat, of which one at least is a letter.
const EPOCH: usize = 13;

/// How far the clocks of server and client may be apart for an id to be seen as one by its time.
const CLOCKS: Duration = Duration::from_secs(24 * 3600);

impl Recovery {
    /// Begins with what came with CONNECT.
    pub(crate) fn new(sid: &str, pid: &str) -> Option<Recovery> {
        let is_of_wingbeat = [sid, pid].iter().all(|id| id.len() == 20) && sid.get(..PLACE) == pid.get(..PLACE);
        let begins = || Recovery { pid: pid.into(), is_of_wingbeat, offset: String::new() };
        (1..=LONGEST_PID).contains(&pid.len()).then(begins)
    }

    pub(crate) fn is_of(&self, pid: &str) -> bool {
        *self.pid == *pid
    }

    /// Adds to what CONNECT carries, as socket.io-client does: the program's own data comes first.
    pub(crate) fn add_to(&self, payload: Option<&Value>) -> Value {
        let mut all = Map::new();
        all.insert("pid".to_owned(), (*self.pid).into());
        if !self.offset.is_empty() {
            all.insert("offset".to_owned(), self.offset.as_str().into());
        }
        all.extend(payload.and_then(Value::as_object).cloned().unwrap_or_default());
        all.into()
    }

    /// Notes the offset of an event, and takes it from the arguments where it is certain to be one.
    pub(crate) fn take_offset(&mut self, arguments: &mut Arguments<'_>) {
        let Some(last) = arguments.len().checked_sub(1).filter(|last| *last > 0) else { return };
        let Some(text) = arguments.get(last).and_then(unquoted).filter(|text| text.len() <= LONGEST_OFFSET) else {
            if self.is_of_wingbeat && is_padding(arguments, last) {
                arguments.pop();
            }
            return;
        };
        // Rather one too many, with which nothing is recovered: without one that is, what came since would come twice.
        let is_offset = match self.is_of_wingbeat {
            true => is_place(text),
            false => made_at(&self.offset).is_none() || made_at(text).is_some(),
        };
        if !is_offset {
            return;
        }
        self.offset.clear();
        self.offset.push_str(text);
        // The first argument of a service's event is its data.
        let is_extra = last > 1 || !is_of_service(arguments);
        if self.is_of_wingbeat || (is_extra && is_of_today(text)) {
            arguments.pop();
        }
    }
}

fn is_of_service(arguments: &Arguments<'_>) -> bool {
    arguments.get(0).is_some_and(|name| name.contains(' '))
}

/// Whether the last argument is the `null` that keeps the text before it, or the lack of any, from being an offset.
/// One that was emitted reads the same: an argument that is not there is null.
fn is_padding(arguments: &Arguments<'_>, last: usize) -> bool {
    let before = arguments.get(last - 1).is_some_and(|text| text.starts_with('"'));
    arguments.get(last) == Some("null") && before
}

/// The content of a JSON text that has no escapes, as offsets have none.
fn unquoted(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inside.is_empty() && !inside.contains('\\')).then_some(inside)
}

/// Whether a text is the place of an event as Wingbeat's servers write it: `<epoch>-<number>`, both to the base 36.
fn is_place(text: &str) -> bool {
    let is_number = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit() || digit.is_ascii_lowercase());
    text.split_once('-').is_some_and(|(epoch, number)| {
        let has_letter = epoch.bytes().any(|digit| digit.is_ascii_lowercase());
        epoch.len() == EPOCH
            && has_letter
            && (1..=EPOCH).contains(&number.len())
            && is_number(epoch)
            && is_number(number)
    })
}

fn is_of_today(text: &str) -> bool {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    made_at(text).is_some_and(|made| made.abs_diff(now) <= CLOCKS)
}

/// When an id of Node's adapters was made. All have the time in them: in memory in seven digits of base 64, perhaps with a
/// count (`QWcLq3F.0`), Redis streams in milliseconds (`1780000000000-0`), MongoDB in seconds as the first eight of
/// 24 hexadecimal digits.
fn made_at(text: &str) -> Option<Duration> {
    let bytes = text.as_bytes();
    if bytes.len() == 24 && bytes.iter().all(u8::is_ascii_hexdigit) {
        return u64::from_str_radix(&text[..8], 16).ok().map(Duration::from_secs);
    }
    if let Some((time, count)) = text.split_once('-')
        && time.len() == 13
        && [time, count].iter().all(|part| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit()))
    {
        return time.parse().ok().map(Duration::from_millis);
    }
    let (time, count) = text.split_once('.').unwrap_or((text, "0"));
    if time.len() != 7 || count.is_empty() || !count.bytes().all(|byte| digit(byte).is_some()) {
        return None;
    }
    time.bytes().try_fold(0, |time, byte| Some(time * 64 + digit(byte)?)).map(Duration::from_millis)
}

/// A digit of the reference's base 64.
fn digit(byte: u8) -> Option<u64> {
    Some(u64::from(match byte {
        b'0'..=b'9' => byte - b'0',
        b'A'..=b'Z' => byte - b'A' + 10,
        b'a'..=b'z' => byte - b'a' + 36,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What listeners get of an event, and the offset after it.
    fn after(recovery: &mut Recovery, event: &str) -> (String, String) {
        let mut arguments = Arguments::parse(event, 10).unwrap();
        recovery.take_offset(&mut arguments);
        let left: Vec<_> = (0..arguments.len()).filter_map(|at| arguments.get(at)).collect();
        (format!("[{}]", left.join(",")), recovery.offset.clone())
    }

    fn of_wingbeat() -> Recovery {
        Recovery::new("AAAAAsocketsocketsoc", "AAAAAprivateprivatep").unwrap()
    }

    fn of_node() -> Recovery {
        Recovery::new("ojIckSD2jqNzOqIrAAAA", "tK9FfZVtaFJGwmcyAAAB").unwrap()
    }

    /// An offset of Node's server, made now.
    fn fresh() -> String {
        const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as usize;
        (0..7).rev().map(|place| char::from(DIGITS[now >> (6 * place) & 63])).collect()
    }

    #[test]
    fn the_last_text_of_a_wingbeat_event_is_its_offset() {
        let mut recovery = of_wingbeat();
        for (event, heard, offset) in [
            (r#"["ping"]"#, r#"["ping"]"#, ""),
            (r#"["a b",{"x":1},"1k3k3k3k3k3k3-1"]"#, r#"["a b",{"x":1}]"#, "1k3k3k3k3k3k3-1"),
            (r#"["a b","text","1abcdeabcdeab-1"]"#, r#"["a b","text"]"#, "1abcdeabcdeab-1"),
            (r#"["ping","1abcdeabcdeab-10"]"#, r#"["ping"]"#, "1abcdeabcdeab-10"),
            (r#"["x","room-1",null]"#, r#"["x","room-1"]"#, "1abcdeabcdeab-10"),
            (r#"["ping",null]"#, r#"["ping"]"#, "1abcdeabcdeab-10"),
            (r#"["x",1,null]"#, r#"["x",1,null]"#, "1abcdeabcdeab-10"),
            (r#"["x",null,"1k3k3k3k3k3k3-z"]"#, r#"["x",null]"#, "1k3k3k3k3k3k3-z"),
        ] {
            assert_eq!(after(&mut recovery, event), (heard.to_owned(), offset.to_owned()), "{event}");
        }
    }

    #[test]
    fn an_offset_of_node_is_told_from_a_text_by_its_time() {
        let (mut recovery, fresh) = (of_node(), fresh());
        let numbered = [fresh.clone(), format!("{fresh}.0"), format!("{}-0", now_in_milliseconds())];
        for offset in numbered {
            let event = |arguments: &str| format!(r#"["{arguments},"{offset}"]"#);
            assert_eq!(after(&mut recovery, &event(r#"x",1"#)), (r#"["x",1]"#.into(), offset.clone()));
            assert_eq!(after(&mut recovery, &event(r#"ping""#)), (r#"["ping"]"#.into(), offset.clone()));
            // Volatile events have none.
            for text in [r#"["typing","hello"]"#, r#"["typing","room-1"]"#, r#"["x","a \" b"]"#, r#"["x",null]"#] {
                assert_eq!(after(&mut recovery, text), (text.to_owned(), offset.clone()));
            }
        }
        // As those of Wingbeat's servers look.
        let text = r#"["typing","1k3k3k3k3k3k3-1"]"#;
        assert_eq!(after(&mut recovery, text).0, text);
        // Seven letters: noted, as socket.io-client does, and left where it is.
        let text = r#"["typing","general"]"#;
        assert_eq!(after(&mut recovery, text), (text.to_owned(), "general".to_owned()));
    }

    #[test]
    fn a_text_of_another_form_is_no_offset_of_wingbeat() {
        let mut recovery = of_wingbeat();
        after(&mut recovery, r#"["x",1,"1k3k3k3k3k3k3-1"]"#);
        for text in ["room-1", "k3-1", "1780000000000-0", "1k3k3k3k3k3K3-1", "1k3k3k3k3k3k3-", "1k3k3k3k3k3k3", "ä"] {
            let event = format!(r#"["x",1,"{text}"]"#);
            assert_eq!(after(&mut recovery, &event), (event, "1k3k3k3k3k3k3-1".to_owned()));
        }
    }

    fn now_in_milliseconds() -> u128 {
        SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()
    }

    #[test]
    fn the_data_of_a_services_event_is_never_taken() {
        let (mut recovery, fresh) = (of_node(), fresh());
        let data = format!(r#"["tools progress","{fresh}"]"#);
        assert_eq!(after(&mut recovery, &data).0, data);
        let numbered = format!(r#"["tools progress","{fresh}","{fresh}"]"#);
        assert_eq!(after(&mut recovery, &numbered).0, data);
    }

    #[test]
    fn an_offset_of_an_unknown_server_is_noted_and_left() {
        let mut recovery = Recovery::new("s", "p").unwrap();
        for offset in ["17", "18"] {
            let event = format!(r#"["x",1,"{offset}"]"#);
            assert_eq!(after(&mut recovery, &event), (event.clone(), offset.to_owned()));
        }
    }

    #[test]
    fn what_a_server_makes_us_keep_is_short() {
        let (mut recovery, long) = (of_node(), "x".repeat(1000));
        assert_eq!(after(&mut recovery, &format!(r#"["x","{long}"]"#)).1, "");
        assert!(Recovery::new("s", &long).is_none() && Recovery::new("s", "").is_none());
    }

    #[test]
    fn the_programs_own_data_goes_before_pid_and_offset() {
        let mut recovery = Recovery::new("s", "p").unwrap();
        assert_eq!(recovery.add_to(None), json!({"pid": "p"}));
        after(&mut recovery, r#"["x","1"]"#);
        assert_eq!(recovery.add_to(Some(&json!({"t": 1}))), json!({"pid": "p", "offset": "1", "t": 1}));
        assert_eq!(recovery.add_to(Some(&json!({"pid": "own"}))), json!({"pid": "own", "offset": "1"}));
    }
}
