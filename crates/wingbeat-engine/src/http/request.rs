//! What a request asks for, and whether it may.

use super::answer::Refused;
use crate::engine::{SessionHandle, Shared, TransportState};
use http::Method;
use http::request::Parts;
use std::borrow::Cow;
use std::sync::Arc;

/// What the query says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Query<'a> {
    transport: Cow<'a, str>,
    sid: Cow<'a, str>,
    eio: Cow<'a, str>,
    jsonp: bool,
    /// The client numbers its requests, as all real clients do.
    numbered: bool,
}

impl<'a> Query<'a> {
    fn parse(query: &'a str) -> Query<'a> {
        let mut parsed = Query::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "transport" => parsed.transport = value,
                "sid" => parsed.sid = value,
                "EIO" => parsed.eio = value,
                "j" => parsed.jsonp = true,
                "t" => parsed.numbered = true,
                _ => {}
            }
        }
        parsed
    }
}

/// What a request is for.
pub(super) enum Purpose {
    /// To begin a session.
    Handshake(TransportState),
    /// For this session.
    Session(Arc<SessionHandle>),
}

/// The reference server's checks, in its order.
pub(super) fn verify(shared: &Shared, parts: &Parts, is_upgrade: bool) -> Result<Purpose, Refused> {
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let config = &shared.config;
    let transport = match &*query.transport {
        "polling" if config.polling => TransportState::Polling,
        "websocket" if config.websocket => TransportState::WebSocket,
        _ => return Err(Refused::UnknownTransport),
    };
    // JSONP would let any page read the session, whatever CORS says.
    if (is_upgrade && transport != TransportState::WebSocket) || query.jsonp {
        return Err(Refused::BadRequest);
    }
    if (is_upgrade || config.same_origin) && !config.accepts_origin(parts) {
        return Err(Refused::Forbidden("Forbidden".into()));
    }
    if !query.sid.is_empty() {
        let Some(handle) = shared.find(&query.sid) else {
            shared.note_unknown(&query.sid);
            return Err(Refused::UnknownSession);
        };
        if (!is_upgrade && handle.transport() != transport) || query.eio != "4" {
            return Err(Refused::BadRequest);
        }
        return Ok(Purpose::Session(handle));
    }
    if parts.method != Method::GET {
        return Err(Refused::BadMethod);
    }
    if transport == TransportState::WebSocket && !is_upgrade {
        return Err(Refused::BadRequest);
    }
    if query.eio != "4" {
        let old = query.eio == "3";
        if old {
            shared.client_warnings.old();
        }
        return Err(if old && query.numbered && !is_upgrade { Refused::TooOld } else { Refused::UnsupportedVersion });
    }
    Ok(Purpose::Handshake(transport))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_whatever_stands_beside() {
        let query = Query::parse("a=b&EIO=4&transport=polling&&t=x&sid=abc&j");
        let expected =
            Query { transport: "polling".into(), sid: "abc".into(), eio: "4".into(), jsonp: true, numbered: true };
        assert_eq!(query, expected);
        assert_eq!(Query::parse("%45IO=%34&transport=poll%69ng&sid=%61bc&%6a=1&t"), expected);
        assert_eq!(Query::parse(""), Query::default());
    }
}
