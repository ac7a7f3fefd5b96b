//! When something was made.

use std::time::{SystemTime, UNIX_EPOCH};
use wingbeat::prelude::*;

/// A hook: the server says when something was made (in milliseconds, as JavaScript counts them), never the client.
pub(crate) async fn stamp(context: &mut Context) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    for item in context.items_mut()? {
        item.insert("createdAt".to_owned(), u64::try_from(now)?.into());
    }
    Ok(())
}
