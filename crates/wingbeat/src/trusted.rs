//! Encrypted connections to servers: whose certificates are trusted.

#[cfg(any(feature = "nats", feature = "postgres", feature = "redis"))]
use std::sync::Arc;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
#[cfg(any(feature = "nats", feature = "postgres", feature = "redis"))]
use tokio_rustls::rustls::{ClientConfig, crypto::aws_lc_rs};
use wingbeat_core::{Error, Result};

/// The certificates of a file, or those that the system trusts, as far as they can be read.
///
/// # Errors
/// If a file is named, and there are none in it.
pub(crate) fn certificates(file: Option<&str>) -> Result<Vec<CertificateDer<'static>>> {
    let Some(file) = file else {
        let mut found = rustls_native_certs::load_native_certs().certs;
        found.retain(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok());
        return Ok(found);
    };
    let failed = || Error::general(format!("Can not read certificates from '{file}' (sslrootcert)"));
    let found = CertificateDer::pem_file_iter(file).map_err(|error| failed().with_source(error))?;
    let found = found.collect::<std::result::Result<Vec<_>, _>>().map_err(|error| failed().with_source(error))?;
    if found.is_empty() {
        return Err(failed());
    }
    for certificate in &found {
        RootCertStore::empty().add(certificate.clone()).map_err(|error| failed().with_source(error))?;
    }
    Ok(found)
}

/// Holds a server to a certificate of its name by one of these.
///
/// # Errors
/// As [`certificates`].
#[cfg(any(feature = "nats", feature = "postgres", feature = "redis"))]
pub(crate) fn client_config(file: Option<&str>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(file)?);
    // A program may have other providers as well, so it is said which.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(Arc::new(config.map_err(Error::internal)?.with_root_certificates(roots).with_no_client_auth()))
}
