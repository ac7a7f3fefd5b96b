//! Questions to all nodes.

use crate::BoxFuture;
use crate::app::guard::guarded;
use crate::app::{App, WeakApp};
use crate::realtime::{Channel, ChannelName};
use futures_util::future::join;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::{Error, RawJson, Result};

/// How long nodes are waited for, and how long each of them may think.
const PATIENCE: Duration = Duration::from_secs(5);

/// The question how many are in a channel. Those of applications have no colon.
const LEN: &str = "wingbeat:len";

/// What a node says to one question.
pub(in crate::app) type Respond = Arc<dyn Fn(App, RawJson) -> BoxFuture<'static, Result<RawJson>> + Send + Sync>;

/// The questions that this application answers, by name.
pub(in crate::app) type Responders = HashMap<Box<str>, Respond>;

/// Asks all nodes of an application, this one included; [`App::everywhere`] begins it.
///
/// ```
/// use wingbeat::prelude::*;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let app = App::builder()
///     .on_question("load", async |app: App, _: ()| Ok(app.channels_matching("*").len()))
///     .build()?;
/// let loads = app.everywhere().ask::<usize>("load", ()).await?;
/// println!("{} connections; {} nodes have not answered", loads.answers.iter().sum::<usize>(), loads.missing);
/// println!("{} in the room", app.everywhere().len("rooms/7").await.answers.iter().sum::<usize>());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "it asks nothing by itself"]
pub struct Everywhere {
    app: App,
    patience: Duration,
}

/// What the nodes have answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answers<T> {
    /// That of this node first.
    pub answers: Vec<T>,
    /// How many nodes have not: they failed, were too slow, are of another release, or have just gone. No error: what the
    /// others say is true all the same.
    pub missing: usize,
}

impl App {
    /// Asks all [nodes](crate::Builder::bus); without a bus this one alone.
    pub fn everywhere(&self) -> Everywhere {
        Everywhere { app: self.clone(), patience: PATIENCE }
    }
}

impl Everywhere {
    /// How long nodes are waited for; five seconds if nothing is said.
    pub fn patience(mut self, patience: Duration) -> Everywhere {
        self.patience = patience;
        self
    }

    /// Asks a question that [`on_question`](crate::Builder::on_question) answers.
    ///
    /// # Errors
    /// If there is no such question, it has no JSON form, or this node fails to answer it, or not in time.
    pub async fn ask<T: DeserializeOwned>(&self, question: &str, data: impl Serialize) -> Result<Answers<T>> {
        let data = RawJson::new(&data)?;
        let own = self.app.respond(question, data.clone());
        let own = own.ok_or_else(|| Error::not_found(format!("No `on_question` answers '{question}'")))?;
        // Together: a node that is slow itself does not wait twice.
        let (own, others) = join(guarded(own, self.patience), self.of_others(question, data)).await;
        Ok(others.behind(own?.to()?))
    }

    /// How many connections are in a channel on each node; a lost one that may come back is in none.
    pub async fn len(&self, channel: impl Into<ChannelName>) -> Answers<usize> {
        let name = channel.into().into_text();
        let own = self.app.channel(&*name).len();
        let data = RawJson::new(&name).expect("a text has a JSON form");
        self.of_others(LEN, data).await.behind(own)
    }

    async fn of_others<T: DeserializeOwned>(&self, question: &str, data: RawJson) -> Answers<T> {
        let mut others = Answers { answers: Vec::new(), missing: 0 };
        let Some(node) = self.app.0.nodes.node() else { return others };
        let answered = node.ask_all(question, data, self.patience).await;
        others.missing = answered.missing;
        for answer in &answered.answers {
            match answer.to() {
                Ok(answer) => others.answers.push(answer),
                Err(error) => {
                    tracing::warn!(?error, question, "the answer of another node is not what it should be");
                    others.missing += 1;
                }
            }
        }
        others
    }
}

impl<T> Answers<T> {
    /// These, behind that of this node.
    fn behind(mut self, own: T) -> Answers<T> {
        self.answers.insert(0, own);
        self
    }
}

impl App {
    /// What this node says to a question; nothing if it knows of none of that name.
    fn respond(&self, question: &str, data: RawJson) -> Option<BoxFuture<'static, Result<RawJson>>> {
        let respond = self.0.nodes.responders.get(question)?;
        Some(respond(self.clone(), data))
    }
}

impl WeakApp {
    pub(super) fn asked(&self, question: &str, data: &RawJson) -> Option<BoxFuture<'static, Option<RawJson>>> {
        let app = self.upgrade()?;
        if question == LEN {
            let name: Box<str> = data.to().ok()?;
            let len = Channel::new(app.0.channels.clone(), [name].into()).len();
            let answer = RawJson::new(&len).ok();
            return Some(Box::pin(std::future::ready(answer)));
        }
        let (answering, question) = (app.respond(question, data.clone())?, Box::<str>::from(question));
        Some(Box::pin(async move {
            match guarded(answering, PATIENCE).await {
                Ok(answer) => Some(answer),
                Err(error) => {
                    tracing::error!(?error, question, "a question of another node could not be answered");
                    None
                }
            }
        }))
    }
}

/// Makes an answer of a function of one's own.
pub(in crate::app) fn responder<D, R, F, Fut>(answer: F) -> Respond
where
    D: DeserializeOwned,
    R: Serialize,
    F: Fn(App, D) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R>> + Send + 'static,
{
    Arc::new(move |app, data| match data.to() {
        Ok(data) => {
            let answering = answer(app, data);
            Box::pin(async move { RawJson::new(&answering.await?) })
        }
        Err(error) => Box::pin(std::future::ready(Err(error))),
    })
}

impl fmt::Debug for Everywhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Everywhere").field("patience", &self.patience).finish_non_exhaustive()
    }
}
