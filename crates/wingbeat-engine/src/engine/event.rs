//! An event that came from a client, and the answer to it.

use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use wingbeat_core::RawJson;
use wingbeat_protocol::packet::{AckId, Arguments, EventName, Opcode, write_header};

/// An event from a client: its name, its arguments as JSON texts, and its attachments.
///
/// A [`Handler`](crate::Handler) gets it as it lies in the bytes that were received; to keep it,
/// [`into_owned`](Event::into_owned).
#[derive(Clone)]
pub struct Event<'a> {
    name: EventName,
    /// Name and arguments.
    elements: Arguments<'a>,
    attachments: Box<[Bytes]>,
    wants_ack: bool,
}

impl<'a> Event<'a> {
    pub(crate) fn new(name: EventName, elements: Arguments<'a>, attachments: Vec<Bytes>, wants_ack: bool) -> Event<'a> {
        Event { name, elements, attachments: attachments.into(), wants_ack }
    }

    /// The same with a text of its own, of which [`arg`](Event::arg) then takes parts without copying them.
    pub fn into_owned(self) -> Event<'static> {
        let Event { name, elements, attachments, wants_ack } = self;
        Event { name, elements: elements.into_owned(), attachments, wants_ack }
    }

    /// The name. A number that was sent as name is its digits.
    pub fn name(&self) -> &str {
        self.elements.name(&self.name)
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.elements.len() - 1
    }

    /// Whether there is no argument.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An argument: its JSON text, with the attachments that belong to it.
    pub fn arg(&self, index: usize) -> Option<RawJson> {
        let text = self.elements.bytes(index + 1)?;
        match &*self.attachments {
            [] => Some(RawJson::from_valid(text)),
            attachments => Some(RawJson::with_attachments(text, attachments)),
        }
    }

    /// The JSON text of an argument, to look at.
    pub fn arg_str(&self, index: usize) -> Option<&str> {
        self.elements.get(index + 1)
    }

    /// All arguments.
    pub fn args(&self) -> impl Iterator<Item = RawJson> {
        (0..self.len()).filter_map(|index| self.arg(index))
    }

    /// Whether the client waits for an answer.
    pub fn wants_ack(&self) -> bool {
        self.wants_ack
    }

    /// What `{"_placeholder":true,"num":n}` in the arguments stands for. Every such number has its attachment.
    ///
    /// Without attachments such an object is an ordinary object.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }
}

impl fmt::Debug for Event<'_> {
    /// Without the arguments: they can hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("name", &self.name()).field("len", &self.len()).finish_non_exhaustive()
    }
}

/// What a listener of raw Socket.IO returns: an [`Answer`], perhaps one, or nothing.
#[diagnostic::on_unimplemented(
    message = "a listener returns `Answer`, `Option<Answer>` or nothing, not `{Self}`",
    label = "this listener's future has another output"
)]
pub trait IntoAnswer {
    /// The answer, if there is one.
    fn into_answer(self) -> Option<Answer>;
}

impl IntoAnswer for Answer {
    fn into_answer(self) -> Option<Answer> {
        Some(self)
    }
}

impl IntoAnswer for Option<Answer> {
    fn into_answer(self) -> Option<Answer> {
        self
    }
}

impl IntoAnswer for () {
    fn into_answer(self) -> Option<Answer> {
        None
    }
}

/// The answer to an event: the arguments of the client's callback.
#[derive(Clone)]
pub struct Answer {
    // `[` + head + body + `]`: the usual answer is a result behind a constant, and is not copied for it.
    head: &'static [u8],
    body: Bytes,
    attachments: Option<Arc<Vec<Bytes>>>,
}

impl Answer {
    /// `[…]`: any arguments.
    pub fn args(args: &[RawJson]) -> Answer {
        if let [only] = args {
            return Answer::new(b"", only.clone());
        }
        let (texts, attachments) = RawJson::join(args);
        let attachments = (!attachments.is_empty()).then(|| Arc::new(attachments));
        Answer { head: b"", body: texts.join(&b","[..]).into(), attachments }
    }

    /// `[error]`.
    pub fn error(error: RawJson) -> Answer {
        Answer::new(b"", error)
    }

    /// `[null,result]`.
    pub fn result(result: RawJson) -> Answer {
        Answer::new(b"null,", result)
    }

    fn new(head: &'static [u8], value: RawJson) -> Answer {
        let (body, attachments) = value.into_parts();
        Answer { head, body, attachments }
    }

    /// Says what the placeholders in the texts stand for. Arguments with [`Binary`](wingbeat_core::Binary) in them have
    /// said so themselves.
    pub fn with_attachments(mut self, attachments: Vec<Bytes>) -> Answer {
        self.attachments = (!attachments.is_empty()).then(|| Arc::new(attachments));
        self
    }

    /// About how many bytes it has; with attachments, that may be any number.
    pub(crate) fn size(&self) -> usize {
        if self.attachments.is_none() { self.body.len() } else { usize::MAX }
    }

    /// Appends the answer as WebSocket frames: `43<id>[…]`, or `46<n>-<id>[…]` and the attachments.
    pub(crate) fn write(&self, out: &mut Vec<u8>, namespace: &str, id: &AckId) {
        let attachments = self.attachments.as_deref().map_or(&[][..], Vec::as_slice);
        let count = if attachments.is_empty() { String::new() } else { format!("{}-", attachments.len()) };
        let namespace_len = if namespace == "/" { 0 } else { namespace.len() + 1 };
        let len = 4 + count.len() + namespace_len + id.width() + self.head.len() + self.body.len();
        out.reserve(len + 10);
        write_header(out, Opcode::Text, len);
        out.extend_from_slice(if count.is_empty() { b"43" } else { b"46" });
        out.extend_from_slice(count.as_bytes());
        if namespace_len > 0 {
            out.extend_from_slice(namespace.as_bytes());
            out.push(b',');
        }
        id.write(out);
        out.push(b'[');
        out.extend_from_slice(self.head);
        out.extend_from_slice(&self.body);
        out.push(b']');
        for bytes in attachments {
            write_header(out, Opcode::Binary, bytes.len());
            out.extend_from_slice(bytes);
        }
    }
}

impl fmt::Debug for Answer {
    /// Without the arguments: they can hold tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wingbeat_protocol::packet::Frame;

    fn written(answer: &Answer, namespace: &str, id: u64) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        answer.write(&mut out, namespace, &AckId::from(id));
        Frame::from_encoded(out.into()).packets().map(|(_, payload)| payload.to_vec()).collect()
    }

    fn json(text: &'static str) -> RawJson {
        RawJson::parse(text).unwrap()
    }

    #[test]
    fn an_answer_names_the_event_it_is_for() {
        assert_eq!(written(&Answer::result(json("{}")), "/", 12), [br#"4312[null,{}]"#]);
        assert_eq!(written(&Answer::error(json("{}")), "/x", 0), [br#"43/x,0[{}]"#]);
        assert_eq!(written(&Answer::args(&[json("1"), json("2")]), "/", 3), [br#"433[1,2]"#]);
        assert_eq!(written(&Answer::args(&[]), "/", 3), [br#"433[]"#]);
    }

    #[test]
    fn arguments_are_not_printed() {
        let elements = Arguments::parse(r#"["create","s3cret"]"#, 2).unwrap();
        let event = Event::new(elements.event_name().unwrap(), elements, Vec::new(), true);
        let printed = format!("{event:?} {:?}", Answer::result(json(r#""s3cret""#)));
        assert!(!printed.contains("s3cret") && printed.contains("create"), "{printed}");
    }

    #[test]
    fn attachments_follow_the_answer() {
        let answer = Answer::result(json(r#"{"_placeholder":true,"num":0}"#))
            .with_attachments(vec![Bytes::from_static(b"\x00\xff")]);
        assert_eq!(written(&answer, "/", 1), [&br#"461-1[null,{"_placeholder":true,"num":0}]"#[..], b"\x00\xff"]);
    }
}
