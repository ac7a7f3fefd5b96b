//! A connection's bytes, plain or encrypted.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Error, ErrorKind, IoSlice, Read, Result, Write};
use std::sync::Arc;

/// A TCP stream (of the standard library or of mio), or TLS over it.
pub enum Stream<S: Read + Write> {
    Plain(S),
    Tls(Box<StreamOwned<ClientConnection, S>>),
}

/// Trusts exactly the certificate in a PEM file.
pub fn trust(file: &str) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(Error::other)? {
        roots.add(certificate.map_err(Error::other)?).map_err(Error::other)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

impl<S: Read + Write> Stream<S> {
    pub fn new(socket: S, tls: Option<&Arc<ClientConfig>>) -> Result<Stream<S>> {
        let Some(config) = tls else { return Ok(Stream::Plain(socket)) };
        let name = ServerName::try_from("localhost").map_err(Error::other)?;
        let connection = ClientConnection::new(config.clone(), name).map_err(Error::other)?;
        Ok(Stream::Tls(Box::new(StreamOwned::new(connection, socket))))
    }

    /// The same stream over a socket of another kind.
    pub fn map<T: Read + Write>(self, socket: impl FnOnce(S) -> T) -> Stream<T> {
        match self {
            Stream::Plain(plain) => Stream::Plain(socket(plain)),
            Stream::Tls(tls) => {
                let StreamOwned { conn, sock } = *tls;
                Stream::Tls(Box::new(StreamOwned::new(conn, socket(sock))))
            }
        }
    }

    pub fn socket(&mut self) -> &mut S {
        match self {
            Stream::Plain(plain) => plain,
            Stream::Tls(tls) => &mut tls.sock,
        }
    }

    /// Whether a read that did not fill its buffer has emptied the socket.
    pub fn short_read_is_all(&self) -> bool {
        matches!(self, Stream::Plain(_))
    }
}

impl<S: Read + Write> Read for Stream<S> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        match self {
            Stream::Plain(plain) => plain.read(buf),
            Stream::Tls(tls) => match tls.read(buf) {
                // Servers that close TCP without a word of TLS.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
                read => read,
            },
        }
    }
}

impl<S: Read + Write> Write for Stream<S> {
    fn write(&mut self, buf: &[u8]) -> Result<usize> {
        match self {
            Stream::Plain(plain) => plain.write(buf),
            Stream::Tls(tls) => tls.write(buf),
        }
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> Result<usize> {
        match self {
            Stream::Plain(plain) => plain.write_vectored(bufs),
            Stream::Tls(tls) => tls.write_vectored(bufs),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Stream::Plain(plain) => plain.flush(),
            Stream::Tls(tls) => tls.flush(),
        }
    }
}
