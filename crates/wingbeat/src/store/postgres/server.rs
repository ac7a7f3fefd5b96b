//! Where the database is, and how it is reached.

use super::PostgresSettings;
use super::error::{lost, mapped};
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{CancelToken, Client, Config, NoTls};
use wingbeat_core::{Error, Result};

pub(super) struct Server {
    config: Config,
    pub(super) settings: PostgresSettings,
}

impl Server {
    /// # Errors
    /// If the URL is invalid, or asks for what is not supported. Nothing is told of what stands in it: there may be a
    /// password.
    pub(super) fn new(url: &str, settings: PostgresSettings) -> Result<Server> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(invalid("it must begin with postgres://"));
        }
        if let Some((_, query)) = url.split_once('?')
            && let Some(mode) = query.split('&').find_map(|pair| pair.strip_prefix("sslmode="))
            && !["disable", "prefer"].contains(&mode)
        {
            return Err(invalid(&format!("sslmode={mode} is not supported")));
        }
        let mut config: Config = url.parse().map_err(|error| invalid("it can not be read").with_source(error))?;
        config.ssl_mode(SslMode::Disable);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(settings.wait);
        }
        if config.get_application_name().is_none() {
            config.application_name("wingbeat");
        }
        // A server that has gone without a word is noticed.
        config.keepalives_idle(Duration::from_secs(30));
        config.keepalives_interval(Duration::from_secs(10));
        config.keepalives_retries(3);
        Ok(Server { config, settings })
    }

    pub(super) async fn connect(&self) -> Result<Client> {
        let connect = async {
            let (client, connection) = self.config.connect(NoTls).await?;
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection to the database has ended");
                }
            });
            client.batch_execute(&self.session()).await?;
            Ok::<_, tokio_postgres::Error>(client)
        };
        match timeout(self.settings.wait, connect).await {
            Ok(connected) => connected.map_err(|error| lost().with_source(error)),
            Err(_) => Err(lost()),
        }
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

    /// Ends what a connection is at.
    pub(super) async fn cancel(&self, token: CancelToken) {
        let cancelled = timeout(self.settings.wait, token.cancel_query(NoTls)).await;
        if let Ok(Err(error)) = cancelled.map(|result| result.map_err(mapped)) {
            tracing::debug!(%error, "a statement that nobody waits for could not be cancelled");
        }
    }
}

fn invalid(why: &str) -> Error {
    Error::general(format!("Invalid database URL: {why}"))
}
