//! How a call runs.

use super::measured::{MeasuredEntry, measured};
use super::outcome::Outcome;
use crate::BoxFuture;
use crate::app::{
    App, Entry, Inner,
    events::{CallerKind, EmitterRef, Writer, undeclared},
    measure::{span, traced},
};
use crate::fair::{self, Origin, Source};
use crate::hooks::{Context, Http, Target};
use crate::realtime::Channel;
use crate::service::{
    Emitter, Host, Services,
    invocation::{Arguments, Invocation},
};
use std::borrow::Cow;
use std::sync::Arc;
use tracing::Instrument;
use wingbeat_core::{Error, Method, Payload, RawJson, Result};

/// What a call has come to, for whoever it may be.
pub(super) struct Completed {
    /// For those inside.
    result: Payload,
    /// For those outside, where hooks have made a difference.
    dispatch: Option<Payload>,
    http: Option<Box<Http>>,
    event: Option<Cow<'static, str>>,
    is_create: bool,
}

impl Completed {
    /// What a caller inside gets.
    fn for_inside(self) -> Result<Payload> {
        Ok(self.result)
    }

    /// What a caller inside gets who asks for what clients may see.
    fn dispatched(self) -> Result<Payload> {
        Ok(self.dispatch.unwrap_or(self.result))
    }

    /// The outcome for a client.
    pub(super) fn for_client(self) -> Result<Outcome> {
        let Completed { result, dispatch, http, event, is_create } = self;
        Outcome::new(dispatch.unwrap_or(result), http, event, is_create)
    }
}

impl App {
    /// Runs the method with this index, and its hooks, and publishes what it has done. `params` have route and
    /// scope already; `answer` chooses what the caller wants to know of the outcome.
    pub(super) fn run<T: 'static>(
        self,
        entry: Arc<Entry>,
        index: usize,
        arguments: Arguments,
        by: CallerKind,
        answer: fn(Completed) -> Result<T>,
    ) -> BoxFuture<'static, Result<T>> {
        let span = traced().then(|| span(entry.path(), entry.at(index).method(), &arguments.params));
        let (started, measuring) = (entry.at(index).meter.start(), MeasuredEntry::new(&entry));
        let call = measured(self.unmeasured(entry, index, arguments, by, answer), started, measuring, index);
        match span {
            Some(span) => Box::pin(call.instrument(span)),
            None => call,
        }
    }

    // One allocation, in which the context is made and stays: a future within a future would move it each time (five
    // around hooks added 2,710 instructions to a get, now 2,010).
    fn unmeasured<T: 'static>(
        self,
        entry: Arc<Entry>,
        index: usize,
        arguments: Arguments,
        by: CallerKind,
        answer: fn(Completed) -> Result<T>,
    ) -> BoxFuture<'static, Result<T>> {
        match entry.at(index).chain.direct().cloned() {
            Some(target) => Box::pin(self.run_direct(target, entry, index, arguments, by, answer)),
            None => Box::pin(self.run_hooked(entry, index, arguments, by, answer)),
        }
    }

    async fn run_direct<T>(
        self,
        target: Target,
        entry: Arc<Entry>,
        index: usize,
        Arguments { id, data, mut params }: Arguments,
        by: CallerKind,
        answer: fn(Completed) -> Result<T>,
    ) -> Result<T> {
        let endpoint = entry.at(index);
        let event = endpoint.event.as_ref().filter(|event| event.is_heard());
        let heard = event.map(|event| (event, Writer::new(entry.scope(), &entry.order, &mut params)));
        let outcome = target.call(&endpoint.method, id, data, params).await;
        let mut result = outcome.map_err(|error| entry.mapped_error(error))?;
        if let Some((event, writer)) = heard {
            let raw = result.to_raw()?;
            let emitter = EmitterRef { caller: writer.caller(), by };
            self.0.publish_result(event, &raw, None, emitter, Some(&writer)).await;
            result = raw.into();
        }
        let (event, is_create) = (endpoint.automatic_event().map(Cow::Borrowed), endpoint.method == Method::Create);
        answer(Completed { result, dispatch: None, http: None, event, is_create })
    }

    fn run_hooked<T>(
        self,
        entry: Arc<Entry>,
        index: usize,
        arguments: Arguments,
        by: CallerKind,
        answer: fn(Completed) -> Result<T>,
    ) -> impl Future<Output = Result<T>> + Send {
        let endpoint = entry.at(index);
        let event = endpoint.automatic_event();
        let (path, method) = (entry.shared_path().clone(), endpoint.method.clone());
        let mut context = Context::new(path, method, event, Services(self.0), arguments);
        async move {
            // Hooks may replace the params. Who calls does not change by that.
            let may_be_heard = entry.at(index).may_be_heard;
            let writer = may_be_heard.then(|| Writer::new(entry.scope(), &entry.order, &mut context.params));
            entry.at(index).chain.run(&mut context).await.map_err(|error| entry.mapped_error(error))?;
            if context.event().is_some() {
                // On the heap: few calls have an event, and the future of the others stays small.
                Box::pin(publish(&entry, &mut context, writer, by)).await?;
            }
            answer(Completed {
                result: context.result.take().unwrap_or(Payload::NULL),
                dispatch: context.dispatch.take(),
                http: context.http.take(),
                event: context.take_event(),
                is_create: *context.method() == Method::Create,
            })
        }
    }
}

/// Publishes what a call among hooks has done.
async fn publish(entry: &Entry, context: &mut Context, writer: Option<Writer>, by: CallerKind) -> Result<()> {
    let Some(event) = context.event() else { return Ok(()) };
    // As in `emit`: only a hook can have named another one.
    let slot = entry.slots.find(event).ok_or_else(|| undeclared(event, entry.path()))?;
    let Some(app) = App::of(context.services()).filter(|_| slot.is_heard()) else { return Ok(()) };
    let raw = context.result.take().unwrap_or(Payload::NULL).into_raw()?;
    let dispatch = context.dispatch.take().map(Payload::into_raw).transpose()?;
    let caller = writer.as_ref().and_then(Writer::caller).or(context.params.connection.as_ref());
    app.0.publish_result(&slot, &raw, dispatch.as_ref(), EmitterRef { caller, by }, writer.as_ref()).await;
    context.result = Some(raw.into());
    context.dispatch = dispatch.map(Payload::from);
    Ok(())
}

impl Host for Inner {
    fn call(self: Arc<Self>, invocation: Invocation<'_>, dispatched: bool) -> BoxFuture<'static, Result<Payload>> {
        // A client's that comes through no transport of ours: others are part of a call whose source is known.
        let foreign = invocation.arguments.params.source().filter(|_| fair::current() == Source::SERVER);
        let call = App(self).call(invocation, if dispatched { Completed::dispatched } else { Completed::for_inside });
        match foreign {
            Some(source) => Box::pin(async move { Origin::new(source).polling(call).await }),
            None => call,
        }
    }

    fn emit(&self, path: &str, event: &str, data: RawJson) -> BoxFuture<'static, Result<()>> {
        match self.registry.load().entry(path) {
            Some(entry) => entry.scope().emit(event, data, Emitter::default()),
            None => {
                let error = Error::not_found(format!("Can not find service '{path}'"));
                Box::pin(std::future::ready(Err(error)))
            }
        }
    }

    fn channel(&self, names: Box<[Box<str>]>) -> Channel {
        Channel::new(self.channels.clone(), names)
    }

    fn channel_names(&self) -> Vec<String> {
        self.channels.names()
    }

    fn has(&self, path: &str) -> bool {
        self.registry.load().mounted(path).is_some()
    }
}
