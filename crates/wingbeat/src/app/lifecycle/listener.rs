//! What listeners return.

/// What a listener of connections, logins or logouts returns: nothing.
#[diagnostic::on_unimplemented(
    message = "a listener returns nothing, not `{Self}`",
    label = "expected a listener `|app, connection| …` without `async` and without a result",
    note = "one that waits or may fail is registered with `on_login_async` or `on_disconnect_async`",
    note = "elsewhere leave work that waits to `app.spawn`"
)]
pub trait ListenerReturn {}

impl ListenerReturn for () {}
