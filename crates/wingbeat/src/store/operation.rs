//! For whom a store works.

use super::Writes;
use crate::service::Params;
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The call for which a [`Store`](super::Store) works: where to say what it writes, how long it may take, and what the
/// application has attached to the call.
///
/// ```
/// use wingbeat::store::Operation;
///
/// // Without a service there is no call: nothing is heard, and nobody waits.
/// let operation = Operation::default();
/// assert_eq!(operation.time_limit(), None);
/// ```
#[derive(Clone, Copy, Default)]
pub struct Operation<'a> {
    params: Option<&'a Params>,
    id_field: &'a str,
}

impl<'a> Operation<'a> {
    pub(super) fn of(params: &'a Params, id_field: &'a str) -> Operation<'a> {
        Operation { params: Some(params), id_field }
    }

    /// Where to say which records are written.
    pub fn writes(&self) -> Writes<'a> {
        Writes::of(self.params, self.id_field)
    }

    /// How long a client's call may take in all: a database whose statements go on when nobody waits for them any longer
    /// takes it as their limit. Absent for the server's own calls, and where no transport has a limit.
    ///
    /// The future that the store has returned is dropped when that time is over.
    pub fn time_limit(&self) -> Option<Duration> {
        let params = self.params.filter(|params| !params.is_internal())?;
        params.scope.as_ref()?.time_limit()
    }

    /// A typed value of the call ([`Params::set_extension`]) or of its connection: a transaction that a hook has begun, say.
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.params?.extension()
    }
}

impl fmt::Debug for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("writes", &self.writes()).field("time_limit", &self.time_limit()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::sync;
    use crate::prelude::*;
    use crate::store::{Answer, Change, Find, Record, Rows, Store, Table, Target};
    use crate::test::Client;

    /// Answers what it is told of the call.
    struct Told;

    struct Transaction(u64);

    impl Store for Told {
        fn id_field(&self) -> &str {
            "id"
        }

        async fn find(&self, _: &Find, operation: Operation<'_>) -> Result<Rows> {
            let limit = operation.time_limit().map(|limit| limit.as_secs());
            let transaction = operation.extension::<Transaction>().map(|transaction| transaction.0);
            let told = [("limit", limit.into()), ("transaction", transaction.into())];
            Ok(Rows::new(vec![told.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<Record>()]))
        }

        async fn create(&self, _: Vec<Record>, _: Operation<'_>) -> Result<Answer> {
            Ok(Answer::default())
        }

        async fn change(&self, _: &Target, _: Change, _: Operation<'_>) -> Result<Answer> {
            Ok(Answer::default())
        }

        async fn remove(&self, _: &Target, _: Operation<'_>) -> Result<Answer> {
            Ok(Answer::default())
        }
    }

    #[tokio::test]
    async fn a_store_knows_how_long_a_clients_call_may_take_and_what_hooks_have_attached() {
        let begin = sync(|context: &mut Context| {
            context.params.set_extension(Transaction(7));
            Ok(())
        });
        let app = App::builder().mount("told", Mount::new(Table::over(Told)).before(Find, begin)).build().unwrap();
        let client = Client::connect(&app).await.unwrap();
        let told = async || client.service("told").find().await.unwrap()[0].to_string();
        assert_eq!(told().await, r#"{"limit":null,"transaction":7}"#);
        drop(app.dispatcher(Duration::from_secs(5)));
        assert_eq!(told().await, r#"{"limit":5,"transaction":7}"#);
        // The server's own calls end when they end.
        let own = app.service("told").find(Params::new()).await.unwrap().to_value().unwrap();
        assert_eq!(own[0].to_string(), r#"{"limit":null,"transaction":7}"#);
    }
}
