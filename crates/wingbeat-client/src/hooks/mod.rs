//! Functions around calls, on the client's side.

mod function;

pub use function::{Around, Hook, With, with};

use crate::error::{Error, Result};
use serde_json::{Map, Value};
use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
pub use wingbeat_core::{All, Methods};
use wingbeat_core::{IdArg, Method, Payload};

/// A future on the heap, as [`Hook`] and [`Around`] return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One call on its way to the server and back. Printed by `{:?}` it tells which, and nothing of data, query and result:
/// they may hold passwords and tokens.
#[derive(Clone)]
#[non_exhaustive]
pub struct Context {
    /// The service's path as it was given, placeholders unfilled.
    pub service: Arc<str>,
    /// The path that is called.
    pub path: String,
    /// The method.
    pub method: Method,
    /// The id, for methods that take one.
    pub id: IdArg,
    /// The data, for methods that take some.
    pub data: Option<Payload>,
    /// The query.
    pub query: Map<String, Value>,
    /// The result, once there is one. A hook that sets it before the call answers in the server's place.
    pub result: Option<Payload>,
    /// In error hooks: what went wrong.
    pub error: Option<Error>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context { path, method, id, .. } = self;
        f.debug_struct("Context").field("path", path).field("method", method).field("id", id).finish_non_exhaustive()
    }
}

/// Hooks as in Feathers: `around`, `before`, `after` and `error`, written as the server's are.
///
/// ```
/// use wingbeat_client::{All, Context, Hooks, Method, Next};
///
/// let hooks = Hooks::new()
///     .before(Method::Create, async |context: &mut Context| {
///         if let Some(data) = &mut context.data {
///             data.value_mut()?["sentBy"] = "a terminal".into();
///         }
///         Ok(())
///     })
///     .around(All, async |context: &mut Context, next: Next<'_>| {
///         let begin = std::time::Instant::now();
///         next.run(context).await?;
///         println!("{} {}: {:?}", context.method, context.path, begin.elapsed());
///         Ok(())
///     });
/// ```
#[derive(Clone, Default)]
pub struct Hooks {
    around: Vec<(Methods, Arc<dyn Around>)>,
    before: Vec<(Methods, Arc<dyn Hook>)>,
    after: Vec<(Methods, Arc<dyn Hook>)>,
    error: Vec<(Methods, Arc<dyn Hook>)>,
}

impl Hooks {
    /// No hooks.
    pub fn new() -> Hooks {
        Hooks::default()
    }

    /// A hook around the call: it decides whether and when to go on.
    pub fn around(mut self, methods: impl Into<Methods>, hook: impl Around) -> Hooks {
        self.around.push((methods.into(), Arc::new(hook)));
        self
    }

    /// A hook before the call.
    pub fn before(mut self, methods: impl Into<Methods>, hook: impl Hook) -> Hooks {
        self.before.push((methods.into(), Arc::new(hook)));
        self
    }

    /// A hook after a call that succeeded.
    pub fn after(mut self, methods: impl Into<Methods>, hook: impl Hook) -> Hooks {
        self.after.push((methods.into(), Arc::new(hook)));
        self
    }

    /// A hook after a call that failed: `context.error` is why. It may put another error there, or set a result, which
    /// is then what the caller gets.
    pub fn error(mut self, methods: impl Into<Methods>, hook: impl Hook) -> Hooks {
        self.error.push((methods.into(), Arc::new(hook)));
        self
    }

    pub(crate) fn extend(&mut self, more: Hooks) {
        self.around.extend(more.around);
        self.before.extend(more.before);
        self.after.extend(more.after);
        self.error.extend(more.error);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.around.is_empty() && [&self.before, &self.after, &self.error].iter().all(|hooks| hooks.is_empty())
    }

    /// The layers around a method, outermost first: these hooks around those of the service.
    pub(crate) fn layers(&self, service: Option<&Hooks>, method: &Method) -> Vec<Layer> {
        let both = || [Some(self), service].into_iter().flatten();
        let mut layers = Vec::new();
        layers.extend(both().flat_map(|hooks| of(&hooks.around, method)).map(Layer::Around));
        // What comes after the call runs from the inside out, so the first of them is the innermost.
        layers.extend(both().flat_map(|hooks| of(&hooks.error, method).into_iter().rev()).map(Layer::Error));
        layers.extend(both().flat_map(|hooks| of(&hooks.after, method).into_iter().rev()).map(Layer::After));
        layers.extend(both().flat_map(|hooks| of(&hooks.before, method)).map(Layer::Before));
        layers
    }
}

/// Those of the hooks that are for a method.
fn of<H: ?Sized>(hooks: &[(Methods, Arc<H>)], method: &Method) -> Vec<Arc<H>> {
    hooks.iter().filter(|(methods, _)| methods.include(method)).map(|(_, hook)| hook.clone()).collect()
}

/// A hook, where it stands around the call.
pub(crate) enum Layer {
    Around(Arc<dyn Around>),
    Error(Arc<dyn Hook>),
    After(Arc<dyn Hook>),
    Before(Arc<dyn Hook>),
}

/// The rest of the way: the hooks inside, and the call.
#[must_use = "a call whose `next` is not run is not sent, and has no result"]
pub struct Next<'a> {
    layers: &'a [Layer],
    call: &'a dyn Hook,
}

impl<'a> Next<'a> {
    pub(crate) fn new(layers: &'a [Layer], call: &'a dyn Hook) -> Next<'a> {
        Next { layers, call }
    }

    /// Goes on; afterwards the context has the result.
    ///
    /// # Errors
    /// Those of the hooks inside, and of the call.
    pub fn run<'c>(self, context: &'c mut Context) -> BoxFuture<'c, Result<()>>
    where
        'a: 'c,
    {
        let Some((layer, layers)) = self.layers.split_first() else {
            return match context.result {
                Some(_) => Box::pin(ready(Ok(()))),
                None => self.call.call(context),
            };
        };
        let next = Next { layers, ..self };
        match layer {
            Layer::Around(hook) => hook.call(context, next),
            Layer::Error(hook) => Box::pin(async move {
                let Err(error) = next.run(context).await else { return Ok(()) };
                (context.error, context.result) = (Some(error), None);
                let outcome = hook.call(context).await;
                let error = context.error.take();
                outcome?;
                match error {
                    Some(error) if context.result.is_none() => Err(error),
                    _ => Ok(()),
                }
            }),
            Layer::After(hook) => Box::pin(async move {
                next.run(context).await?;
                hook.call(context).await
            }),
            Layer::Before(hook) => Box::pin(async move {
                hook.call(context).await?;
                next.run(context).await
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Mutex;

    #[tokio::test]
    async fn hooks_run_in_feathers_order_and_for_their_methods() {
        let log = Log::default();
        let note = |text: &'static str| {
            with((log.clone(), text), async |(log, text): (Log, &'static str), _: &mut Context| {
                crate::locked(&log).push(text);
                Ok(())
            })
        };
        let app = Hooks::new().before(All, note("app before")).after(All, note("app after"));
        let service = Hooks::new()
            .before(Method::Get, note("before 1"))
            .before([Method::Get, Method::Find], note("before 2"))
            .before(Method::Find, note("never"))
            .after(All, note("after 1"))
            .after(All, note("after 2"));
        assert!(run(&app, Some(&service), answered).await.is_ok());
        assert_eq!(*log.lock().unwrap(), ["app before", "before 1", "before 2", "after 1", "after 2", "app after"]);
    }

    #[tokio::test]
    async fn an_error_hook_may_find_a_result_and_a_before_hook_may_be_one() {
        let hooks = Hooks::new().error(All, async |context: &mut Context| {
            let why = context.error.as_ref().unwrap().message().into_owned();
            context.result = Some(json!({"instead of": why}).into());
            Ok(())
        });
        assert_eq!(run(&hooks, None, failed).await.unwrap(), json!({"instead of": "failed"}));
        let hooks = Hooks::new().before(All, async |context: &mut Context| {
            context.result = Some(json!("early").into());
            Ok(())
        });
        assert_eq!(run(&hooks, None, failed).await.unwrap(), json!("early"));
    }

    #[tokio::test]
    async fn an_error_hook_may_put_another_error_in_place() {
        let hooks = Hooks::new().error(All, async |context: &mut Context| {
            context.error = Some(Error::other("another"));
            Ok(())
        });
        assert_eq!(run(&hooks, None, failed).await.unwrap_err().message(), "another");
        // The call failed after its result was set, so the result does not count.
        let late = hooks.after(All, async |_: &mut Context| Err(Error::other("late")));
        assert_eq!(run(&late, None, answered).await.unwrap_err().message(), "another");
    }

    #[test]
    fn what_is_printed_of_a_call_holds_no_data() {
        let secret = || Some(Payload::from(json!({ "password": "secret" })));
        let (id, query) = (IdArg::from(7), Map::from_iter([("token".to_owned(), json!("secret"))]));
        let (service, path) = ("users".into(), "users".into());
        let context =
            Context { service, path, method: Method::Patch, id, data: secret(), query, result: secret(), error: None };
        let printed = format!("{context:?}");
        assert!(printed.contains("users") && printed.contains('7') && !printed.contains("secret"), "{printed}");
    }

    type Log = Arc<Mutex<Vec<&'static str>>>;

    async fn answered(context: &mut Context) -> Result<()> {
        context.result = Some(json!(1).into());
        Ok(())
    }

    async fn failed(_: &mut Context) -> Result<()> {
        Err(Error::other("failed"))
    }

    async fn run(app: &Hooks, service: Option<&Hooks>, call: impl Hook) -> Result<Value> {
        let (service_path, path, id, query) = ("x".into(), "x".into(), IdArg::Null, Map::new());
        let (data, result, error) = (None, None, None);
        let mut context = Context { service: service_path, path, method: Method::Get, id, data, query, result, error };
        Next::new(&app.layers(service, &Method::Get), &call).run(&mut context).await?;
        context.result.unwrap().to_value().map_err(Error::other)
    }
}
