//! Finds, of which those that have been short share connections.
//!
//! A find on a connection of its own costs a system call for each that writes and reads; on one that is shared what is
//! asked at the same time leaves together (80 finds in flight: 73 µs of CPU each, now 42, with page and count at once).
//! But whoever shares waits for those before him, so all finds begin on connections of their own, and share when they have
//! been short there, by source and shape. One that takes long all the same is cancelled, and asked again with a connection
//! for itself, as are those that have waited behind it.

use super::Postgres;
use super::connection::Connection;
use super::dialect::Select;
use crate::fair::{attended, current};
use crate::store::Rows;
use crate::store::predictor::Slots;
use crate::store::shape::Shape;
use std::time::{Duration, Instant};
use wingbeat_core::Result;

/// What takes longer shares no connection.
const LONG: Duration = Duration::from_millis(5);

/// So many finds share a connection at a time.
pub(super) const AT_A_TIME: usize = 16;

/// When none of these has been answered for so long, one of them is not short.
const PATIENCE: Duration = Duration::from_millis(150);

impl Postgres {
    /// Runs a find that is no part of a transaction. One without a shape shares no connection.
    pub(super) async fn find(&self, select: &Select, shape: Option<Shape>) -> Result<Rows> {
        let shape = shape.filter(|_| self.0.has_shared_finds());
        let place = shape.map(|shape| self.0.predictor.place(current(), shape));
        if let Some(place) = place.filter(|place| self.0.predictor.is_short(*place))
            && let Some(rows) = self.find_among(select, place).await?
        {
            return Ok(rows);
        }
        Box::pin(self.find_alone(select, place)).await
    }

    async fn find_alone(&self, select: &Select, place: Option<Slots>) -> Result<Rows> {
        let find = async |connection: &Connection| {
            let (begun, is_prepared) = (Instant::now(), connection.has_prepared(&select.rows.text));
            let found = connection.find(select).await?;
            if let Some(place) = place.filter(|_| is_prepared) {
                self.0.predictor.learn(place, begun.elapsed() > LONG);
            }
            Ok(found)
        };
        // It ends with who has asked; a write does not, because clients say something and go.
        attended(self.work(find)).await
    }

    /// Nothing, if it has to be asked again.
    async fn find_among(&self, select: &Select, place: Slots) -> Result<Option<Rows>> {
        let Some((connection, _permit)) = attended(self.0.share_finds()).await? else { return Ok(None) };
        match connection.find_among(select, PATIENCE).await {
            Ok(Some((rows, took))) => {
                // It may have waited for one that was cancelled.
                if !connection.is_lost() {
                    self.0.predictor.learn(place, took > LONG);
                }
                Ok(Some(rows))
            }
            // It may have been cancelled in another's place.
            Err(_) if connection.is_lost() => Ok(None),
            Err(error) => Err(error),
            Ok(None) => {
                // The first has waited longest, so the others may have waited for it: they will learn how long they take.
                if connection.give_up() {
                    (0..2).for_each(|_| self.0.predictor.learn(place, true));
                    self.0.finds.forget_lost();
                }
                Ok(None)
            }
        }
    }
}
