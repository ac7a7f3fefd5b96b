//! The deadlines of a session.

use super::client::Client;
use super::end::SessionEnd;
use crate::Reason;
use crate::config::Config;
use crate::engine::SessionHandle;
use crate::outbox::WriteBuffer;
use std::sync::atomic::Ordering;
use std::time::Duration;
use wingbeat_protocol::packet::{Opcode, write_header};

/// When the next ping is due, or the answer to the last; and until when the client must have joined a namespace.
pub(super) struct Heartbeat {
    ping_at: u64,
    /// `u64::MAX` while no pong is awaited.
    pong_by: u64,
    /// The client sent something else while a pong was awaited, and got more time for it. Once.
    refreshed: bool,
    /// How often the client got more time because not all was read that it may have sent.
    excused: u8,
    /// It is our doing that not all was read: the pong may be among the rest.
    held: bool,
    /// The pong is late. Whether the client is to blame is seen when the turn has read.
    overdue: bool,
    /// A ping was written in this turn.
    pinged: bool,
    /// It is time to see whether the client takes what waits.
    weigh: bool,
    /// Any of these: the end of a turn has to look.
    unsettled: bool,
    /// What the client takes may stand before the ping.
    behind: bool,
    /// What the client takes, while something waits for it.
    flow: Option<Box<Flow>>,
    /// `u64::MAX` once a namespace was joined.
    connect_by: u64,
    /// `u64::MAX` while the client is not moving to a WebSocket.
    upgrade_by: u64,
    /// `u64::MAX` while the client may send events.
    resume_at: u64,
    /// Something of this is new, and the wheel does not know.
    moved: bool,
}

/// How much the client has taken of what waits for it, since when.
struct Flow {
    since: u64,
    taken: usize,
}

impl Flow {
    /// Whether it takes what waits, though it may be slow.
    fn goes_on(&self, now: u64, config: &Config) -> bool {
        self.taken > 0 && self.taken as u64 * 1000 >= (now - self.since) * u64::from(config.min_data_rate)
    }
}

/// A client from which nothing is read may be gone, and on long-polling nothing else would ever tell. So it is excused
/// for some time only: for much longer than calls usually may take.
const EXCUSES: u8 = 8;

impl Heartbeat {
    pub(super) fn new(handle: &SessionHandle) -> Heartbeat {
        let (wheel, config) = (&handle.engine.wheel, &handle.engine.config);
        let now = wheel.now();
        Heartbeat {
            ping_at: now + millis(config.ping_interval),
            pong_by: u64::MAX,
            refreshed: false,
            excused: 0,
            held: false,
            overdue: false,
            pinged: false,
            weigh: false,
            unsettled: false,
            behind: false,
            flow: None,
            connect_by: now + millis(config.connect_timeout),
            upgrade_by: u64::MAX,
            resume_at: u64::MAX,
            moved: true,
        }
    }

    /// Tells the wheel what is due next. Once a turn: it keeps an earlier time that it was told until then, and one for each
    /// turn of a client that has to wait would be many.
    #[inline]
    pub(super) fn arm(&mut self, handle: &SessionHandle) {
        if self.moved {
            self.tell(handle);
        }
    }

    #[cold]
    fn tell(&mut self, handle: &SessionHandle) {
        self.moved = false;
        handle.pong_by.store(self.pong_by, Ordering::SeqCst);
        let next = self.ping_at.min(self.pong_by).min(self.connect_by).min(self.upgrade_by);
        handle.engine.wheel.set(handle, next.min(self.resume_at).min(self.weigh_at(handle)));
    }

    /// When it is to be seen whether the client takes what waits: after as long as one has that is gone.
    fn weigh_at(&self, handle: &SessionHandle) -> u64 {
        let config = &handle.engine.config;
        let heartbeat = millis(config.ping_interval) + millis(config.ping_timeout);
        self.flow.as_ref().map_or(u64::MAX, |flow| flow.since + heartbeat)
    }

    /// The client begins or ends its move to a WebSocket: only during the move its time limit counts.
    pub(super) fn upgrade_until(&mut self, until: Option<u64>) {
        self.upgrade_by = until.unwrap_or(u64::MAX);
        self.moved = true;
    }

    /// The client has sent as many events as it may: it is read from again after this time.
    pub(super) fn resume_in(&mut self, millis: u64, handle: &SessionHandle) {
        self.resume_at = handle.engine.wheel.now() + millis;
        self.moved = true;
    }

    /// A turn has read: was there a pong?
    pub(super) fn look(&mut self, client: &mut Client) {
        if !client.heard {
            return;
        }
        self.excused = 0;
        if std::mem::take(&mut client.pong) {
            let handle = &client.handle;
            self.ping_at = handle.engine.wheel.now() + millis(handle.engine.config.ping_interval);
            self.pong_by = u64::MAX;
            self.moved = true;
        } else if self.pong_by != u64::MAX && !self.refreshed {
            // A long message may stand before the pong.
            let handle = &client.handle;
            self.pong_by = handle.engine.wheel.now() + millis(handle.engine.config.ping_timeout);
            self.refreshed = true;
            self.moved = true;
        }
        client.heard = false;
    }

    /// A turn has written: how many bytes the client took of what waited, and whether nothing waits any more, since when.
    #[inline]
    pub(super) fn wrote(
        &mut self,
        taken: usize,
        nothing_waits: bool,
        handle: &SessionHandle,
        at: impl FnOnce() -> u64,
    ) {
        if !nothing_waits || self.flow.is_some() {
            self.note(taken, nothing_waits, handle, at());
        }
    }

    #[cold]
    fn note(&mut self, taken: usize, nothing_waits: bool, handle: &SessionHandle, at: u64) {
        match &mut self.flow {
            Some(flow) => flow.taken += taken,
            None => {
                self.flow = Some(Box::new(Flow { since: handle.engine.wheel.now(), taken: 0 }));
                self.moved = true;
            }
        }
        self.behind |= self.pinged;
        if nothing_waits {
            self.flow = None;
            if std::mem::take(&mut self.behind) {
                // Only now the client can have seen the ping.
                self.wait_until(at + millis(handle.engine.config.ping_timeout), &handle.engine.config);
            }
        }
    }

    /// A turn has read, all that there was or as much as it may; and it has written.
    #[inline]
    pub(super) fn read(&mut self, all: bool, client: &Client, out: &WriteBuffer) -> Result<(), SessionEnd> {
        if all && !self.unsettled { Ok(()) } else { self.judge(all, client, out) }
    }

    /// Whether the client is to blame for what it has not sent or not taken.
    ///
    /// Its pong counts as missing only from when all was read that it had sent: what we leave unread is not held against it,
    /// but for a client whose calls wait because it takes no answers. And one that takes what waits for it, however much
    /// that is, has more time while it does.
    #[cold]
    fn judge(&mut self, all: bool, client: &Client, out: &WriteBuffer) -> Result<(), SessionEnd> {
        let (now, config) = (client.handle.engine.wheel.now(), &client.handle.engine.config);
        let again = now + millis(config.ping_timeout);
        let is_its_own_doing = client.is_full() && client.is_clogged(out);
        let held = !(all || is_its_own_doing);
        if self.held && all && self.excused < EXCUSES {
            self.excused += 1;
            self.wait_until(again, config);
        }
        (self.held, self.pinged, self.unsettled) = (held, false, held);
        let goes_on = self.flow.as_ref().is_some_and(|flow| flow.goes_on(now, config));
        let (weigh, overdue) = (std::mem::take(&mut self.weigh), std::mem::take(&mut self.overdue));
        if weigh && self.flow.is_some() && !goes_on {
            return Err(SessionEnd::close(Reason::PingTimeout));
        }
        let overdue = overdue && self.pong_by <= now;
        if let Some(flow) = self.flow.as_mut().filter(|_| weigh || overdue) {
            **flow = Flow { since: now, taken: 0 };
        }
        if !overdue {
            return Ok(());
        }
        if held && self.excused < EXCUSES {
            self.excused += 1;
        } else if goes_on {
            self.behind = true;
        } else {
            return Err(SessionEnd::close(Reason::PingTimeout));
        }
        self.wait_until(again, config);
        Ok(())
    }

    /// Waits longer for a pong, if one is awaited.
    fn wait_until(&mut self, pong_by: u64, config: &Config) {
        if self.pong_by >= pong_by {
            return;
        }
        if self.ping_at == u64::MAX {
            // Clients expect a ping in each interval, and go if none comes: that of one that answers all is not delayed by
            // what we have not read.
            self.ping_at = (self.pong_by + millis(config.ping_interval)).saturating_sub(millis(config.ping_timeout));
        }
        self.pong_by = pong_by;
        self.moved = true;
    }

    /// The wheel says that a deadline has passed.
    pub(super) fn due(&mut self, client: &Client, out: &mut WriteBuffer) -> Result<(), SessionEnd> {
        let handle = &client.handle;
        let now = handle.engine.wheel.now();
        let timeout = millis(handle.engine.config.ping_timeout);
        if client.has_joined {
            self.connect_by = u64::MAX;
        } else if self.connect_by <= now {
            return Err(SessionEnd::close(Reason::ForcedServerClose));
        }
        self.overdue = self.pong_by <= now;
        self.weigh = self.weigh_at(handle) <= now;
        if self.ping_at <= now {
            // Before all that waits, or a client that takes it slowly would miss it.
            write_header(&mut out.bytes, Opcode::Text, 1);
            out.bytes.push(b'2');
            // Counted from when the ping was due, so that the wheel's lateness does not add up; but a server that
            // was busy for longer does not take its client's time.
            let late = (now - self.ping_at).min(10);
            (self.ping_at, self.pong_by, self.refreshed) = (u64::MAX, now + timeout - late.min(timeout), false);
            self.pinged = true;
        }
        self.unsettled |= self.overdue || self.weigh || self.pinged;
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

fn millis(span: Duration) -> u64 {
    span.as_millis() as u64
}
