//! What nodes ask each other, and who has not answered yet.

use super::message::Message;
use super::node::Node;
use super::port::Topic;
use crate::locked;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use wingbeat_core::RawJson;

/// The questions of this node that are open.
#[derive(Default)]
pub(super) struct Questions {
    last: u64,
    open: FxHashMap<u64, Question>,
}

struct Question {
    /// Who has not answered.
    of: FxHashSet<u64>,
    answers: mpsc::UnboundedSender<Option<RawJson>>,
}

/// What the other nodes have answered, as far as they have.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    pub(crate) answers: Vec<RawJson>,
    /// How many nodes that were there have not.
    pub(crate) missing: usize,
}

impl Questions {
    fn ask(&mut self, of: FxHashSet<u64>) -> (u64, mpsc::UnboundedReceiver<Option<RawJson>>) {
        let (answers, coming) = mpsc::unbounded_channel();
        self.last += 1;
        self.open.insert(self.last, Question { of, answers });
        (self.last, coming)
    }

    /// A node has answered: with what it says, or by its end.
    fn answered(&mut self, number: u64, by: u64, answer: Option<RawJson>) {
        if let Some(question) = self.open.get_mut(&number)
            && question.of.remove(&by)
        {
            question.answers.send(answer).ok();
            if question.of.is_empty() {
                self.open.remove(&number);
            }
        }
    }

    /// A node has gone, and answers nothing any more.
    pub(super) fn gone(&mut self, node: u64) {
        let open: Vec<u64> = self.open.keys().copied().collect();
        open.into_iter().for_each(|number| self.answered(number, node, None));
    }
}

/// Forgets a question whose asker does not wait any more.
struct Asking<'a>(&'a Node, u64);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        locked(&self.0.state).questions.open.remove(&self.1);
    }
}

impl Node {
    /// Asks the other nodes, and waits for all that are there, but no longer than that.
    pub(crate) async fn ask_all(&self, name: &str, data: RawJson, patience: Duration) -> Answered {
        let deadline = Instant::now() + patience;
        let (number, mut coming, asked) = {
            let mut state = locked(&self.state);
            let of: FxHashSet<u64> = state.others.numbers().collect();
            let asked = of.len();
            let (number, coming) = state.questions.ask(of);
            (number, coming, asked)
        };
        let _asking = Asking(self, number);
        let mut answered = Answered { answers: Vec::new(), missing: asked };
        let message = Message::Asked { number, name: name.into(), data };
        if asked == 0 || !self.send_now(&Topic::All, &message.encode(self.number)) {
            return answered;
        }
        for _ in 0..asked {
            // It ends when all have answered, or nobody will.
            match timeout_at(deadline, coming.recv()).await {
                Ok(Some(Some(answer))) => {
                    answered.answers.push(answer);
                    answered.missing -= 1;
                }
                Ok(Some(None)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        answered
    }

    /// Another node asks.
    pub(super) fn asked(self: &Arc<Node>, sender: u64, number: u64, name: Box<str>, data: RawJson) {
        let mut answering = None;
        self.contained(|here| answering = here.asked(name, data));
        // What nobody here can answer stays unanswered, and counts as missing there.
        let Some(answering) = answering else { return self.answer_to(sender, number, None) };
        let node = Arc::downgrade(self);
        tokio::spawn(async move {
            let answer = answering.await;
            if let Some(node) = node.upgrade() {
                node.answer_to(sender, number, answer);
            }
        });
    }

    fn answer_to(&self, sender: u64, number: u64, answer: Option<RawJson>) {
        let message = Message::Answer { number, data: answer };
        if !self.send_now(&Topic::Node(sender), &message.encode(self.number)) {
            tracing::warn!("another node gets no answer: too much waits for the bus");
        }
    }

    pub(super) fn has_answered(&self, sender: u64, number: u64, answer: Option<RawJson>) {
        locked(&self.state).questions.answered(number, sender, answer);
    }
}
