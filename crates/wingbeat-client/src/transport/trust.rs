//! Which certificates of servers are trusted.

use std::io;
use std::sync::{Arc, OnceLock};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
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
            return Err("Missing certificate: it has to be PEM (-----BEGIN CERTIFICATE-----)".to_owned());
        }
        self.certificates.extend(found);
        Ok(())
    }

    pub(crate) fn config(self) -> Config {
        let provider = Arc::new(default_provider());
        let trusted = if self.anything { None } else { Some(self.trusted(provider.clone())?) };
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier { provider, trusted }))
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    fn trusted(self, provider: Arc<CryptoProvider>) -> io::Result<Trusted> {
        let mut roots = system_roots();
        for certificate in &self.certificates {
            roots.add(certificate.clone()).map_err(io::Error::other)?;
        }
        let roots = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build();
        Ok(Trusted { roots: roots.map_err(io::Error::other)?, given: self.certificates })
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

/// Checks what a server shows. That it has the key of it is checked in any case.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// Nothing if it does not matter who the server is.
    trusted: Option<Trusted>,
}

/// As rustls does it, but for one thing: a certificate of an authority that was given here may be a server's own, as
/// `openssl req -x509` makes it.
#[derive(Debug)]
struct Trusted {
    roots: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(Trusted { roots, given }) = &self.trusted else { return Ok(ServerCertVerified::assertion()) };
        match roots.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // Said once its time is found right, and before anything is asked of a chain, which it is itself.
            Err(Error::InvalidCertificate(why)) if is_an_authoritys(&why) && given.contains(certificate) => {
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
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// rustls has no name of its own for it.
fn is_an_authoritys(why: &CertificateError) -> bool {
    matches!(why, CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity")
}

/// The same error, with what to do.
pub(super) fn explained(error: io::Error) -> io::Error {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let Some(Error::InvalidCertificate(why)) = tls else { return error };
    let what = match why {
        CertificateError::UnknownIssuer => "its issuer is not trusted here".to_owned(),
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
