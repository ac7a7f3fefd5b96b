//! Who heard what.

use super::Client;
use serde_json::Value;
use wingbeat_core::json;

/// Asserts that clients hear an event with this data, and that others do not:
/// `assert_published!("messages created", {"text": "Hello", "id": 1} => ann, bob; not eve)`.
///
/// The data is written as in `serde_json::json!`, where 3.0 is the 3 that clients read. Each event is taken out of what
/// the client has heard, so that two equal events need two assertions. An event that must come is waited for. That it
/// does not come to the others is looked at once all that was published is delivered: what a publisher that waits has
/// not published yet does not count.
#[macro_export]
macro_rules! assert_published {
    ($event:expr, $data:tt => $($hears:expr),* $(; not $($not:expr),+)? $(,)?) => {
        $crate::test::published($event, &$crate::test::json!($data), &[$(&$hears),*], &[$($(&$not),+)?]).await
    };
}

/// What [`assert_published!`](crate::assert_published) does.
#[track_caller]
pub fn published<'a>(
    event: &'a str,
    data: &'a Value,
    hearing: &'a [&'a Client],
    not: &'a [&'a Client],
) -> impl Future<Output = ()> + 'a {
    // A future has no caller to track: the place is noted before.
    let place = std::panic::Location::caller();
    async move {
        // A tree always is a tree.
        let settled = json::read_value::<Value>(data).unwrap_or_default();
        let data = &settled;
        for client in hearing {
            if !client.hears_exactly(event, data).await {
                panic!("{place}: {client:?} did not hear {event:?} with {data}, but: {:?}", client.heard());
            }
        }
        for client in not {
            client.settled().await;
            let heard = client.heard();
            if heard.iter().any(|heard| heard.event == event && heard.data == *data) {
                panic!("{place}: {client:?} must not hear {event:?} with {data}");
            }
        }
    }
}
