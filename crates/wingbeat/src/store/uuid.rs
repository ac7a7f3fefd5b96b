//! Ids that are unique everywhere.

use ::uuid::Uuid;
use wingbeat_core::Id;

/// A new UUID as text, for [`Table::ids`](super::Table::ids). It is of version 7, which begins with the time: ids of one
/// server stand in the order in which they were made, so that indexes grow at their end. Who may not know when a record
/// was made must not be told its id.
pub fn uuid() -> Id {
    Uuid::now_v7().to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_stand_in_the_order_of_their_making() {
        let ids: Vec<String> = (0..1000).map(|_| uuid().to_string()).collect();
        assert!(ids.is_sorted() && ids.iter().all(|id| id.len() == 36 && &id[14..15] == "7"));
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
