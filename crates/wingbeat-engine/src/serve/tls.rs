//! Encrypted connections.

use super::Listener;
use crate::Peer;
use futures_util::future::BoxFuture;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

/// A listener whose connections are encrypted: `https` and `wss`.
///
/// ```no_run
/// # async fn open() -> std::io::Result<()> {
/// use tokio::net::TcpListener;
/// use wingbeat_engine::Tls;
///
/// let (chain, key) = (std::fs::read("chain.pem")?, std::fs::read("key.pem")?);
/// let listener = Tls::from_pem(TcpListener::bind("0.0.0.0:443").await?, &chain, &key)?;
/// # Ok(())
/// # }
/// ```
pub struct Tls<L = TcpListener> {
    listener: L,
    acceptor: TlsAcceptor,
}

impl<L: Listener> Tls<L> {
    /// With a certificate chain and its private key, both as PEM.
    ///
    /// # Errors
    /// If there is no certificate, no key, or they do not fit.
    pub fn from_pem(listener: L, chain: &[u8], key: &[u8]) -> io::Result<Tls<L>> {
        let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
        if chain.is_empty() {
            return Err(io::Error::other("missing certificate: the chain has to be PEM (-----BEGIN CERTIFICATE-----)"));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(io::Error::other)?;
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
            .map_err(io::Error::other)?;
        Ok(Tls::new(listener, config))
    }

    /// With any configuration of rustls. Its ALPN protocols are replaced by those that the server speaks.
    pub fn new(listener: L, mut config: ServerConfig) -> Tls<L> {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if cfg!(feature = "http2") {
            config.alpn_protocols.insert(0, b"h2".to_vec());
        }
        Tls { listener, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}

impl<L: Listener> Listener for Tls<L> {
    type Io = TlsStream<L::Io>;
    type Opening = BoxFuture<'static, io::Result<TlsStream<L::Io>>>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Opening, Peer)>> {
        let (opening, peer) = ready!(self.listener.poll_accept(cx))?;
        let acceptor = self.acceptor.clone();
        let opening: Self::Opening = Box::pin(async move { acceptor.accept(opening.await?).await });
        Poll::Ready(Ok((opening, Peer { secure: true, ..peer })))
    }

    fn address(&self) -> Option<SocketAddr> {
        self.listener.address()
    }

    fn is_http2(connection: &Self::Io) -> bool {
        connection.get_ref().1.alpn_protocol() == Some(b"h2")
    }
}

impl<L> std::fmt::Debug for Tls<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}
