//! Who a client is that comes back: as it was when it was lost, or nobody.

use super::recovery::{Was, again, auth, builder, disconnects, event, first, login, note, open};
use super::sockets::Server;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;
use wingbeat::auth::Auth;
use wingbeat::{Builder, Recovery, hooks, prelude::*, store::Memory};

async fn start(app: Builder) -> Server {
    Server::over(app, SocketIo::new().recovery(Recovery::new())).await
}

/// Holds up who asks for a user, once it is closed.
#[derive(Default)]
struct Gate {
    is_closed: AtomicBool,
    asked: Notify,
    open: Notify,
}

/// The application of the others, with users behind a gate, and what is for a user alone wherever it is.
fn app(auth: Auth, gate: &Arc<Gate>) -> Builder {
    let slow = hooks::with(gate.clone(), async |gate: Arc<Gate>, _: &mut Context| {
        if gate.is_closed.load(Ordering::SeqCst) {
            gate.asked.notify_one();
            gate.open.notified().await;
        }
        Ok(())
    });
    let mine = Mount::new(Memory::new()).publish(|_| channel("everybody").having("user.id", 1));
    builder(auth).mount("mine", mine).before(Get, slow)
}

async fn create(server: &Server, service: &str, text: &str) {
    server.app.service(service).create(json!({"text": text}), Params::new()).await.unwrap();
}

#[tokio::test]
async fn a_login_that_ends_after_the_loss_does_not_make_its_client_nobody() {
    for is_revoked in [false, true] {
        let (gate, revoked) = (Arc::new(Gate::default()), Arc::new(AtomicBool::new(false)));
        let asked = revoked.clone();
        let auth = auth().revoked(move |_, _| asked.load(Ordering::SeqCst));
        let (app, mut noticed) = disconnects(app(auth, &gate));
        let server = start(app).await;
        let (mut client, mut was) = first(&server).await;
        let token = login(&mut client, "ann@example.com").await["accessToken"].clone();
        gate.is_closed.store(true, Ordering::SeqCst);
        let again_with = json!(["create", "authentication", {"strategy": "jwt", "accessToken": token}, {}]);
        client.send(&format!("428{again_with}")).await;
        gate.asked.notified().await;
        drop(client);
        noticed.recv().await.unwrap();
        gate.is_closed.store(false, Ordering::SeqCst);
        gate.open.notify_one();
        create(&server, "secrets", "for members").await;
        revoked.store(is_revoked, Ordering::SeqCst);
        let (mut client, is_recovered) = again(&server, &was).await;
        assert_eq!(is_recovered, !is_revoked);
        note(&server, "for everybody").await;
        let expected = if is_revoked { "notes created" } else { "secrets created" };
        assert_eq!(event(&mut client, &mut was).await.0, expected);
        let answer = client.call(1, json!(["find", "secrets", {}])).await;
        assert_eq!(answer[0].is_null(), !is_revoked, "{answer}");
    }
}

#[tokio::test]
async fn what_was_for_a_user_is_still_when_its_client_is_lost_once_more_before_it_has_heard_it() {
    let (app, mut noticed) = disconnects(app(auth(), &Arc::default()));
    let server = start(app).await;
    let (mut client, mut was) = first(&server).await;
    login(&mut client, "ann@example.com").await;
    for text in ["one", "two", "three"] {
        drop(client);
        noticed.recv().await.unwrap();
        create(&server, "mine", text).await;
        let back = again(&server, &was).await;
        assert!(back.1, "{text}");
        client = back.0;
    }
    for text in ["one", "two", "three"] {
        assert_eq!(event(&mut client, &mut was).await.1["text"], text);
    }
}

#[tokio::test]
async fn what_was_published_before_somebody_was_logged_out_is_not_given_to_who_comes_back() {
    let (app, mut noticed) = disconnects(app(auth(), &Arc::default()));
    let server = start(app).await;
    for hears in [true, false] {
        let (mut client, mut was) = first(&server).await;
        login(&mut client, "ann@example.com").await;
        create(&server, "secrets", "for members").await;
        if hears {
            event(&mut client, &mut was).await;
        }
        let ended = client.call(1, json!(["remove", "authentication", null, {}])).await;
        assert_eq!(ended[0], Value::Null);
        drop(client);
        noticed.recv().await.unwrap();
        // Who says that it has heard nothing yet asks for all that there was.
        assert_eq!(again(&server, &was).await.1, hears);
    }
}

#[tokio::test]
async fn who_is_logged_out_by_the_connection_that_was_lost_is_logged_out() {
    let connections = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = connections.clone();
    let (app, mut noticed) = disconnects(app(auth(), &Arc::default()));
    let app = app.on_connection(move |_, connection| noted.lock().unwrap().push(connection.clone()));
    let server = start(app).await;
    let (mut client, was) = first(&server).await;
    login(&mut client, "ann@example.com").await;
    drop(client);
    noticed.recv().await.unwrap();
    let (mut client, is_recovered) = again(&server, &was).await;
    assert!(is_recovered && client.call(1, json!(["find", "secrets", {}])).await[0].is_null());
    let lost = connections.lock().unwrap()[0].clone();
    assert!(server.app.logout(&lost));
    assert_eq!(client.call(2, json!(["find", "secrets", {}])).await[0]["code"], 401);
    assert_eq!(server.app.channel("members").len(), 0);
}

#[tokio::test]
async fn a_return_that_breaks_off_halfway_can_be_tried_again() {
    let gate = Arc::new(Gate::default());
    let (app, mut noticed) = disconnects(app(auth(), &gate));
    let server = start(app).await;
    let (mut client, was) = first(&server).await;
    login(&mut client, "ann@example.com").await;
    drop(client);
    noticed.recv().await.unwrap();
    gate.is_closed.store(true, Ordering::SeqCst);
    let halfway = open(&server.url, &was).await;
    gate.asked.notified().await;
    gate.is_closed.store(false, Ordering::SeqCst);
    drop(halfway);
    // The server has to notice that it has gone; until then somebody else has asked first.
    let again = async { while !again(&server, &was).await.1 {} };
    timeout(Duration::from_secs(60), again).await.expect("it was never free again");
}

#[tokio::test]
async fn a_shutdown_waits_for_nobody_who_might_come_back_and_tells_of_them() {
    let gate = Arc::new(Gate::default());
    let (app, mut noticed) = disconnects(app(auth(), &gate));
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    let app = app.on_lost(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let server = start(app).await;
    // Nobody that anybody knows.
    drop(first(&server).await);
    noticed.recv().await.unwrap();
    let (mut client, was) = first(&server).await;
    login(&mut client, "ann@example.com").await;
    drop(client);
    noticed.recv().await.unwrap();
    gate.is_closed.store(true, Ordering::SeqCst);
    let _client = open(&server.url, &was).await;
    // This one is on its way back, and its user is being asked for.
    gate.asked.notified().await;
    // The login under way has that long; who is lost has two minutes.
    let ends = server.app.shutdown(Duration::from_millis(500));
    timeout(Duration::from_secs(60), ends).await.expect("it waited");
    assert_eq!(told.load(Ordering::SeqCst), 2);
}

/// Numbers that look random, from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    /// A private id that nobody was given, made of two that were.
    fn forged(&mut self, own: &str, other: &str) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=. ";
        let mut pid = other.as_bytes().to_vec();
        match self.below(5) {
            0 => pid.truncate(self.below(20)),
            1 => pid.push(LETTERS[self.below(LETTERS.len())]),
            2 => {
                // The beginning of one and the end of the other.
                let at = 1 + self.below(19);
                pid[at..].copy_from_slice(&own.as_bytes()[at..]);
            }
            3 => {
                let (a, b) = (self.below(20), self.below(20));
                pid.swap(a, b);
            }
            _ => {
                let at = self.below(20);
                pid[at] = LETTERS[self.below(LETTERS.len())];
            }
        }
        String::from_utf8(pid).unwrap()
    }
}

#[tokio::test]
async fn no_private_id_but_its_own_gives_a_client_anything() {
    let (app, mut noticed) = disconnects(app(auth(), &Arc::default()));
    let server = start(app).await;
    let (mut client, mut victim) = first(&server).await;
    login(&mut client, "ann@example.com").await;
    // One that is there, and one that is lost.
    let (_there, there) = first(&server).await;
    drop(client);
    noticed.recv().await.unwrap();
    create(&server, "secrets", "for members").await;
    let seed = std::env::var("RECOVERY_SEED").map_or_else(|_| getrandom::u64().unwrap(), |seed| seed.parse().unwrap());
    println!("RECOVERY_SEED={seed}");
    let mut random = Random(seed | 1);
    for _ in 0..200 {
        let (thief, own) = first(&server).await;
        drop(thief);
        noticed.recv().await.unwrap();
        let of = if random.below(2) == 0 { &victim } else { &there };
        let pid = random.forged(&own.pid, &of.pid);
        if pid == of.pid || pid == own.pid {
            continue;
        }
        let offset = of.offset.clone();
        let (thief, is_recovered) = again(&server, &Was { pid: pid.clone(), offset, sid: of.sid.clone() }).await;
        assert!(!is_recovered, "{pid:?} was taken for that of another");
        drop(thief);
        noticed.recv().await.unwrap();
    }
    let (mut client, is_recovered) = again(&server, &victim).await;
    assert!(is_recovered, "somebody has ended what was another's");
    assert_eq!(event(&mut client, &mut victim).await.1["text"], "for members");
    assert!(again(&server, &there).await.1);
}
