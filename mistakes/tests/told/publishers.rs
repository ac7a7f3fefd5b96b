use wingbeat::{prelude::*, store::Memory};

fn publishers() {
    let messages = || Mount::new(Memory::new());
    let _ = messages().publish(|_| "everybody");
    //~ E0277
    //~ `&str` is not an audience
    //~ return `channel("name")`, `channels([…])`, a connection or `nobody()`
    let _ = messages().publish_event("created", |_| true);
    //~ E0277
    //~ `bool` is not an audience
    //~ return `channel("name")`, `channels([…])`, a connection or `nobody()`
    let _ = messages().publish(|message| message.id("roomId"));
    //~ E0277
    //~ is not an audience
    let _ = messages().publish(async |_| channel("everybody"));
    //~ E0277
    //~ is not an audience
    //~ a publisher that waits is registered with `publish_async` or `publish_event_async`
    let _ = messages().publish_async(async |_| "everybody");
    //~ E0277
    //~ `&str` is not an audience
    let _ = messages().publish(channel("everybody"));
    //~ E0277
    //~ expected an `Fn(&Publication)` closure, found `Audience`
    let _ = messages().publish(|_, _| channel("everybody"));
    //~ E0593
    //~ expected closure that takes 1 argument
}
