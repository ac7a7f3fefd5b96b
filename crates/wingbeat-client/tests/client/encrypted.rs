//! Certificates, and a door that encrypts what goes to a server.

use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate and its key.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) pem: String,
    key: Vec<u8>,
}

impl Identity {
    fn signed(params: &rcgen::CertificateParams) -> Identity {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Identity { certificate: certificate.der().clone(), pem: certificate.pem(), key: key.serialize_der() }
    }

    /// A server's own, and no authority's.
    pub(crate) fn of_a_server() -> Identity {
        Identity::signed(&rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap())
    }

    /// As `openssl req -x509` makes it: an authority's that serves as a server's, for this name and until this year.
    pub(crate) fn as_by_openssl(name: Option<&str>, until: i32) -> Identity {
        let mut params = rcgen::CertificateParams::new(Vec::from_iter(name.map(str::to_owned))).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        Identity::signed(&params)
    }

    /// Encrypts what comes for this port; gives the address.
    pub(crate) async fn before(&self, port: u16) -> String {
        let key = PrivateKeyDer::try_from(self.key.clone()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![self.certificate.clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut client) = acceptor.accept(tcp).await else { return };
                    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        url
    }
}
