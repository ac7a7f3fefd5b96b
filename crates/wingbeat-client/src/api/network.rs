//! How a server is reached: through which proxy, and with which certificates.

use super::Builder;
#[cfg(feature = "tls")]
use crate::error::Problem;
use crate::error::{Error, Result};
use crate::transport::{Address, Proxies};
#[cfg(feature = "tls")]
use std::sync::Arc;

impl<C> Builder<C> {
    /// The proxy through which the server is reached, as `http://name:password@host:port` (or `https://`), whatever the
    /// environment says.
    ///
    /// By default the variables decide that curl reads as well, in small or large letters: `HTTP_PROXY` for `http` and
    /// `ws`, `HTTPS_PROXY` for `https` and `wss`, `ALL_PROXY` for both, and `NO_PROXY`, a list of hosts, domains,
    /// addresses and networks that are reached without. WebSockets and TLS go through a tunnel (`CONNECT`); polling by
    /// plain `http` is sent on by the proxy.
    pub fn proxy(self, url: &str) -> Self {
        self.address(|address| {
            let proxies = Proxies::all(url).map_err(|error| Error::invalid(error.to_string()))?;
            address.dialer.proxies = proxies.into();
            Ok(())
        })
    }

    /// Reaches the server without a proxy, whatever the environment says.
    pub fn no_proxy(self) -> Self {
        self.address(|address| {
            address.dialer.proxies = Proxies::default().into();
            Ok(())
        })
    }

    /// How TLS is done, all of it; by default with the certificates that the system trusts.
    #[cfg(feature = "tls")]
    pub fn tls(self, config: Arc<tokio_rustls::rustls::ClientConfig>) -> Self {
        self.address(|address| {
            address.dialer.tls = Some(config);
            Ok(())
        })
    }

    /// Trusts these certificates (PEM) as well as those that the system trusts: of an authority, or a server's own, as
    /// `openssl req -x509` makes it. Its names and its time still have to be right.
    #[cfg(feature = "tls")]
    pub fn root_certificates(self, pem: impl AsRef<[u8]>) -> Self {
        self.address(|address| address.trust.add(pem.as_ref()).map_err(Error::invalid))
    }

    /// Trusts whatever certificate a server shows: anybody on the way can read and change everything. For tests.
    #[cfg(feature = "tls")]
    pub fn danger_accept_any_certificate(self, accept: bool) -> Self {
        self.address(|address| {
            address.trust.anything = accept;
            Ok(())
        })
    }
}

impl Address {
    /// Makes of what is to be trusted what TLS needs.
    pub(crate) fn settle(&mut self) -> Result<()> {
        #[cfg(feature = "tls")]
        {
            let trust = std::mem::take(&mut self.trust);
            if !trust.is_default() {
                if self.dialer.tls.is_some() {
                    let why = "Builder::tls replaces all TLS settings: put the certificates into that configuration";
                    return Err(Error::invalid(why));
                }
                let config = trust.config();
                let config = config.map_err(|error| {
                    let why = format!("The certificates cannot be used: {error}");
                    Error::Invalid(Problem::new(why).with_source(error))
                })?;
                self.dialer.tls = Some(config);
            }
        }
        Ok(())
    }
}

/// The proxies that the environment names.
pub(crate) fn from_environment() -> Proxies {
    Proxies::from_variables(|name| std::env::var(name).ok())
}
