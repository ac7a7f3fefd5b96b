//! Whose certificates are trusted.

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use wingbeat_core::{Error, Result};

/// The certificates of a file, or those that the system trusts, as far as they can be read.
///
/// # Errors
/// If a file is named, and there are none in it.
pub(in crate::store) fn certificates(file: Option<&str>) -> Result<Vec<CertificateDer<'static>>> {
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

/// The same, for rustls.
///
/// # Errors
/// As [`certificates`].
#[cfg(feature = "postgres")]
pub(in crate::store) fn root_store(file: Option<&str>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(file)?);
    Ok(roots)
}
