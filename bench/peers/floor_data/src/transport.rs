//! The wire of `../floor` (`own.rs`), for calls that may be answered later: one task a connection, all frames of one read
//! parsed in place. What SQLite answers leaves in one write; what PostgreSQL answers is queued, and leaves with what else
//! is there by then.

use crate::call::Call;
use crate::frames::{PING, PONG, TEXT, read_frames, write_frame};
use crate::handshake::upgrade;
use crate::json::Done;
use crate::login::{Login, User};
use crate::outbox::Outbox;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use bytes::Bytes;
use slab::Slab;
use std::cell::RefCell;
use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};

pub enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

type Answer = Result<Done, Box<dyn Error + Send + Sync>>;

struct Hub {
    database: Database,
    next_id: AtomicU64,
    /// Those who are logged in.
    members: RwLock<Slab<Arc<Outbox>>>,
}

struct Session {
    id: u64,
    outbox: Arc<Outbox>,
    /// The login, and the place among the members.
    login: Mutex<Option<(Login, usize)>>,
}

thread_local! {
    /// Where the thread reads into and gathers answers, so that an idle connection owns no buffer.
    static SCRATCH: RefCell<(Vec<u8>, Vec<u8>)> =
        RefCell::new((vec![0; 64 * 1024], Vec::with_capacity(64 * 1024)));
}

pub async fn serve(listener: TcpListener, database: Database) -> std::io::Result<()> {
    let hub = Arc::new(Hub { database, next_id: AtomicU64::new(0), members: RwLock::default() });
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(hub.clone(), stream));
    }
}

async fn connection(hub: Arc<Hub>, mut stream: TcpStream) {
    // Boxed so that the handshake's buffers are not part of the long-lived task.
    if Box::pin(upgrade(&mut stream)).await.is_err() {
        return;
    }
    let (socket, write_half) = stream.into_split();
    let id = hub.next_id.fetch_add(1, Ordering::Relaxed);
    let session = Arc::new(Session { id, outbox: Arc::new(Outbox::new(write_half)), login: Mutex::default() });
    let open = format!(
        r#"0{{"sid":"floor{id:015}","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100000}}"#
    );
    session.outbox.answer(&frame(open.as_bytes()));
    let mut reader = Reader { socket, part: Vec::new() };
    std::future::poll_fn(|cx| {
        if session.outbox.poll_drain(cx).is_ready() {
            return Poll::Ready(());
        }
        let over = reader.poll(&hub, &session, cx);
        // What calls have queued meanwhile, which woke nobody.
        if over.is_pending() && session.outbox.poll_drain(cx).is_ready() {
            return Poll::Ready(());
        }
        over
    })
    .await;
    if let Some((_, place)) = *session.login() {
        hub.members().remove(place);
    }
}

impl Hub {
    fn members(&self) -> std::sync::RwLockWriteGuard<'_, Slab<Arc<Outbox>>> {
        self.members.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// One message: what is answered at once goes to `answers`, what is told after it to `events`.
    fn on_message(
        self: &Arc<Hub>,
        session: &Arc<Session>,
        message: &[u8],
        answers: &mut Vec<u8>,
        events: &mut Vec<Bytes>,
    ) {
        match message {
            [b'4', b'2', packet @ ..] => self.on_call(session, packet, answers, events),
            [b'4', b'0', ..] => {
                let sid = format!(r#"40{{"sid":"sio{:017}"}}"#, session.id);
                write_frame(answers, TEXT, sid.as_bytes());
            }
            _ => {}
        }
    }

    fn on_call(self: &Arc<Hub>, session: &Arc<Session>, packet: &[u8], answers: &mut Vec<u8>, events: &mut Vec<Bytes>) {
        let digits = packet.iter().take_while(|b| b.is_ascii_digit()).count();
        let (ack, arguments) = packet.split_at(digits);
        let call = match Call::read(arguments) {
            Ok(call) => call,
            Err(why) => return write_answer(answers, ack, &Err(why)),
        };
        match &self.database {
            Database::Sqlite(db) => {
                let answer = match call {
                    Call::Login(login) => db.log_in(&login.token).map(|known| self.logged_in(session, known)),
                    call => db.run(call, session.known()),
                };
                write_answer(answers, ack, &answer);
                events.extend(event(&answer));
            }
            Database::Postgres(_) => {
                let (hub, session, ack) = (self.clone(), session.clone(), ack.to_owned());
                tokio::spawn(async move { hub.answer_later(&session, &ack, call).await });
            }
        }
    }

    async fn answer_later(&self, session: &Arc<Session>, ack: &[u8], call: Call) {
        let Database::Postgres(db) = &self.database else { return };
        let answer = match call {
            Call::Login(login) => db.log_in(&login.token).await.map(|known| self.logged_in(session, known)),
            call => db.run(call, session.known()).await,
        };
        let mut out = Vec::with_capacity(512);
        write_answer(&mut out, ack, &answer);
        session.outbox.publish(&out.into(), false);
        if let Some(event) = event(&answer) {
            self.tell(&event);
        }
    }

    fn logged_in(&self, session: &Session, (login, user): (Login, User)) -> Done {
        let mut known = session.login();
        if known.is_none() {
            *known = Some((login, self.members().insert(session.outbox.clone())));
        }
        let User { id, email, name } = user;
        Done::told_to_nobody(
            serde_json::json!({ "user": { "id": id, "email": email, "name": name } }).to_string().into_bytes(),
        )
    }

    fn tell(&self, event: &Bytes) {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        for (_, outbox) in members.iter() {
            outbox.publish(event, false);
        }
    }
}

impl Session {
    fn login(&self) -> std::sync::MutexGuard<'_, Option<(Login, usize)>> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> Option<Login> {
        self.login().map(|(login, _)| login)
    }
}

fn frame(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 10);
    write_frame(&mut out, TEXT, message);
    out
}

fn write_answer(out: &mut Vec<u8>, ack: &[u8], answer: &Answer) {
    let mut packet = Vec::with_capacity(512);
    packet.extend_from_slice(b"43");
    packet.extend_from_slice(ack);
    match answer {
        Ok(done) => {
            packet.extend_from_slice(b"[null,");
            packet.extend_from_slice(&done.result);
            packet.push(b']');
        }
        Err(why) => {
            let error = serde_json::json!([{ "name": "BadRequest", "message": why.to_string(), "code": 400 }]);
            packet.extend_from_slice(error.to_string().as_bytes());
        }
    }
    write_frame(out, TEXT, &packet);
}

/// What the members hear of a call.
fn event(answer: &Answer) -> Option<Bytes> {
    let note = answer.as_ref().ok().filter(|done| done.is_new_note)?;
    let mut created = Vec::with_capacity(note.result.len() + 32);
    created.extend_from_slice(b"42[\"notes created\",");
    created.extend_from_slice(&note.result);
    created.push(b']');
    Some(frame(&created).into())
}

struct Reader {
    socket: OwnedReadHalf,
    /// The beginning of a frame that has not arrived whole.
    part: Vec<u8>,
}

impl Reader {
    /// Reads and answers until nothing more is there; ready when the connection is over.
    fn poll(&mut self, hub: &Arc<Hub>, session: &Arc<Session>, cx: &mut Context<'_>) -> Poll<()> {
        SCRATCH.with_borrow_mut(|(scratch, answers)| {
            loop {
                let mut buf = ReadBuf::new(scratch);
                let read = ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buf));
                let n = buf.filled().len();
                if read.is_err() || n == 0 {
                    return Poll::Ready(());
                }
                let mut events = Vec::new();
                answers.clear();
                let on_frame = |opcode: u8, payload: &[u8]| match opcode {
                    TEXT => hub.on_message(session, payload, answers, &mut events),
                    PING => write_frame(answers, PONG, payload),
                    _ => {}
                };
                if self.frames(&mut scratch[..n], on_frame).is_none() {
                    return Poll::Ready(());
                }
                if !answers.is_empty() {
                    session.outbox.answer(answers);
                }
                events.iter().for_each(|event| hub.tell(event));
            }
        })
    }

    fn frames(&mut self, read: &mut [u8], on_frame: impl FnMut(u8, &[u8])) -> Option<()> {
        if self.part.is_empty() {
            let used = read_frames(read, on_frame)?;
            self.part.extend_from_slice(&read[used..]);
        } else {
            self.part.extend_from_slice(read);
            let used = read_frames(&mut self.part, on_frame)?;
            self.part.drain(..used);
            if self.part.is_empty() {
                self.part = Vec::new();
            }
        }
        Some(())
    }
}
