//! Where the server gets its connections from.

use super::Wire;
use std::future::{Ready, ready};
use std::io::Result;
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc::Receiver;
use wingbeat::engine::{Listener, Peer};

/// A listener whose connections come through a channel.
#[derive(Debug)]
pub struct Connections(pub Receiver<Wire>);

impl Listener for Connections {
    type Io = Wire;
    type Opening = Ready<Result<Wire>>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Self::Opening, Peer)>> {
        match ready!(self.0.poll_recv(cx)) {
            Some(wire) => Poll::Ready(Ok((ready(Ok(wire)), Peer::new(([127, 0, 0, 1], 0).into())))),
            None => Poll::Pending,
        }
    }
}
