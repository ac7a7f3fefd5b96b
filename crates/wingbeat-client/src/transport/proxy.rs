//! Which proxy leads to a server, and the way through it.

use super::USER_AGENT;
use super::dial::Stream;
use super::upgrade::read_head;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use std::io;
use tokio::io::AsyncWriteExt;

/// Proxies for both kinds of addresses. They may hold passwords: nothing prints them.
#[derive(Default)]
pub(crate) struct Proxies {
    http: Option<Named>,
    https: Option<Named>,
    /// Which servers are reached without one.
    no: String,
}

#[derive(Clone)]
struct Named {
    /// Who has named it, for people who look for the mistake.
    by: &'static str,
    address: String,
}

impl Proxies {
    /// What variables say that hold something. As curl does it, those in small letters come first, and `HTTP_PROXY` means
    /// nothing in a CGI program: there everybody can set it, by the header `Proxy`.
    pub(crate) fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Proxies {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let address = variable(name).map(|value| value.trim().to_owned());
                address.filter(|address| !address.is_empty()).map(|address| Named { by: name, address })
            })
        };
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let all = first(&["all_proxy", "ALL_PROXY"]);
        let http = if is_cgi { first(&["http_proxy"]) } else { first(&["http_proxy", "HTTP_PROXY"]) };
        let no = first(&["no_proxy", "NO_PROXY"]).map(|no| no.address).unwrap_or_default();
        Proxies { http: http.or_else(|| all.clone()), https: first(&["https_proxy", "HTTPS_PROXY"]).or(all), no }
    }

    /// This one for all servers.
    pub(crate) fn all(address: &str) -> io::Result<Proxies> {
        let named = Some(Named { by: "Builder::proxy", address: address.trim().to_owned() });
        let proxies = Proxies { http: named.clone(), https: named, no: String::new() };
        proxies.to(&Uri::from_static("http://any")).map(|_| proxies)
    }

    /// The proxy before this server, if there is one.
    ///
    /// # Errors
    /// If the proxy is invalid: the client never bypasses it silently.
    pub(crate) fn to(&self, server: &Uri) -> io::Result<Option<Intercept>> {
        let secure = matches!(server.scheme_str(), Some("https" | "wss"));
        let Some(Named { by, address }) = (if secure { &self.https } else { &self.http }) else { return Ok(None) };
        let authority = server.authority().map_or("", |authority| authority.as_str());
        // The matcher knows no `ws`.
        let server: Uri = format!("http://{authority}/").parse().map_err(io::Error::other)?;
        let proxy = |address: &str| Matcher::builder().all(address).no(&*self.no).build().intercept(&server);
        if proxy("http://any").is_none() {
            return Ok(None);
        }
        let wrong = |why: String| io::Error::new(io::ErrorKind::InvalidInput, format!("{by} {why}"));
        match proxy(address) {
            Some(proxy) if matches!(proxy.uri().scheme_str(), Some("http" | "https")) => Ok(Some(proxy)),
            Some(proxy) => {
                let kind = proxy.uri().scheme_str().unwrap_or_default().to_owned();
                Err(wrong(format!("names a proxy with the scheme '{kind}': only http:// and https:// are supported")))
            }
            None => Err(wrong("does not name a proxy: write http://host:port".to_owned())),
        }
    }
}

/// Asks the proxy for a connection to the server: from then on all bytes are between it and us.
pub(super) async fn tunnel(stream: &mut Stream, server: &str, password: Option<&HeaderValue>) -> io::Result<()> {
    let mut request =
        format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\nUser-Agent: {USER_AGENT}\r\n").into_bytes();
    if let Some(password) = password {
        request.extend([b"Proxy-Authorization: ", password.as_bytes(), b"\r\n"].concat());
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await?;
    stream.flush().await?;
    let mut read = Vec::with_capacity(512);
    let end = read_head(stream, &mut read).await?;
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut answer = httparse::Response::new(&mut headers);
    answer.parse(&read[..end]).map_err(|error| io::Error::other(format!("invalid HTTP in the answer: {error}")))?;
    match answer.code.unwrap_or(0) {
        // The server does not speak first.
        200..=299 if end == read.len() => Ok(()),
        200..=299 => Err(io::Error::other("unexpected bytes after its answer to CONNECT")),
        407 => Err(io::Error::other("it requires a valid name and password: write http://name:password@host:port")),
        code => {
            let reason: String = answer.reason.unwrap_or_default().chars().take(200).collect();
            Err(io::Error::other(format!("it refuses to connect to {server}: HTTP {code} {reason}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(variables: &[(&str, &str)], server: &str) -> Result<Option<String>, String> {
        let value = |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
        let found = Proxies::from_variables(value).to(&server.parse().unwrap());
        found.map(|found| found.map(|proxy| proxy.uri().to_string())).map_err(|error| error.to_string())
    }

    #[test]
    fn the_variables_are_read_as_curl_reads_them() {
        let some = |proxy: &str| Ok(Some(proxy.to_owned()));
        let both = [("http_proxy", "http://a:1"), ("HTTP_PROXY", "http://b:2"), ("HTTPS_PROXY", "c:3")];
        assert_eq!(to(&both, "http://x"), some("http://a:1/"));
        assert_eq!(to(&both, "ws://x"), some("http://a:1/"));
        assert_eq!(to(&both, "wss://x:444"), some("http://c:3/"));
        assert_eq!(to(&[("HTTP_PROXY", "http://b:2")], "https://x"), Ok(None));
        assert_eq!(to(&[("ALL_PROXY", "http://b:2")], "wss://x"), some("http://b:2/"));
        assert_eq!(to(&[("http_proxy", " "), ("HTTP_PROXY", "https://b")], "http://x"), some("https://b/"));
        assert_eq!(to(&[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://b")], "http://x"), Ok(None));
        assert_eq!(to(&[], "http://x"), Ok(None));
    }

    #[test]
    fn no_proxy_names_hosts_domains_addresses_networks_and_all() {
        let direct = |no: &str, server: &str| {
            let variables = [("all_proxy", "http://p:1"), ("NO_PROXY", no)];
            to(&variables, server).unwrap().is_none()
        };
        let no = "localhost, .example.com,internal , 10.0.0.0/8,192.168.1.7,::1,fe80::/10";
        for server in [
            "http://localhost:3030",
            "ws://LOCALHOST",
            "https://example.com",
            "wss://a.b.example.com:8443",
            "http://x.internal",
            "http://10.200.0.1:81",
            "http://192.168.1.7",
            "http://[::1]:3030",
            "https://[fe80::2]",
        ] {
            assert!(direct(no, server), "{server}");
        }
        for server in
            ["http://localhost.evil", "http://notexample.com", "http://11.0.0.1", "http://192.168.1.8", "http://[::2]"]
        {
            assert!(!direct(no, server), "{server}");
        }
        assert!(direct("*", "http://any.where") && direct("*", "http://1.2.3.4") == direct("*", "http://[::1]"));
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_told_without_its_password() {
        for bad in ["socks5://ann:secret@h:1", "ftp://ann:secret@h", "http://ann:secret@", "http://a b:secret@h"] {
            let error = to(&[("HTTP_PROXY", bad)], "http://x").unwrap_err();
            assert!(error.starts_with("HTTP_PROXY ") && !error.contains("secret"), "{error}");
            let error = Proxies::all(bad).err().unwrap().to_string();
            assert!(error.starts_with("Builder::proxy ") && !error.contains("secret"), "{error}");
            // Who needs none is not bothered.
            assert_eq!(to(&[("HTTP_PROXY", bad), ("no_proxy", "x")], "http://x"), Ok(None));
        }
    }

    #[test]
    fn a_name_and_password_in_the_address_are_a_header() {
        let proxies = Proxies::all("http://Aladdin:open%20sesame@h:1").unwrap();
        let proxy = proxies.to(&Uri::from_static("http://x")).unwrap().unwrap();
        assert_eq!(
            (proxy.uri().to_string().as_str(), proxy.basic_auth().unwrap().is_sensitive()),
            ("http://h:1/", true)
        );
        assert_eq!(proxy.basic_auth().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
