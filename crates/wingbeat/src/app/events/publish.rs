//! From a call's result, or from `emit`, to delivery.

use super::held::HeldPermit;
use super::order::Turn;
use super::slots::EventSlot;
use super::writing::Writer;
use crate::app::background::limited;
use crate::app::{App, Inner};
use crate::realtime::{Audience, Connection, Deferred, Publication};
use std::sync::Arc;
use wingbeat_core::RawJson;

/// How many bytes one call publishes before sockets have their turn. All of it at once, a list of records would wait in
/// memory as a whole, though everybody takes it at once.
const PACE: usize = 256 * 1024;

/// Who calls.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum CallerKind {
    /// A client. Its calls may have to wait for others.
    Client,
    /// The application itself, on whosever behalf: from a hook, a service or a publisher, for which others may wait.
    Server,
}

/// Who publishes something.
#[derive(Clone, Copy)]
pub(in crate::app) struct EmitterRef<'a> {
    pub(in crate::app) caller: Option<&'a Connection>,
    pub(in crate::app) by: CallerKind,
}

impl Inner {
    /// Publishes what a call has done: one event for a record, one for each element of a list. `dispatch` is what is
    /// sent instead of the result; elements of two lists are paired by their place. Events whose turn has not come leave
    /// later.
    pub(in crate::app) async fn publish_result(
        self: &Arc<Inner>,
        slot: &Arc<EventSlot>,
        result: &RawJson,
        dispatch: Option<&RawJson>,
        emitter: EmitterRef<'_>,
        writer: Option<&Writer>,
    ) {
        // On the heap, so that the future of all other calls stays small.
        if let Some(items) = result.elements() {
            return Box::pin(self.publish_each(slot, &items, dispatch, emitter, writer)).await;
        }
        let mut turn = writer.and_then(|writer| writer.turns().of_one(result));
        let mut permit = HeldPermit::default();
        self.publish_in_turn(slot, result, dispatch.unwrap_or(result), emitter, &mut turn, &mut permit).await;
    }

    async fn publish_each(
        self: &Arc<Inner>,
        slot: &Arc<EventSlot>,
        items: &[RawJson],
        dispatch: Option<&RawJson>,
        emitter: EmitterRef<'_>,
        writer: Option<&Writer>,
    ) {
        let mut turns = writer.map(Writer::turns).unwrap_or_default().of_each(items).into_iter();
        let (mut permit, sent, null) = (HeldPermit::default(), dispatch.and_then(RawJson::elements), RawJson::NULL);
        let mut unwritten = 0;
        for (at, item) in items.iter().enumerate() {
            let sent = match (&sent, dispatch) {
                (Some(sent), _) => sent.get(at).unwrap_or(&null),
                (None, Some(dispatch)) => dispatch,
                (None, None) => item,
            };
            self.publish_in_turn(slot, item, sent, emitter, &mut turns.next().flatten(), &mut permit).await;
            unwritten += sent.as_bytes().len();
            if unwritten > PACE {
                unwritten = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Publishes at once, or when the turn has come, or when what the call is a part of has come to its end. The turn is
    /// over when the event has been sent.
    pub(super) async fn publish_in_turn(
        self: &Arc<Inner>,
        slot: &Arc<EventSlot>,
        data: &RawJson,
        sent: &RawJson,
        emitter: EmitterRef<'_>,
        turn: &mut Option<Turn>,
        permit: &mut HeldPermit,
    ) {
        if let Some(deferred) = Deferred::current() {
            let (app, slot, data, sent) = (self.clone(), slot.clone(), data.clone(), sent.clone());
            let (caller, by, mut turn) = (emitter.caller.cloned(), emitter.by, turn.take());
            return deferred.push(Box::pin(async move {
                let emitter = EmitterRef { caller: caller.as_ref(), by };
                app.publish_now(&slot, &data, &sent, emitter, &mut turn, &mut HeldPermit::default()).await;
            }));
        }
        self.publish_now(slot, data, sent, emitter, turn, permit).await;
    }

    async fn publish_now(
        self: &Arc<Inner>,
        slot: &Arc<EventSlot>,
        data: &RawJson,
        sent: &RawJson,
        emitter: EmitterRef<'_>,
        turn: &mut Option<Turn>,
        permit: &mut HeldPermit,
    ) {
        match turn.take_if(|turn| !turn.is_first()) {
            Some(turn) => Box::pin(self.hold(slot, data, sent, emitter, turn, permit)).await,
            None => self.publish(slot, data, sent, emitter, turn).await,
        }
    }

    /// Publishes at once. A publisher that waits is waited for beside the call, and takes the turn there. What goes wrong is
    /// logged: the call has done what it should.
    pub(super) async fn publish(
        self: &Arc<Inner>,
        slot: &Arc<EventSlot>,
        data: &RawJson,
        sent: &RawJson,
        emitter: EmitterRef<'_>,
        turn: &mut Option<Turn>,
    ) {
        let publication = slot.publication(data, emitter.caller);
        match slot.announce(&publication) {
            None => {}
            Some(Ok(audience)) => self.deliver(slot, &audience, &publication, sent, false).await,
            Some(Err(waiting)) => {
                // The server's own calls wait for nobody: one may come from a publisher that has a permit. On the heap, so
                // that the future of all other calls stays small.
                let permit = if emitter.by == CallerKind::Client {
                    Box::pin(self.background.publisher_permit()).await
                } else {
                    None
                };
                let (app, slot, sent, turn) = (self.clone(), slot.clone(), sent.clone(), turn.take());
                self.background.spawn(async move {
                    let audience = waiting.await;
                    app.deliver(&slot, &audience, &publication, &sent, true).await;
                    drop((turn, permit));
                });
            }
        }
    }

    /// As [`publish`](Inner::publish), but waits for the publisher.
    pub(super) async fn publish_here(
        self: &Arc<Inner>,
        slot: &EventSlot,
        data: &RawJson,
        sent: &RawJson,
        caller: Option<&Connection>,
    ) {
        let publication = slot.publication(data, caller);
        let (audience, waited) = match slot.announce(&publication) {
            None => return,
            Some(Ok(audience)) => (audience, false),
            Some(Err(waiting)) => (waiting.await, true),
        };
        self.deliver(slot, &audience, &publication, sent, waited).await;
    }

    async fn deliver(
        self: &Arc<Inner>,
        slot: &EventSlot,
        audience: &Audience,
        publication: &Publication,
        sent: &RawJson,
        waited: bool,
    ) {
        if self.nodes.are_there() {
            // On the heap, so that the future of all other applications stays small.
            Box::pin(self.nodes.send(audience, publication, sent, waited)).await;
        }
        self.deliver_here(slot, audience, publication, sent).await;
    }

    /// To clients of this node alone.
    async fn deliver_here(&self, slot: &EventSlot, audience: &Audience, publication: &Publication, sent: &RawJson) {
        match self.delivery.send(audience, publication.name(), sent, publication.called_by()).await {
            Ok(true) => {}
            Ok(false) => slot.is_heard_by_nobody(Some(audience)),
            Err(error) => slot.is_unsent(&error),
        }
    }
}

impl App {
    /// Publishes an event that every node has of its own, so that others are not told: to whom the publisher names, or to
    /// these, if there is no publisher.
    pub(crate) async fn publish_to_own(&self, path: &str, event: &str, data: &RawJson, otherwise: Audience) {
        let slot = self.0.registry.load().entry(path).and_then(|entry| entry.slots.find(event));
        let Some(slot) = slot else { return };
        limited(async {
            let publication = slot.publication(data, None);
            let audience = if slot.has_publisher() {
                match slot.announce(&publication) {
                    None => return,
                    Some(Ok(audience)) => audience,
                    Some(Err(waiting)) => waiting.await,
                }
            } else {
                slot.tell_listeners(&publication);
                otherwise
            };
            self.0.deliver_here(&slot, &audience, &publication, data).await;
        })
        .await;
    }

    /// Waits until all that has been published is delivered.
    pub(crate) async fn delivered(&self) {
        while !self.0.delivery.is_idle() {
            tokio::task::yield_now().await;
        }
    }
}
