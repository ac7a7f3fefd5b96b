//! Delivery: one lane through which all events of an application go to their audiences, in order.
//!
//! A small audience is served at once when nothing waits. A large one goes in slices with a pause between them, so that
//! calls beside it are answered; publications that wait behind one another for the same audience are then delivered
//! together, all frames per connection, which keeps the number of writes down (without that, slicing costs 3.5 times
//! as much).

use super::Connection;
use super::audience::{Audience, Source};
use super::channel::{Channels, Room};
use super::publication::{EventName, Message, Together};
use crate::locked;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use wingbeat_core::{Error, RawJson, Result};

/// Audiences up to this size are served at once, larger ones in slices of it.
const SLICE: usize = 64;
/// How many frames a connection is given in one pass at most.
const TOGETHER: usize = 64;
/// How many publications wait at most; who comes then waits for a place.
const WAITING: usize = 1024;

/// Counts what happens: a publication takes a tick before it looks at who is in a channel, and who leaves notes the
/// last tick. Only connections that have left since are then asked whether they are still in.
static CLOCK: AtomicU64 = AtomicU64::new(1);

pub(super) fn clock() -> u64 {
    CLOCK.load(Ordering::Acquire)
}

/// The lane.
pub(crate) struct Delivery {
    channels: Arc<Channels>,
    lane: Mutex<Lane>,
    places: Arc<Semaphore>,
    #[cfg(feature = "metrics")]
    deliveries: metrics::Counter,
}

#[derive(Default)]
struct Lane {
    jobs: VecDeque<Job>,
    /// Whether a task is at work on the jobs.
    busy: bool,
}

/// One publication that waits.
struct Job {
    groups: Vec<Group>,
    tick: u64,
    caller: Option<Caller>,
    /// Its place among those who wait; free again when the job is done.
    _place: Option<OwnedSemaphorePermit>,
}

/// The caller hears its own event before its call is answered, so its frames go first.
struct Caller {
    connection: Connection,
    /// Tells the call that its turn has come; absent once the caller has been served.
    turn: Option<oneshot::Sender<()>>,
}

/// Those who are sent the same message.
struct Group {
    members: Arc<Vec<Connection>>,
    /// The channel they were found in; who is not in it any more hears nothing more.
    room: Option<Arc<Room>>,
    /// Whether these are all of the channel's members.
    whole: bool,
    message: Arc<Message>,
}

impl Group {
    /// Whether a connection of this group is still to be served.
    fn still_has(&self, connection: &Connection, tick: u64) -> bool {
        connection.left() < tick
            || self.room.as_ref().map_or_else(|| connection.is_connected(), |room| room.contains(connection))
    }

    fn contains(&self, connection: &Connection) -> bool {
        match &self.room {
            // The usual group is a channel as it is: no search through its members.
            Some(room) if self.whole => room.contains(connection),
            _ => self.members.contains(connection),
        }
    }
}

impl Delivery {
    pub(crate) fn new(channels: Arc<Channels>) -> Arc<Delivery> {
        Arc::new(Delivery {
            channels,
            lane: Mutex::default(),
            places: Arc::new(Semaphore::new(WAITING)),
            #[cfg(feature = "metrics")]
            deliveries: metrics::counter!("wingbeat_deliveries_total"),
        })
    }

    /// Sends an event to an audience. Returns when the caller's own frame is queued on its connection, if the caller is
    /// in the audience; all others are served in their turn. False if nobody is.
    pub(crate) async fn send(
        self: &Arc<Delivery>,
        audience: &Audience,
        name: &EventName,
        data: &RawJson,
        caller: Option<&Connection>,
    ) -> Result<bool> {
        let tick = CLOCK.fetch_add(1, Ordering::AcqRel) + 1;
        let groups = self.resolve(audience, name, data)?;
        if groups.is_empty() {
            return Ok(false);
        }
        #[cfg(feature = "metrics")]
        self.deliveries.increment(groups.iter().map(|group| group.members.len() as u64).sum());
        let caller = caller.filter(|caller| groups.iter().any(|group| group.contains(caller)));
        if let Some(turn) = self.enqueue(groups, tick, caller).await {
            // An error means that the lane has gone with its application.
            turn.await.ok();
        }
        Ok(true)
    }

    /// Whether nothing waits to be delivered.
    pub(crate) fn is_idle(&self) -> bool {
        !locked(&self.lane).busy
    }

    async fn enqueue(
        self: &Arc<Delivery>,
        groups: Vec<Group>,
        tick: u64,
        caller: Option<&Connection>,
    ) -> Option<oneshot::Receiver<()>> {
        {
            let mut lane = locked(&self.lane);
            if !lane.busy && groups.iter().map(|group| group.members.len()).sum::<usize>() <= SLICE {
                // Under the lane's lock: two publications must not overtake each other.
                for group in &groups {
                    group.members.iter().for_each(|member| member.deliver(&group.message));
                }
                return None;
            }
            if !lane.busy {
                let caller = caller.inspect(|caller| give(caller, &groups, tick)).cloned();
                let caller = caller.map(|connection| Caller { connection, turn: None });
                self.push(&mut lane, Job { groups, tick, caller, _place: None });
                return None;
            }
        }
        let place = self.places.clone().acquire_owned().await.ok();
        let (reached, turn) = oneshot::channel();
        let waiting = caller.map(|caller| Caller { connection: caller.clone(), turn: Some(reached) });
        self.push(&mut locked(&self.lane), Job { groups, tick, caller: waiting, _place: place });
        caller.map(|_| turn)
    }

    fn push(self: &Arc<Delivery>, lane: &mut Lane, job: Job) {
        lane.jobs.push_back(job);
        if !lane.busy {
            lane.busy = true;
            tokio::spawn(self.clone().work());
        }
    }

    /// Delivers until nothing waits.
    async fn work(self: Arc<Delivery>) {
        while let Some(mut batch) = self.next() {
            let mark = CLOCK.fetch_add(1, Ordering::AcqRel) + 1;
            serve_callers(&mut batch, mark);
            let tick = batch.iter().map(|job| job.tick).min().unwrap_or(mark);
            for at in 0..batch[0].groups.len() {
                // A batch of several jobs has one group each, all with the same members.
                let first = &batch[0].groups[at];
                let together = Together::new(batch.iter().map(|job| job.groups[at].message.clone()).collect());
                for slice in first.members.chunks(SLICE) {
                    for member in slice {
                        if !member.was_served(mark) && first.still_has(member, tick) {
                            member.deliver_all(&together);
                        }
                    }
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// The next job, with those behind it that go to the same members.
    fn next(&self) -> Option<Vec<Job>> {
        let mut lane = locked(&self.lane);
        let Some(first) = lane.jobs.pop_front() else {
            lane.busy = false;
            return None;
        };
        let mut batch = vec![first];
        while batch.len() < TOGETHER && lane.jobs.front().is_some_and(|job| job.goes_with(&batch[0])) {
            batch.extend(lane.jobs.pop_front());
        }
        Some(batch)
    }

    /// The distinct connections of an audience, grouped by what they are sent.
    fn resolve(&self, audience: &Audience, name: &EventName, data: &RawJson) -> Result<Vec<Group>> {
        let message = |data: RawJson| Arc::new(Message::new(name.wire.clone(), data));
        if let [part] = &*audience.parts
            && let (Source::Channel(channel), true) = (&part.source, part.filters.is_empty())
        {
            let Some(room) = self.channels.room(channel) else { return Ok(Vec::new()) };
            let data = part.data.as_ref().map_or_else(|| Ok(data.clone()), |data| data.to_raw())?;
            return Ok(vec![Group { members: room.members(), room: Some(room), whole: true, message: message(data) }]);
        }
        // Filters are the application's code.
        let distinct = catch_unwind(AssertUnwindSafe(|| self.distinct(audience, message, data)));
        distinct.unwrap_or_else(|_| Err(Error::general("A filter of the audience panicked")))
    }

    fn distinct(
        &self,
        audience: &Audience,
        message: impl Fn(RawJson) -> Arc<Message>,
        data: &RawJson,
    ) -> Result<Vec<Group>> {
        let mut seen = std::collections::HashSet::new();
        let mut plain: Option<Arc<Message>> = None;
        let mut groups = Vec::new();
        for part in &audience.parts {
            let of_room = |room: Arc<Room>| (room.members(), Some(room));
            let found: Vec<_> = match &part.source {
                Source::Connection(connection) => vec![(Arc::new(vec![connection.clone()]), None)],
                Source::Channel(channel) => self.channels.room(channel).map(of_room).into_iter().collect(),
                Source::Matching(pattern) => self.channels.rooms_matching(pattern).into_iter().map(of_room).collect(),
            };
            let wanted = |connection: &&Connection| part.filters.iter().all(|filter| filter(connection));
            let mut own: Option<Arc<Message>> = None;
            for (found, room) in found {
                let members: Vec<Connection> =
                    found.iter().filter(wanted).filter(|connection| seen.insert(connection.id())).cloned().collect();
                if members.is_empty() {
                    continue;
                }
                let message = match (&part.data, &own) {
                    (None, _) => plain.get_or_insert_with(|| message(data.clone())).clone(),
                    (Some(_), Some(own)) => own.clone(),
                    (Some(data), None) => own.insert(message(data.to_raw()?)).clone(),
                };
                groups.push(Group { members: Arc::new(members), room, whole: false, message });
            }
        }
        Ok(groups)
    }
}

impl Job {
    fn goes_with(&self, other: &Job) -> bool {
        matches!((&*self.groups, &*other.groups), ([a], [b]) if Arc::ptr_eq(&a.members, &b.members))
    }
}

fn give(caller: &Connection, groups: &[Group], tick: u64) {
    for group in groups.iter().filter(|group| group.contains(caller) && group.still_has(caller, tick)) {
        caller.deliver(&group.message);
    }
}

/// Gives the callers of a batch all its frames, in order, and lets their calls be answered.
fn serve_callers(batch: &mut [Job], mark: u64) {
    let callers: Vec<Connection> =
        batch.iter().filter_map(|job| Some(job.caller.as_ref()?.connection.clone())).collect();
    for caller in callers {
        if caller.was_served(mark) {
            continue;
        }
        caller.mark_served(mark);
        for job in batch.iter() {
            let had_it = job.caller.as_ref().is_some_and(|c| c.turn.is_none() && c.connection == caller);
            if !had_it {
                give(&caller, &job.groups, job.tick);
            }
        }
    }
    for turn in batch.iter_mut().filter_map(|job| job.caller.as_mut()?.turn.take()) {
        // An error means that nobody waits any more.
        turn.send(()).ok();
    }
}
