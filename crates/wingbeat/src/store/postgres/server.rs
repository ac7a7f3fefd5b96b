//! The database server, and how it is reached.

use super::PostgresSettings;
use super::ending::{Canceller, Line};
use super::error::lost;
#[cfg(feature = "tls")]
use super::tls::Tls;
use super::url::Address;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::config::Host;
#[cfg(feature = "tls")]
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config, NoTls, Socket};
use wingbeat_core::Result;

pub(super) struct Server {
    config: Config,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
    pub(super) settings: PostgresSettings,
}

impl Server {
    /// # Errors
    /// As [`Address::read`], or if there are no certificates to trust.
    pub(super) fn new(url: &str, settings: PostgresSettings) -> Result<Server> {
        let Address { config, trusted } = Address::read(url, settings)?;
        #[cfg(not(feature = "tls"))]
        drop(trusted);
        Ok(Server {
            #[cfg(feature = "tls")]
            tls: match config.get_ssl_mode() {
                SslMode::Disable => None,
                _ => Some(Tls::trusting(trusted.as_deref())?),
            },
            config,
            settings,
        })
    }

    /// Where it is, for messages.
    pub(super) fn name(&self) -> String {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            #[cfg(unix)]
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "localhost".to_owned(),
        };
        match self.config.get_dbname() {
            Some(database) => format!("'{database}' at {host}"),
            None => host,
        }
    }

    /// A statement takes no longer, unless the server is not there any more.
    pub(super) fn patience(&self) -> Duration {
        self.settings.statement.saturating_add(Duration::from_secs(1))
    }

    pub(super) async fn connect(&self) -> Result<Line> {
        match timeout(self.settings.wait, self.connected()).await {
            Ok(connected) => connected.map_err(|error| lost().with_source(error)),
            Err(_) => Err(lost()),
        }
    }

    #[cfg(not(feature = "tls"))]
    async fn connected(&self) -> std::result::Result<Line, tokio_postgres::Error> {
        self.connected_by(&self.config, NoTls).await
    }

    #[cfg(feature = "tls")]
    async fn connected(&self) -> std::result::Result<Line, tokio_postgres::Error> {
        let Some(tls) = &self.tls else { return self.connected_by(&self.config, NoTls).await };
        match self.connected_by(&self.config, tls.clone()).await {
            // A certificate that nobody vouches for is no worse than none, where that is good enough.
            Err(error) if self.config.get_ssl_mode() == SslMode::Prefer && error.as_db_error().is_none() => {
                self.connected_by(self.config.clone().ssl_mode(SslMode::Disable), NoTls).await
            }
            connected => connected,
        }
    }

    async fn connected_by<T>(&self, config: &Config, tls: T) -> std::result::Result<Line, tokio_postgres::Error>
    where
        T: MakeTlsConnect<Socket, Stream: Send + 'static, TlsConnect: TlsConnect<Socket, Future: Send> + Send> + Send,
    {
        let (client, connection) = config.connect(tls).await?;
        let canceller = Canceller {
            token: client.cancel_token(),
            #[cfg(feature = "tls")]
            tls: self.tls.clone(),
            wait: self.settings.wait.min(Duration::from_secs(5)),
            patience: self.patience(),
        };
        let line = Line::run(client, connection, canceller);
        line.client.batch_execute(&self.session()).await?;
        Ok(line)
    }

    /// What must be the same on each connection: how values look as text, and how long statements may take.
    fn session(&self) -> String {
        // PostgreSQL takes 0 for no limit at all.
        let limit = self.settings.statement.as_millis().clamp(1, i32::MAX as u128);
        format!(
            "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; SET TimeZone = 'UTC'; \
             SET extra_float_digits = 1; SET bytea_output = 'hex'; SET statement_timeout = {limit}"
        )
    }
}
