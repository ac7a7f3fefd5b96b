use wingbeat::{auth::Login, prelude::*};

fn listeners() {
    let _ = App::builder().on_login(async |_: &App, _: &Connection| {});
    //~ E0277
    //~ a listener returns nothing, not
    //~ one that waits or may fail is registered with `on_login_async` or `on_disconnect_async`
    let _ = App::builder().on_login(|app, connection| {
        //~ E0277
        //~ a listener returns nothing, not `Result<(), _>`
        app.channel("everybody").join(connection);
        Ok(())
    });
    let _ = App::builder().on_connection(|_, _| async {});
    //~ E0277
    //~ elsewhere leave work that waits to `app.spawn`
    let _ = App::builder().on_login(|connection: &Connection| drop(connection.id()));
    //~ E0593
    let _ = App::builder().on_login_async(async |_: &App, login: &Login| login.join("everybody"));
    //~ E0277
    //~ is not a listener of logins
    //~ expected `async fn(&App, &Login) -> Result<()>`
    let _ = App::builder().on_login_async(async |_: &App, _: &Connection| Ok(()));
    //~ E0631
    //~ expected function signature `for<'a> fn(&'a wingbeat::App, 
}
