//! A transport of its own: one JSON object a line, over TCP.
//!
//! `{"call": 1, "path": "notes", "method": "get", "id": 7}` is answered `{"call": 1, "result": {…}}`, or with `error`
//! instead; besides there may be `data` and `query`. Events come as `{"event": "notes created", "data": {…}}`.

use serde_json::{Map, Value, json};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::timeout;
use wingbeat::{
    prelude::*,
    realtime::{Message, Peer},
    transport::{Arguments, BoundTransport, Caller, Dispatcher, Invocation, Transport},
};

const CALL: Duration = Duration::from_secs(60);
/// How long a line of a client may be.
const LONGEST: u64 = 1_000_000;
/// How many lines may wait for a client. Who has more is disconnected: it cannot know what it has missed.
const QUEUE: usize = 1024;
/// How long a client may take for its last lines.
const LAST: Duration = Duration::from_secs(2);

pub(crate) struct Lines(pub(crate) TcpListener);

impl Transport for Lines {
    fn bind(self: Box<Self>, app: &App) -> Result<BoundTransport> {
        let (dispatcher, end) = (app.dispatcher(CALL), watch::Sender::new(()));
        let ends = end.subscribe();
        let start = move || async move {
            tokio::spawn(accept(self.0, dispatcher, ends));
            Ok(())
        };
        let close = move |patience| {
            let end = end.clone();
            async move {
                end.send_replace(());
                // Every client has a receiver, until it has gone.
                timeout(patience, end.closed()).await.unwrap_or_default();
            }
        };
        Ok(BoundTransport::new().on_start(start).on_close(close))
    }
}

async fn accept(listener: TcpListener, dispatcher: Dispatcher, mut end: watch::Receiver<()>) {
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => drop(tokio::spawn(serve(stream, from.ip(), dispatcher.clone(), end.clone()))),
                // No file descriptor is left: some client will go.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            _ = end.changed() => return,
        }
    }
}

/// What events go out through.
struct Client {
    lines: mpsc::Sender<Value>,
    address: IpAddr,
    gone: Arc<Notify>,
}

impl Peer for Client {
    fn deliver(&self, message: &Message) {
        let data: Value = message.data().to().unwrap_or_default();
        if self.lines.try_send(json!({"event": message.name(), "data": data})).is_err() {
            self.gone.notify_one();
        }
    }
    fn disconnect(&self, _: &Connection) {
        self.gone.notify_one();
    }
    fn address(&self) -> Option<IpAddr> {
        Some(self.address)
    }
}

async fn serve(stream: TcpStream, address: IpAddr, dispatcher: Dispatcher, end: watch::Receiver<()>) {
    let (reader, mut writer) = stream.into_split();
    let (lines, mut queue) = mpsc::channel(QUEUE);
    let gone = Arc::new(Notify::new());
    let connection = Connection::new("lines", Client { lines: lines.clone(), address, gone: gone.clone() });
    let mut write = async |line: Value| writer.write_all(format!("{line}\n").as_bytes()).await;
    if let Err(error) = dispatcher.admit(&connection).await {
        timeout(LAST, write(json!({ "error": error }))).await.ok();
        return;
    }
    dispatcher.connected(&connection);
    let closing = Notify::new();
    // Goes on to the end of a line whatever happens, and to the last one when it is closing.
    let mut writing = pin!(async {
        loop {
            tokio::select! {
                line = queue.recv() => {
                    let Some(line) = line else { return };
                    if write(line).await.is_err() {
                        return;
                    }
                }
                () = closing.notified() => queue.close(),
            }
        }
    });
    let is_written = tokio::select! {
        () = read(BufReader::new(reader), &connection, &dispatcher, lines, end.clone()) => false,
        () = &mut writing => true,
        () = gone.notified() => false,
    };
    dispatcher.disconnected(&connection);
    if !is_written {
        closing.notify_one();
        timeout(LAST, writing).await.unwrap_or_default();
    }
}

/// Answers one call after another, until the client has no more or the application ends.
async fn read(
    mut reader: impl AsyncBufRead + Unpin,
    connection: &Connection,
    dispatcher: &Dispatcher,
    lines: mpsc::Sender<Value>,
    mut end: watch::Receiver<()>,
) {
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut reader).take(LONGEST);
        tokio::select! {
            _ = limited.read_until(b'\n', &mut line) => {}
            _ = end.changed() => return,
        }
        let Some(line) = line.strip_suffix(b"\n") else { return };
        let request: Map<String, Value> = serde_json::from_slice(line).unwrap_or_default();
        let result = match invocation(&request, connection) {
            Ok(invocation) => dispatcher.call(invocation).await.and_then(|outcome| outcome.result().to::<Value>()),
            Err(error) => Err(dispatcher.refused("", error)),
        };
        let answer = match result {
            Ok(result) => json!({"call": request.get("call"), "result": result}),
            Err(error) => json!({"call": request.get("call"), "error": error}),
        };
        if lines.send(answer).await.is_err() {
            return;
        }
    }
}

fn invocation<'a>(request: &'a Map<String, Value>, connection: &'a Connection) -> Result<Invocation<'a>> {
    let text = |name| request.get(name).and_then(Value::as_str);
    let (Some(path), Some(method)) = (text("path"), text("method")) else {
        return Err(Error::bad_request("Invalid line: it must be an object with path and method"));
    };
    Ok(Invocation::new(path, method, Caller::Connection(connection), arguments(request)))
}

fn arguments(request: &Map<String, Value>) -> Result<Arguments> {
    let id = match request.get("id") {
        None => IdArg::Absent,
        Some(Value::Null) => IdArg::Null,
        Some(id) => Id::from_value(id).ok_or_else(|| Error::bad_request("Invalid id"))?.into(),
    };
    let data = request.get("data").cloned().map(Payload::from);
    let params = Params::new().with_query(request.get("query").cloned().unwrap_or_default())?;
    Ok(Arguments { id, data, params })
}
