//! From an address to a connection: through a proxy or not, encrypted or not.

use super::proxy::{Proxies, tunnel};
#[cfg(feature = "tls")]
use super::trust;
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::{Connected, Connection};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Opens connections for both transports.
#[derive(Clone)]
pub(crate) struct Dialer {
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Arc<tokio_rustls::rustls::ClientConfig>>,
    pub(crate) proxies: Arc<Proxies>,
}

impl Dialer {
    pub(crate) fn through(proxies: Proxies) -> Dialer {
        Dialer {
            #[cfg(feature = "tls")]
            tls: None,
            proxies: proxies.into(),
        }
    }

    /// Connects to host and port of the address; by TLS if its scheme is `https` or `wss`. Proxies send on what is asked
    /// for by `http` themselves, and make way for all else.
    pub(crate) async fn dial(&self, uri: &Uri) -> io::Result<Stream> {
        let Some(proxy) = self.proxies.to(uri)? else { return self.open(uri).await };
        let named = |error: io::Error| {
            let proxy = proxy.uri().authority().map_or("", |authority| authority.as_str());
            io::Error::new(error.kind(), format!("the proxy {proxy}: {error}"))
        };
        let mut stream = self.open(proxy.uri()).await.map_err(named)?;
        if uri.scheme_str() == Some("http") {
            return Ok(Stream::Proxy(Box::new(stream)));
        }
        let server = format!("{}:{}", uri.host().unwrap_or_default(), port(uri));
        tunnel(&mut stream, &server, proxy.basic_auth()).await.map_err(named)?;
        if is_secure(uri) { self.secure(host(uri)?, stream).await } else { Ok(stream) }
    }

    /// The password for the proxy that forwards this request, if there is one.
    pub(super) fn password(&self, uri: &Uri) -> Option<HeaderValue> {
        // An invalid proxy is an error when a connection is made.
        let proxy = self.proxies.to(uri).ok().flatten().filter(|_| !is_secure(uri))?;
        proxy.basic_auth().cloned()
    }

    async fn open(&self, uri: &Uri) -> io::Result<Stream> {
        let host = host(uri)?;
        let tcp = TcpStream::connect((host, port(uri))).await?;
        tcp.set_nodelay(true)?;
        let stream = Stream::Plain(tcp);
        if is_secure(uri) { self.secure(host, stream).await } else { Ok(stream) }
    }

    #[cfg(feature = "tls")]
    async fn secure(&self, host: &str, stream: Stream) -> io::Result<Stream> {
        let name = tokio_rustls::rustls::pki_types::ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let config = match &self.tls {
            Some(config) => config.clone(),
            None => trust::system_trust()?,
        };
        let stream = tokio_rustls::TlsConnector::from(config).connect(name, stream).await.map_err(trust::explained)?;
        Ok(Stream::Tls(Box::new(stream)))
    }

    #[cfg(not(feature = "tls"))]
    async fn secure(&self, _host: &str, _stream: Stream) -> io::Result<Stream> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "built without the feature `tls`"))
    }
}

fn is_secure(uri: &Uri) -> bool {
    matches!(uri.scheme_str(), Some("https" | "wss"))
}

fn host(uri: &Uri) -> io::Result<&str> {
    let host = uri.host().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the host is missing"))?;
    Ok(host.trim_start_matches('[').trim_end_matches(']'))
}

fn port(uri: &Uri) -> u16 {
    uri.port_u16().unwrap_or(if is_secure(uri) { 443 } else { 80 })
}

/// A connection.
pub(crate) enum Stream {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::client::TlsStream<Stream>>),
    /// To a proxy that reads the requests.
    Proxy(Box<Stream>),
}

macro_rules! either {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Stream::Plain($stream) => $call,
            #[cfg(feature = "tls")]
            Stream::Tls($stream) => $call,
            Stream::Proxy($stream) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new().proxy(matches!(self, Stream::Proxy(_)))
    }
}

impl tower_service::Service<Uri> for Dialer {
    type Response = hyper_util::rt::TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dialer = self.clone();
        Box::pin(async move { dialer.dial(&uri).await.map(hyper_util::rt::TokioIo::new) })
    }
}
