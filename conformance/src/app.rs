//! What surrounds the services: middleware, channels and publishers (FIXTURE.md, sections 7 and 10).

use crate::services::{self, trace};
use crate::state;
use serde_json::json;
use std::time::Duration;
use wingbeat::engine::Socket;
use wingbeat::{Recovery, Rest, prelude::*};

pub(crate) fn build(state: &str) -> Result<App> {
    let transport = SocketIo::with_config(state::config(state)?).middleware(guard).with(|io| drop(io.of("/other")));
    let transport = if state == state::TWO_PORTS { transport.listen("127.0.0.1:0") } else { transport };
    // Middleware is asked again in both.
    let transport = match state {
        "recovery" | "recovery-mw" => transport.recovery(Recovery::new().window(Duration::from_secs(60))),
        _ => transport,
    };
    let mut app = App::builder()
        .around(All, trace::around("app.around.all"))
        .around(Find, trace::around("app.around.find"))
        .before(All, trace::hook("app.before.all"))
        .before(Find, trace::hook("app.before.find"))
        .after(All, trace::hook("app.after.all"))
        .after(Find, trace::hook("app.after.find"))
        .error(All, trace::hook("app.error.all"))
        .on_connection(|app, connection| app.channels(["everybody", "anonymous"]).join(connection))
        .on_login(|app, connection| {
            app.channel("anonymous").leave(connection);
            app.channel("authenticated").join(connection);
        })
        .on_logout(|app, connection| app.channel("anonymous").join(connection))
        .configure(transport);
    // Socket.IO without the framework's REST, as it was recorded.
    if state != "none" {
        app = app.configure(Rest::new().events("sse"));
    }
    for (path, mount) in services::all(state)? {
        app = app.mount(path, if state == "nopublish" { mount } else { publish(path, mount) });
    }
    if state != "nopublish" {
        app = app.publish(|_| channel("everybody")).publish_event("patched", |patched: &Publication| {
            let everybody = channel("everybody");
            if patched.path().starts_with("prec") { everybody.send(json!({"via": "app:patched"})) } else { everybody }
        });
    }
    app.build()
}

fn publish(path: &str, mount: Mount) -> Mount {
    let via = |text: &str| channel("everybody").send(json!({ "via": text }));
    match path {
        "prec" => mount.publish_event("created", move |_| via("service:created")).publish(move |_| via("service:all")),
        "prec2" => mount.publish_event("created", move |_| via("service:created")),
        "chat" => {
            mount.publish(|message| channel(format!("rooms/{}", services::template(message.data().get("roomId")))))
        }
        "notes" => mount.publish(|_| channel("authenticated")),
        "silent" => mount.publish(|_| None::<Audience>),
        "filtered" => mount.publish(|record| {
            let wanted = record.data().get("userId").cloned();
            channel("everybody")
                .filter(move |connection| connection.get("user").and_then(|user| user.get("id").cloned()) == wanted)
        }),
        "mixed" => mount.publish(|_| {
            let authenticated = channel("authenticated").send(json!({"from": "authenticated"}));
            let anonymous = channel("anonymous").send(json!({"from": "anonymous"}));
            [None, Some(authenticated), None, Some(channel("everybody")), Some(anonymous)]
        }),
        "badpub" => mount.publish(|_| Err::<Audience, _>(Error::general("publisher failed"))),
        "slowpub" => mount.publish_async(|_| async {
            tokio::time::sleep(Duration::from_millis(40)).await;
            channel("everybody")
        }),
        _ => mount,
    }
}

/// Query parameters of the handshake: `deny` refuses, `tenant` and `override` attach values to the connection.
async fn guard(socket: Socket, connection: Connection) -> Result<()> {
    for (name, value) in socket.handshake().query_pairs() {
        match &*name {
            "deny" => return Err(Error::forbidden("denied by middleware").with_data(json!({ "reason": value }))),
            "tenant" => connection.set("tenant", &*value),
            "override" => connection.set("query", json!({"overridden": true})),
            _ => {}
        }
    }
    Ok(())
}
