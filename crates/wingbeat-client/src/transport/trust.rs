//! Which certificates of servers are trusted.

use std::io;
use std::sync::{Arc, OnceLock};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

type Config = io::Result<Arc<ClientConfig>>;

/// What is trusted beside what the system trusts.
#[derive(Default)]
pub(crate) struct Trust {
    certificates: Vec<CertificateDer<'static>>,
    /// Whatever a server shows.
    pub(crate) anything: bool,
}

impl Trust {
    /// Whether it is what the system trusts, and no more.
    pub(crate) fn is_default(&self) -> bool {
        self.certificates.is_empty() && !self.anything
    }

    /// Trusts the certificates in this text as well.
    pub(crate) fn add(&mut self, pem: &[u8]) -> Result<(), String> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|error| format!("The certificates cannot be read: {error}"))?;
        if found.is_empty() {
            return Err("There is no certificate in PEM (-----BEGIN CERTIFICATE-----)".to_owned());
        }
        self.certificates.extend(found);
        Ok(())
    }

    pub(crate) fn config(self) -> Config {
        let provider = Arc::new(default_provider());
        if self.anything {
            return with_verifier(Arc::new(Anything(provider)));
        }
        let mut roots = system_roots();
        for certificate in &self.certificates {
            roots.add(certificate.clone()).map_err(io::Error::other)?;
        }
        let system = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build();
        let inner = system.map_err(io::Error::other)?;
        with_verifier(Arc::new(Given { inner, certificates: self.certificates }))
    }
}

/// Trusts the certificates that the system trusts. Read once.
pub(super) fn system_trust() -> Config {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let config = ClientConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(system_roots())
        .with_no_client_auth();
    Ok(CONFIG.get_or_init(|| Arc::new(config)).clone())
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn with_verifier(verifier: Arc<dyn ServerCertVerifier>) -> Config {
    let config = ClientConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// As rustls does it, but for one thing: a certificate of an authority that was given here may be a server's own, as
/// `openssl req -x509` makes it.
#[derive(Debug)]
struct Given {
    inner: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Given {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.inner.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // Said once its time is found right, and before anything is asked of a chain, which it is itself.
            Err(Error::InvalidCertificate(why))
                if is_an_authoritys(&why) && self.certificates.contains(certificate) =>
            {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Who the server is does not matter; that it has the key of what it shows, still.
#[derive(Debug)]
struct Anything(Arc<tokio_rustls::rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// rustls has no name of its own for it.
fn is_an_authoritys(why: &CertificateError) -> bool {
    matches!(why, CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity")
}

/// The same error, with what to do.
pub(super) fn told(error: io::Error) -> io::Error {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let Some(Error::InvalidCertificate(why)) = tls else { return error };
    let what = match why {
        CertificateError::UnknownIssuer => "it is signed by nobody who is trusted here".to_owned(),
        why if is_an_authoritys(why) => {
            "it is one of an authority (CA:TRUE), as `openssl req -x509` makes it, that is not trusted here".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("{why} (openssl req -x509 -addext subjectAltName=DNS:example.com names one)")
        }
        why => why.to_string(),
    };
    let cure = "Builder::root_certificates trusts a certificate that you have (wingbeat --ca FILE), \
                Builder::danger_accept_any_certificate trusts all (wingbeat --insecure)";
    io::Error::new(error.kind(), format!("the server's certificate is not accepted: {what}. {cure}"))
}
