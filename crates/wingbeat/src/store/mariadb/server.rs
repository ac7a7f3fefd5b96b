//! The database server, and how it is reached.

use super::MariaDbSettings;
use super::connection::Connection;
use super::error::{lost, mapped};
use super::url::Address;
use crate::store::sql::pool;
use crate::store::sql::url::Encryption;
#[cfg(feature = "tls")]
use crate::trusted::certificates;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error as Driver, Opts, OptsBuilder};
use std::time::Duration;
use tokio::time::timeout;
#[cfg(feature = "tls")]
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use wingbeat_core::Result;

/// One that has served nobody for so long is asked whether it is still there.
const LONG: Duration = Duration::from_secs(1);

pub(in crate::store) struct Server {
    plain: Opts,
    /// The same with encryption.
    encrypted: Option<Opts>,
    encryption: Encryption,
    pub(super) settings: MariaDbSettings,
}

impl Server {
    /// # Errors
    /// As [`Address::read`], or if there are no certificates to trust.
    pub(super) fn new(url: &str, settings: MariaDbSettings) -> Result<Server> {
        let Address { opts, encryption, trusted } = Address::read(url, settings)?;
        let encrypted = match encryption {
            Encryption::Off => None,
            Encryption::Preferred | Encryption::Required => encrypted(opts.clone(), trusted.as_deref())?,
        };
        Ok(Server { plain: opts.into(), encrypted, encryption, settings })
    }

    /// Where it is, for messages.
    pub(super) fn name(&self) -> String {
        let host = self.plain.socket().unwrap_or_else(|| self.plain.ip_or_hostname());
        match self.plain.db_name() {
            Some(database) => format!("'{database}' at {host}"),
            None => host.to_owned(),
        }
    }

    async fn in_time<T>(&self, opening: impl Future<Output = std::result::Result<T, Driver>>) -> Result<T> {
        match timeout(self.settings.wait, opening).await {
            Ok(opened) => opened.map_err(|error| lost().with_source(error)),
            Err(_) => Err(lost()),
        }
    }

    async fn connected(&self) -> std::result::Result<Conn, Driver> {
        let Some(encrypted) = &self.encrypted else { return Conn::new(self.plain.clone()).await };
        match Conn::new(encrypted.clone()).await {
            // A certificate that nobody vouches for is no worse than none, where that is good enough.
            Err(Driver::Driver(_) | Driver::Io(_)) if self.encryption == Encryption::Preferred => {
                Conn::new(self.plain.clone()).await
            }
            connected => connected,
        }
    }

    /// Ends a connection by its number, with what it is at. A server that has begun since it was opened has given that
    /// number to another one.
    async fn kill(&self, connection: &Connection) -> Result<()> {
        let mut other = self.in_time(self.connected()).await?;
        let uptime: Option<(String, u64)> =
            other.query_first("SHOW GLOBAL STATUS LIKE 'Uptime'").await.map_err(mapped)?;
        let uptime = uptime.map_or(0, |(_, seconds)| seconds);
        if Duration::from_secs(uptime + 1) >= connection.age() {
            other.query_drop(format!("KILL {}", connection.number())).await.map_err(mapped)?;
        }
        // Nobody waits for it.
        let _ = other.disconnect().await;
        Ok(())
    }
}

#[cfg(feature = "tls")]
fn encrypted(opts: OptsBuilder, trusted: Option<&str>) -> Result<Option<Opts>> {
    // The driver takes the one of the process, and panics if there is none and two could be.
    if CryptoProvider::get_default().is_none() {
        // Somebody else was faster.
        let _ = aws_lc_rs::default_provider().install_default();
    }
    let roots = certificates(trusted)?.into_iter().map(|root| root.to_vec().into()).collect();
    let tls = mysql_async::SslOpts::default().with_disable_built_in_roots(true).with_root_certs(roots);
    Ok(Some(opts.ssl_opts(tls).into()))
}

#[cfg(not(feature = "tls"))]
fn encrypted(_: OptsBuilder, _: Option<&str>) -> Result<Option<Opts>> {
    Ok(None)
}

impl pool::Server for Server {
    type Connection = Connection;

    fn connections(&self) -> usize {
        self.settings.connections as usize
    }

    fn wait(&self) -> Duration {
        self.settings.wait
    }

    async fn open(&self) -> Result<Connection> {
        let opening = async { Connection::new(self.connected().await?, self.settings.statement).await };
        self.in_time(opening).await
    }

    async fn revive(&self, connection: &mut Connection) -> bool {
        connection.idle() < LONG || matches!(timeout(self.settings.wait, connection.ping()).await, Ok(true))
    }

    fn is_lost(connection: &Connection) -> bool {
        connection.is_lost()
    }

    async fn end(&self, connection: Connection) {
        let ending = async {
            if !connection.is_closed()
                && let Err(error) = self.kill(&connection).await
            {
                tracing::debug!(%error, "a statement that nobody waits for could not be ended");
            }
            connection.disconnect().await;
        };
        let _ = timeout(self.settings.wait.min(Duration::from_secs(5)), ending).await;
    }
}
