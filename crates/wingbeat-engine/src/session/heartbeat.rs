//! The deadlines of a session.

use super::client::Client;
use super::end::End;
use crate::Reason;
use crate::link::Link;
use crate::out::Out;
use std::sync::atomic::Ordering;
use wingbeat_core::packet::{Opcode, write_header};

/// When the next ping is due, or the answer to the last; and until when the client must have joined a namespace.
pub(super) struct Heartbeat {
    ping_at: u64,
    /// `u64::MAX` while no pong is awaited.
    pong_by: u64,
    /// The client sent something else while a pong was awaited, and got more time for it. Once.
    refreshed: bool,
    /// How often the client got more time because nothing was read from it.
    excused: u8,
    /// `u64::MAX` once a namespace was joined.
    connect_by: u64,
    /// `u64::MAX` while the client is not moving to a WebSocket.
    upgrade_by: u64,
    /// `u64::MAX` while the client may send events.
    resume_at: u64,
    /// Something of this is new, and the wheel does not know.
    moved: bool,
}

/// A client from which nothing is read may be gone, and on long-polling nothing else would ever tell. So it is excused
/// for some time only: for much longer than calls usually may take.
const EXCUSES: u8 = 8;

impl Heartbeat {
    pub(super) fn new(link: &Link) -> Heartbeat {
        let (wheel, config) = (&link.engine.wheel, &link.engine.config);
        let now = wheel.now();
        Heartbeat {
            ping_at: now + config.ping_interval.as_millis() as u64,
            pong_by: u64::MAX,
            refreshed: false,
            excused: 0,
            connect_by: now + config.connect_timeout.as_millis() as u64,
            upgrade_by: u64::MAX,
            resume_at: u64::MAX,
            moved: true,
        }
    }

    /// Tells the wheel what is due next. Once a turn: it keeps an earlier time that it was told until then, and one for each
    /// turn of a client that has to wait would be many.
    #[inline]
    pub(super) fn arm(&mut self, link: &Link) {
        if self.moved {
            self.tell(link);
        }
    }

    #[cold]
    fn tell(&mut self, link: &Link) {
        self.moved = false;
        link.pong_by.store(self.pong_by, Ordering::SeqCst);
        let next = self.ping_at.min(self.pong_by).min(self.connect_by).min(self.upgrade_by);
        link.engine.wheel.set(link, next.min(self.resume_at));
    }

    /// The client is moving to a WebSocket, or is no longer: then the time for it plays no part.
    pub(super) fn upgrade_until(&mut self, until: Option<u64>) {
        self.upgrade_by = until.unwrap_or(u64::MAX);
        self.moved = true;
    }

    /// The client has sent as many events as it may: it is read from again after this time.
    pub(super) fn resume_in(&mut self, millis: u64, link: &Link) {
        self.resume_at = link.engine.wheel.now() + millis;
        self.moved = true;
    }

    /// A turn has read: was there a pong?
    pub(super) fn look(&mut self, client: &mut Client) {
        if !client.heard {
            return;
        }
        self.excused = 0;
        if std::mem::take(&mut client.pong) {
            let link = &client.link;
            self.ping_at = link.engine.wheel.now() + link.engine.config.ping_interval.as_millis() as u64;
            self.pong_by = u64::MAX;
            self.moved = true;
        } else if self.pong_by != u64::MAX && !self.refreshed {
            // A long message may stand before the pong.
            let link = &client.link;
            self.pong_by = link.engine.wheel.now() + link.engine.config.ping_timeout.as_millis() as u64;
            self.refreshed = true;
            self.moved = true;
        }
        client.heard = false;
    }

    /// The wheel says that a deadline has passed.
    pub(super) fn due(&mut self, client: &Client, out: &mut Out) -> Result<(), End> {
        let link = &client.link;
        let now = link.engine.wheel.now();
        let timeout = link.engine.config.ping_timeout.as_millis() as u64;
        if client.has_joined {
            self.connect_by = u64::MAX;
        } else if self.connect_by <= now {
            return Err(End::close(Reason::ForcedServerClose));
        }
        if self.pong_by <= now {
            // A turn that may begin calls again has not read yet.
            let unheard = client.unheard(out) || self.resume_at != u64::MAX;
            if !unheard || self.excused == EXCUSES {
                return Err(End::close(Reason::PingTimeout));
            }
            // We do not read, so we cannot see a pong: that is not the client's fault.
            self.excused += 1;
            self.pong_by = now + timeout;
        }
        if self.ping_at <= now {
            let bytes = out.after(&link.outbox);
            write_header(bytes, Opcode::Text, 1);
            bytes.push(b'2');
            // Counted from when the ping was due, so that the wheel's lateness does not add up; but a server that
            // was busy for longer does not take its client's time.
            let late = (now - self.ping_at).min(10);
            (self.ping_at, self.pong_by, self.refreshed) = (u64::MAX, now + timeout - late.min(timeout), false);
        }
        // The turn that this is part of notices.
        if self.upgrade_by <= now {
            self.upgrade_by = u64::MAX;
        }
        if self.resume_at <= now {
            self.resume_at = u64::MAX;
        }
        self.moved = true;
        Ok(())
    }
}
