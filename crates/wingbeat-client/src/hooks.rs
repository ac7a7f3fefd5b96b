//! Functions around calls, on the client's side.

use crate::error::{Error, Result};
use serde_json::{Map, Value};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use wingbeat_core::{IdArg, Method, Payload};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Around = Arc<dyn Fn(Context, Next) -> BoxFuture<Result<Context>> + Send + Sync>;

/// One call on its way to the server and back. Printed by `{:?}` it tells which, and nothing of data, query and result:
/// they may hold passwords and tokens.
#[derive(Clone)]
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
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context { path, method, id, .. } = self;
        f.debug_struct("Context").field("path", path).field("method", method).field("id", id).finish_non_exhaustive()
    }
}

/// Hooks as in Feathers: `around`, `before`, `after` and `error`.
///
/// ```
/// use wingbeat_client::{All, Context, Error, Hooks, Method};
///
/// let hooks = Hooks::new()
///     .before(Method::Create, async |mut context: Context| {
///         if let Some(data) = &mut context.data {
///             data.value_mut()?["sentBy"] = "a terminal".into();
///         }
///         Ok::<_, Error>(context)
///     })
///     .around(All, async |context: Context, next: wingbeat_client::Next| {
///         let begin = std::time::Instant::now();
///         let context = next.run(context).await?;
///         println!("{} {}: {:?}", context.method, context.path, begin.elapsed());
///         Ok(context)
///     });
/// ```
#[derive(Clone, Default)]
pub struct Hooks {
    around: Vec<(Methods, Around)>,
    before: Vec<(Methods, Around)>,
    after: Vec<(Methods, Around)>,
    error: Vec<(Methods, Around)>,
}

/// Which methods a hook is for: [`All`], one, or a list.
#[derive(Clone, Debug)]
pub struct Methods(Option<Vec<Method>>);

/// All methods.
#[derive(Clone, Copy, Debug)]
pub struct All;

impl From<All> for Methods {
    fn from(_: All) -> Methods {
        Methods(None)
    }
}

impl From<Method> for Methods {
    fn from(method: Method) -> Methods {
        Methods(Some(vec![method]))
    }
}

impl<const N: usize> From<[Method; N]> for Methods {
    fn from(methods: [Method; N]) -> Methods {
        Methods(Some(methods.into()))
    }
}

impl Hooks {
    /// No hooks.
    pub fn new() -> Hooks {
        Hooks::default()
    }

    /// A hook around the call: it decides whether and when to go on.
    pub fn around<F, Fut>(mut self, methods: impl Into<Methods>, hook: F) -> Hooks
    where
        F: Fn(Context, Next) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Context>> + Send + 'static,
    {
        self.around.push((methods.into(), Arc::new(move |context, next| Box::pin(hook(context, next)))));
        self
    }

    /// A hook before the call.
    pub fn before<F, Fut>(mut self, methods: impl Into<Methods>, hook: F) -> Hooks
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Context>> + Send + 'static,
    {
        let layer: Around = Arc::new(move |context, next| {
            let before = hook(context);
            Box::pin(async move { next.run(before.await?).await })
        });
        self.before.push((methods.into(), layer));
        self
    }

    /// A hook after a call that succeeded.
    pub fn after<F, Fut>(mut self, methods: impl Into<Methods>, hook: F) -> Hooks
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Context>> + Send + 'static,
    {
        let hook = Arc::new(hook);
        let layer: Around = Arc::new(move |context, next| {
            let hook = hook.clone();
            Box::pin(async move { hook(next.run(context).await?).await })
        });
        self.after.push((methods.into(), layer));
        self
    }

    /// A hook after a call that failed. It gets the context as it was before the call; what it gives takes the
    /// failure's place: another error, or a context with a result.
    pub fn error<F, Fut>(mut self, methods: impl Into<Methods>, hook: F) -> Hooks
    where
        F: Fn(Error, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Context>> + Send + 'static,
    {
        let hook = Arc::new(hook);
        let layer: Around = Arc::new(move |context, next| {
            let hook = hook.clone();
            Box::pin(async move {
                match next.run(context.clone()).await {
                    Ok(context) => Ok(context),
                    Err(error) => hook(error, context).await,
                }
            })
        });
        self.error.push((methods.into(), layer));
        self
    }

    pub(crate) fn extend(&mut self, more: Hooks) {
        self.around.extend(more.around);
        self.before.extend(more.before);
        self.after.extend(more.after);
        self.error.extend(more.error);
    }

    pub(crate) fn is_empty(&self) -> bool {
        [&self.around, &self.before, &self.after, &self.error].iter().all(|hooks| hooks.is_empty())
    }

    /// The layers around a method, outermost first: these hooks around those of the service.
    pub(crate) fn layers(&self, service: Option<&Hooks>, method: &Method) -> Vec<Around> {
        let of = |hooks: &[(Methods, Around)]| -> Vec<Around> {
            let applies = |methods: &Methods| methods.0.as_ref().is_none_or(|methods| methods.contains(method));
            hooks.iter().filter(|(methods, _)| applies(methods)).map(|(_, layer)| layer.clone()).collect()
        };
        // What comes after the call runs from the inside out, so the first of them is the innermost.
        let back = |hooks: &[(Methods, Around)]| of(hooks).into_iter().rev().collect::<Vec<_>>();
        let both = [Some(self), service];
        let mut layers = Vec::new();
        for hooks in both.into_iter().flatten() {
            layers.extend(of(&hooks.around));
        }
        for hooks in both.into_iter().flatten() {
            layers.extend(back(&hooks.error));
        }
        for hooks in both.into_iter().flatten() {
            layers.extend(back(&hooks.after));
        }
        for hooks in both.into_iter().flatten() {
            layers.extend(of(&hooks.before));
        }
        layers
    }
}

/// The rest of the way: the hooks inside, and the call.
pub struct Next {
    pub(crate) layers: std::vec::IntoIter<Around>,
    pub(crate) call: Box<dyn FnOnce(Context) -> BoxFuture<Result<Context>> + Send>,
}

impl Next {
    /// Goes on; gives the context with the result.
    ///
    /// # Errors
    /// Those of the hooks inside, and of the call.
    pub async fn run(mut self, context: Context) -> Result<Context> {
        match self.layers.next() {
            Some(layer) => layer(context, self).await,
            None if context.result.is_some() => Ok(context),
            None => (self.call)(context).await,
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
        let log = Arc::new(Mutex::new(Vec::new()));
        let note = |text: &'static str| {
            let log = log.clone();
            move |context: Context| {
                crate::locked(&log).push(text);
                async move { Ok(context) }
            }
        };
        let app = Hooks::new().before(All, note("app before")).after(All, note("app after"));
        let service = Hooks::new()
            .before(Method::Get, note("before 1"))
            .before([Method::Get, Method::Find], note("before 2"))
            .before(Method::Find, note("never"))
            .after(All, note("after 1"))
            .after(All, note("after 2"));
        let done = run(&app, Some(&service), |mut context| {
            context.result = Some(json!(1).into());
            Ok(context)
        });
        assert!(done.await.is_ok());
        assert_eq!(*log.lock().unwrap(), ["app before", "before 1", "before 2", "after 1", "after 2", "app after"]);
    }

    #[tokio::test]
    async fn an_error_hook_may_find_a_result_and_a_before_hook_may_be_one() {
        let hooks = Hooks::new().error(All, async |_, mut context: Context| {
            context.result = Some(json!("saved").into());
            Ok(context)
        });
        let context = run(&hooks, None, |_| Err(Error::other("x"))).await.unwrap();
        assert_eq!(context.result.unwrap().to_value().unwrap(), json!("saved"));
        let hooks = Hooks::new().before(All, async |mut context: Context| {
            context.result = Some(json!("early").into());
            Ok(context)
        });
        let context = run(&hooks, None, |_| Err(Error::other("never called"))).await.unwrap();
        assert_eq!(context.result.unwrap().to_value().unwrap(), json!("early"));
    }

    #[test]
    fn what_is_printed_of_a_call_holds_no_data() {
        let secret = || Some(Payload::from(json!({ "password": "secret" })));
        let (id, query) = (IdArg::from(7), Map::from_iter([("token".to_owned(), json!("secret"))]));
        let (service, path) = ("users".into(), "users".into());
        let context = Context { service, path, method: Method::Patch, id, data: secret(), query, result: secret() };
        let printed = format!("{context:?}");
        assert!(printed.contains("users") && printed.contains('7') && !printed.contains("secret"), "{printed}");
    }

    async fn run(app: &Hooks, service: Option<&Hooks>, call: fn(Context) -> Result<Context>) -> Result<Context> {
        let (id, data, query, result) = (IdArg::Null, None, Map::new(), None);
        let context = Context { service: "x".into(), path: "x".into(), method: Method::Get, id, data, query, result };
        let layers = app.layers(service, &Method::Get).into_iter();
        Next { layers, call: Box::new(move |context| Box::pin(async move { call(context) })) }.run(context).await
    }
}
