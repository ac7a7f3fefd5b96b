//! What a test does inside the server: one line of standard input is one step.

use crate::services::late;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use wingbeat::{App, Error, Params, Result};

/// Obeys until standard input closes or the process is told to end.
pub(crate) async fn obey(app: App) {
    let mut lines = BufReader::new(stdin()).lines();
    let lines = async {
        while let Ok(Some(line)) = lines.next_line().await {
            match step(&app, &line).await {
                Ok(()) => println!("done"),
                Err(error) => eprintln!("step failed: {line}: {error:?}"),
            }
        }
    };
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = lines => {}
        () = terminated => {}
    }
}

async fn step(app: &App, line: &str) -> Result<()> {
    const EMIT: &str = "service('tools').emit('progress',{manual:true}); service('tools').emit('unlisted',{}); \
        service('messages').emit('created',{manual:true}); service('messages').emit('created',[1,2])";
    match line {
        "service('messages').create({text:'internal'})" => {
            app.service("messages").create(json!({"text": "internal"}), Params::new()).await?;
        }
        EMIT => {
            app.service("tools").emit("progress", &json!({"manual": true})).await?;
            // Nobody hears it there either; here who emits is told.
            if app.service("tools").emit("unlisted", &json!({})).await.is_ok() {
                return Err(Error::general("an event that is not listed was sent"));
            }
            app.service("messages").emit("created", &json!({"manual": true})).await?;
            app.service("messages").emit("created", &[1, 2]).await?;
        }
        "app.use('late', service with find -> 'late' and custom method zap, methods ['find','zap'])" => {
            app.mount("late", late()).await?;
        }
        "app.unuse('readonly')" => app.unmount("readonly").await?,
        other => return Err(Error::not_found(format!("There is no step '{other}'"))),
    }
    Ok(())
}
