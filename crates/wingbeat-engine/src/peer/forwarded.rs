//! What trusted proxies say of a client: `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`, or `Forwarded`
//! (RFC 7239).

use super::Peer;
use crate::config::Config;
use http::HeaderMap;
use http::header::FORWARDED;
use std::net::{IpAddr, SocketAddr};

/// The client behind a peer: the peer itself, unless that is a proxy which is trusted.
pub(crate) fn client(mut peer: Peer, headers: &HeaderMap, config: &Config) -> Peer {
    for hop in believed(peer.address.ip(), headers, config) {
        if let Some(protocol) = hop.protocol {
            peer.secure = ["https", "wss"].iter().any(|secure| protocol.eq_ignore_ascii_case(secure));
        }
        if let Some(address) = hop.address.filter(|address| !trusts(config, address.ip())) {
            peer.address = address;
        }
    }
    peer
}

/// The host that a client has asked, if a proxy which is trusted names another than it asks for.
pub(crate) fn host(peer: IpAddr, headers: &HeaderMap, config: &Config) -> Option<String> {
    believed(peer, headers, config).into_iter().rev().find_map(|hop| hop.host)
}

fn trusts(config: &Config, address: IpAddr) -> bool {
    // A listener for both families sees IPv4 addresses as parts of IPv6.
    config.trusted_proxies.iter().any(|proxy| proxy.to_canonical() == address.to_canonical())
}

/// The hops that trusted proxies name, the nearest first.
///
/// What a proxy adds stands behind what it got. So the last entry is believed if the peer is trusted, and each further one
/// if its neighbour names a trusted proxy: what stands before an untrusted one, anybody can have said.
fn believed(peer: IpAddr, headers: &HeaderMap, config: &Config) -> Vec<Hop> {
    if !trusts(config, peer) {
        return Vec::new();
    }
    let mut hops = if config.forwarded { standard(headers) } else { usual(headers) };
    hops.reverse();
    let ours = hops.iter().take_while(|hop| hop.address.is_some_and(|address| trusts(config, address.ip()))).count();
    hops.truncate(ours + 1);
    hops
}

/// What one proxy has said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Hop {
    /// Whom it got the request from; `None` if that is hidden, unknown or nonsense.
    address: Option<SocketAddr>,
    /// How it got it.
    protocol: Option<String>,
    /// Which host that one asked.
    host: Option<String>,
}

/// An address as proxies write it: with a port or without, IPv6 in brackets or not.
fn address(text: &str) -> Option<SocketAddr> {
    // The port may be a name that hides it.
    let text = text.rsplit_once(":_").map_or(text, |(host, _)| host);
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.parse().ok().or_else(|| Some(SocketAddr::new(bare.parse().ok()?, 0)))
}

/// By `X-Forwarded-For`, beside it `X-Forwarded-Proto` and `X-Forwarded-Host`: the last entries belong together.
fn usual(headers: &HeaderMap) -> Vec<Hop> {
    let entries = |name| {
        let lines = headers.get_all(name).iter().flat_map(|line| line.to_str().unwrap_or_default().split(','));
        lines.map(str::trim).collect::<Vec<_>>()
    };
    let [addresses, protocols, hosts] = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"].map(entries);
    let count = addresses.len().max(protocols.len()).max(hosts.len());
    let nth_of = |list: &[&str], nth: usize| list.len().checked_sub(count - nth).map(|at| list[at].to_owned());
    (0..count)
        .map(|nth| Hop {
            address: nth_of(&addresses, nth).and_then(|text| address(&text)),
            protocol: nth_of(&protocols, nth),
            host: nth_of(&hosts, nth),
        })
        .collect()
}

/// By `Forwarded`: `for="[2001:db8::7]:4711";proto=https, for=…`.
fn standard(headers: &HeaderMap) -> Vec<Hop> {
    let lines = headers.get_all(FORWARDED).iter().map(|line| line.to_str().unwrap_or_default());
    lines.flat_map(|line| split(line, ',')).map(hop).collect()
}

fn hop(element: &str) -> Hop {
    let mut hop = Hop::default();
    for pair in split(element, ';') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = unquoted(value.trim());
        match &*name.trim().to_ascii_lowercase() {
            "for" => hop.address = address(&value),
            "proto" => hop.protocol = Some(value),
            "host" => hop.host = Some(value),
            _ => {}
        }
    }
    hop
}

/// The parts of a text between separators that stand outside quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |char| {
        let is_separator = char == separator && !quoted;
        (quoted, escaped) = match char {
            _ if escaped => (quoted, false),
            '\\' if quoted => (quoted, true),
            '"' => (!quoted, false),
            _ => (quoted, false),
        };
        is_separator
    })
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut chars = inner.chars();
    std::iter::from_fn(|| chars.next().and_then(|char| if char == '\\' { chars.next() } else { Some(char) })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, headers: &[(&'static str, &str)], config: &Config) -> (String, bool) {
        let peer = Peer::new(peer.parse().unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let client = client(peer, &map, config);
        (client.address.to_string(), client.secure)
    }

    fn config(proxies: &[&str]) -> Config {
        Config::default().trusted_proxies(proxies.iter().map(|proxy| proxy.parse().unwrap()))
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let address = |peer: &str, lines: &[&str], config: &Config| {
            let headers: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            seen(peer, &headers, config).0
        };
        let both = config(&["10.0.0.1", "10.0.0.2"]);
        assert_eq!(address("10.0.0.1:80", &["6.6.6.6, 1.2.3.4, 10.0.0.2"], &both), "1.2.3.4:0");
        assert_eq!(address("9.9.9.9:80", &["1.2.3.4"], &both), "9.9.9.9:80");
        assert_eq!(address("10.0.0.1:80", &["1.2.3.4, nonsense"], &both), "10.0.0.1:80");
        // However the addresses are written.
        assert_eq!(address("[::ffff:10.0.0.1]:80", &["1.2.3.4, ::ffff:10.0.0.2"], &both), "1.2.3.4:0");
        assert_eq!(address("10.0.0.1:80", &["1.2.3.4"], &config(&["::ffff:10.0.0.1"])), "1.2.3.4:0");
        // A line that the client has sent stands before the one of the proxy.
        assert_eq!(address("10.0.0.1:80", &["6.6.6.6", "1.2.3.4"], &both), "1.2.3.4:0");
        assert_eq!(address("10.0.0.1:80", &["6.6.6.6", "1.2.3.4", "10.0.0.2"], &both), "1.2.3.4:0");
    }

    #[test]
    fn addresses_may_have_ports_and_brackets() {
        let config = config(&["10.0.0.1"]);
        for (text, address) in [
            ("198.51.100.7:1234", "198.51.100.7:1234"),
            ("[2001:db8::7]:443", "[2001:db8::7]:443"),
            ("[2001:db8::7]", "[2001:db8::7]:0"),
            ("2001:db8::7", "[2001:db8::7]:0"),
            ("6.6.6.6, 198.51.100.7:1234, 10.0.0.1:55", "198.51.100.7:1234"),
            ("198.51.100.7:99999", "10.0.0.1:80"),
            ("[198.51.100.7", "10.0.0.1:80"),
            ("", "10.0.0.1:80"),
        ] {
            assert_eq!(seen("10.0.0.1:80", &[("x-forwarded-for", text)], &config).0, address, "{text}");
        }
    }

    #[test]
    fn a_trusted_proxy_says_whether_a_client_comes_encrypted() {
        let config = config(&["10.0.0.1", "10.0.0.2"]);
        let secure = |peer, address, protocol| {
            seen(peer, &[("x-forwarded-for", address), ("x-forwarded-proto", protocol)], &config).1
        };
        assert!(secure("10.0.0.1:80", "1.2.3.4", "https") && secure("10.0.0.1:80", "1.2.3.4", "WSS"));
        assert!(!secure("10.0.0.1:80", "1.2.3.4", "http") && !secure("9.9.9.9:80", "1.2.3.4", "https"));
        // The outer proxy knows, whether the inner one adds what it sees or not.
        assert!(secure("10.0.0.1:80", "1.2.3.4, 10.0.0.2", "https, http"));
        assert!(secure("10.0.0.1:80", "1.2.3.4, 10.0.0.2", "https"));
        // What the client says itself stands before that.
        assert!(!secure("10.0.0.1:80", "6.6.6.6, 1.2.3.4", "https, http"));
        assert!(seen("10.0.0.1:80", &[("x-forwarded-proto", "https")], &config).1);
    }

    #[test]
    fn forwarded_is_read_where_it_is_asked_for() {
        let (config, usual) = (config(&["10.0.0.1", "10.0.0.2"]).forwarded(true), config(&["10.0.0.1"]));
        let read = |line: &str| seen("10.0.0.1:80", &[("forwarded", line), ("x-forwarded-for", "7.7.7.7")], &config);
        for (line, address, secure) in [
            ("for=198.51.100.7", "198.51.100.7:0", false),
            (r#"For="[2001:db8::7]:4711" ; Proto=HTTPS;by=203.0.113.43"#, "[2001:db8::7]:4711", true),
            (r#"for="198.51.100.7:_hidden";proto="https""#, "198.51.100.7:0", true),
            (r#"for=6.6.6.6;proto=https, for="198.51.100.7";proto=http"#, "198.51.100.7:0", false),
            ("for=198.51.100.7;proto=https, for=10.0.0.2;proto=http", "198.51.100.7:0", true),
            // A name in quotes is one element, whatever stands in it.
            (r#"for="_a,for=6.6.6.6";host="x\"y;z";proto=https"#, "10.0.0.1:80", true),
            ("for=198.51.100.7, for=unknown", "10.0.0.1:80", false),
            ("", "10.0.0.1:80", false),
        ] {
            assert_eq!(read(line), (address.to_owned(), secure), "{line}");
        }
        assert_eq!(seen("10.0.0.1:80", &[("forwarded", "for=6.6.6.6")], &usual).0, "10.0.0.1:80");
        assert_eq!(
            seen("9.9.9.9:80", &[("forwarded", "for=6.6.6.6;proto=https")], &config),
            ("9.9.9.9:80".into(), false)
        );
    }

    #[test]
    fn a_trusted_proxy_says_which_host_was_asked() {
        let asked = |peer: &str, name: &'static str, value: &str, config: &Config| {
            let headers = [("x-forwarded-for", "1.2.3.4, 10.0.0.2"), (name, value)];
            let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            host(peer.parse().unwrap(), &headers.collect(), config)
        };
        let both = config(&["10.0.0.1", "10.0.0.2"]);
        let usual = |peer, value| asked(peer, "x-forwarded-host", value, &both);
        assert_eq!(usual("10.0.0.1", "chat.example:81").unwrap(), "chat.example:81");
        assert_eq!(usual("10.0.0.1", "chat.example, inner").unwrap(), "chat.example");
        // What the client says itself stands before that.
        assert_eq!(usual("10.0.0.1", "evil.example, chat.example, inner").unwrap(), "chat.example");
        assert_eq!(usual("9.9.9.9", "evil.example"), None);
        let line = r#"for=6.6.6.6;host=evil.example, for=1.2.3.4;host="chat.example", for=10.0.0.2"#;
        assert_eq!(asked("10.0.0.1", "forwarded", line, &both), None);
        assert_eq!(asked("10.0.0.1", "forwarded", line, &both.forwarded(true)).unwrap(), "chat.example");
    }
}
