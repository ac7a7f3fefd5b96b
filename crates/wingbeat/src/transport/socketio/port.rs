//! A port of the sockets' own, beside that of the application.

use crate::{BoxFuture, locked};
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wingbeat_core::{Error, Result};
use wingbeat_engine::{Engine, HttpLimits, Listener, serve_http_with};

/// Where sockets come in. It is dropped with the application, which ends what goes on here.
pub(super) struct OwnPort(Mutex<State>);

enum State {
    Named(Box<str>),
    /// Open, and nobody is let in yet.
    Open(OpenListener),
    Serving {
        /// Whoever accepts ends when this is sent to, or dropped.
        end: oneshot::Sender<()>,
        accepting: JoinHandle<()>,
    },
    Closed,
}

type Accept = dyn FnOnce(Engine, HttpLimits, oneshot::Receiver<()>) -> BoxFuture<'static, ()> + Send;

/// A listener, of whatever kind.
struct OpenListener {
    address: Option<SocketAddr>,
    accept: Box<Accept>,
}

impl OpenListener {
    fn new(listener: impl Listener) -> OpenListener {
        let address = listener.address();
        let accept = Box::new(move |engine: Engine, limits, end: oneshot::Receiver<()>| -> BoxFuture<'static, ()> {
            Box::pin(async move {
                let end = async move {
                    end.await.ok();
                };
                if let Err(error) = serve_http_with(listener, limits, engine.service(), end).await {
                    tracing::error!(%error, ?address, "the port of the sockets has failed: new connections are refused");
                }
            })
        });
        OpenListener { address, accept }
    }
}

impl OwnPort {
    /// At an address that is still to be taken.
    pub(super) fn at(address: &impl Display) -> OwnPort {
        OwnPort(Mutex::new(State::Named(address.to_string().into())))
    }

    /// At a listener that is open already.
    pub(super) fn of(listener: impl Listener) -> OwnPort {
        OwnPort(Mutex::new(State::Open(OpenListener::new(listener))))
    }

    /// # Errors
    /// If the address cannot be one.
    pub(super) fn check(&self) -> Result<()> {
        let State::Named(address) = &*locked(&self.0) else { return Ok(()) };
        match address.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(()),
            _ => Err(Error::general(format!(
                "Invalid address '{address}' in `SocketIo::listen`: write host and port, such as 0.0.0.0:3031"
            ))),
        }
    }

    /// Takes the port, and answers which one it is.
    ///
    /// # Errors
    /// If it is taken, or may not be had.
    pub(super) async fn open(&self) -> Result<Option<SocketAddr>> {
        let named = match &*locked(&self.0) {
            State::Named(address) => address.clone(),
            State::Open(open) => return Ok(open.address),
            State::Serving { .. } | State::Closed => return Err(ended()),
        };
        let listener = TcpListener::bind(&*named).await.map_err(|error| not_open(&named, error))?;
        let open = OpenListener::new(listener);
        let (mut state, address) = (locked(&self.0), open.address);
        // The application may have ended meanwhile.
        if !matches!(*state, State::Named(_)) {
            return Err(ended());
        }
        *state = State::Open(open);
        Ok(address)
    }

    /// Lets sockets in.
    pub(super) fn serve(&self, engine: Engine, limits: HttpLimits) -> Result<()> {
        let mut state = locked(&self.0);
        match std::mem::replace(&mut *state, State::Closed) {
            State::Open(OpenListener { address, accept }) => {
                let (end, ended) = oneshot::channel();
                tracing::info!(?address, "listening for sockets");
                *state = State::Serving { end, accepting: tokio::spawn(accept(engine, limits, ended)) };
                Ok(())
            }
            other => {
                *state = other;
                Err(ended())
            }
        }
    }

    /// Lets nobody in any more, and gives the port back.
    pub(super) async fn close(&self) {
        let state = std::mem::replace(&mut *locked(&self.0), State::Closed);
        if let State::Serving { end, accepting } = state {
            end.send(()).ok();
            accepting.await.ok();
        }
    }
}

fn not_open(address: &str, error: io::Error) -> Error {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "another program has this port. End that one, or choose another port".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "this program may not have this port. Choose one above 1023, or give it the right".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "this machine does not have this address".to_owned(),
        _ => error.to_string(),
    };
    Error::general(format!("Cannot listen on {address} for sockets: {why}")).with_source(error)
}

fn ended() -> Error {
    Error::unavailable("The application has ended")
}
