use wingbeat::{prelude::*, store::Memory};

struct Messages;

fn mounts() {
    let _ = App::builder().mount("messages", Mount::new(Messages));
    //~ E0277
    //~ `Messages` is not a service
    //~ implement `wingbeat::Service` (typed), `wingbeat::service::RawService` (any JSON) or `wingbeat::service::Extends` (on top of another)
    let _ = App::builder().mount("messages", Memory::new());
    //~ E0277
    //~ is not a `Mount`
    //~ write `Mount::new(…)` around a service
}
