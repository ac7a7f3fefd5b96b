//! Some sockets of a namespace.

use super::namespace::{Members, NamespaceInner};
use super::{Action, Io, IoSocket, Selection};
use crate::engine::unnumbered;
use crate::{Reply, SharedFrame, Socket, Unanswered};
use bytes::Bytes;
use futures_util::future::join_all;
use std::cell::LazyCell;
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::RawJson;
use wingbeat_protocol::packet::Frame;

/// Some sockets of a namespace: everybody, or those in some rooms, without those in others.
#[derive(Clone)]
#[must_use = "nothing is sent until `emit`"]
pub struct Target {
    io: Io,
    space: Arc<NamespaceInner>,
    to: Vec<Box<str>>,
    except: Vec<Box<str>>,
    local: bool,
}

impl Target {
    pub(super) fn new(io: Io, space: Arc<NamespaceInner>) -> Target {
        Target { io, space, to: Vec::new(), except: Vec::new(), local: false }
    }

    /// Only those of this server. Without this, where there is a [relay](Io::set_relay), other servers are told of
    /// [`emit`](Target::emit), [`sockets_join`](Target::sockets_join), [`sockets_leave`](Target::sockets_leave) and
    /// [`disconnect_sockets`](Target::disconnect_sockets); what answers something is always about this server.
    pub fn local(mut self) -> Target {
        self.local = true;
        self
    }

    /// Also those in this room. Who is in several is reached once. A socket's id is a room of its own.
    pub fn to(mut self, room: &str) -> Target {
        self.to.push(room.into());
        self
    }

    /// Not those in this room.
    pub fn except(mut self, room: &str) -> Target {
        self.except.push(room.into());
        self
    }

    /// Sends an event. It is encoded once for all.
    pub fn emit(&self, name: &str, args: &[RawJson]) {
        self.relay(|| Action::Emit { name: name.into(), args: args.to_vec() });
        let frame = |args: &[RawJson]| Frame::with_values(&self.space.name, None, name, args);
        self.send(|| frame(args), || unnumbered(args).map(|args| frame(&args)));
    }

    /// Sends an event with attachments, which placeholders in the arguments name.
    pub fn emit_binary(&self, name: &str, args: &[RawJson], attachments: &[Bytes]) {
        self.relay(|| {
            let own = |arg: &RawJson| RawJson::with_attachments(arg.bytes(), attachments);
            Action::Emit { name: name.into(), args: args.iter().map(own).collect() }
        });
        let frame = |args: &[RawJson]| {
            let args: Vec<&[u8]> = args.iter().map(RawJson::as_bytes).collect();
            Frame::binary_event(&self.space.name, name, &args, attachments)
        };
        self.send(|| frame(args), || unnumbered(args).map(|args| frame(&args)));
    }

    /// Sends one frame to all, and perhaps another one to those that can come back.
    fn send(&self, frame: impl FnOnce() -> Frame, recoverable: impl FnOnce() -> Option<Frame>) {
        let sockets = self.sockets();
        if sockets.is_empty() {
            return;
        }
        let frame = SharedFrame::new(frame());
        let other = LazyCell::new(|| recoverable().map(SharedFrame::new));
        for socket in &sockets {
            let other = if socket.is_recoverable() { other.as_ref() } else { None };
            socket.send_shared(other.unwrap_or(&frame));
        }
    }

    /// Sends an event and waits for everybody's answer.
    pub async fn request(
        &self,
        name: &str,
        args: &[RawJson],
        timeout: Duration,
    ) -> Vec<(IoSocket, Result<Reply, Unanswered>)> {
        let sockets = self.fetch_sockets();
        let replies = join_all(sockets.iter().map(|socket| socket.request(name, args, timeout))).await;
        sockets.into_iter().zip(replies).collect()
    }

    /// The sockets, one by one.
    pub fn fetch_sockets(&self) -> Vec<IoSocket> {
        self.sockets().into_iter().map(|socket| IoSocket::new(self.io.clone(), socket)).collect()
    }

    /// Makes them join a room.
    pub fn sockets_join(&self, room: &str) {
        self.relay(|| Action::Join(room.into()));
        for socket in self.fetch_sockets() {
            socket.join(room);
        }
    }

    /// Makes them leave a room.
    pub fn sockets_leave(&self, room: &str) {
        self.relay(|| Action::Leave(room.into()));
        for socket in self.fetch_sockets() {
            socket.leave(room);
        }
    }

    /// Makes them leave the namespace; with `close`, their sessions end.
    pub fn disconnect_sockets(&self, close: bool) {
        self.relay(|| Action::Disconnect { close });
        for socket in self.sockets() {
            socket.disconnect(close);
        }
    }

    fn relay(&self, action: impl FnOnce() -> Action) {
        if !self.local
            && let Some(relay) = self.io.relay()
        {
            let Target { space, to, except, .. } = self;
            relay
                .relay(Selection { namespace: (*space.name).into(), to: to.clone(), except: except.clone() }, action());
        }
    }

    fn sockets(&self) -> Vec<Socket> {
        let members = self.space.members();
        let kept = |id: &str| !self.except.iter().any(|room| is_in(&members, id, room));
        if self.to.is_empty() {
            return members.all.iter().filter(|(id, _)| kept(id)).map(|(_, socket)| socket.clone()).collect();
        }
        let mut found = std::collections::HashSet::new();
        for room in &self.to {
            let own = members.all.get_key_value(&**room).map(|(id, _)| id);
            found.extend(own.into_iter().chain(members.rooms.get(&**room).into_iter().flatten()));
        }
        found.into_iter().filter(|id| kept(id)).filter_map(|id| members.all.get(id).cloned()).collect()
    }
}

fn is_in(members: &Members, id: &str, room: &str) -> bool {
    id == room || members.rooms.get(room).is_some_and(|ids| ids.contains(id))
}
