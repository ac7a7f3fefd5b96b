use wingbeat_client::{All, Context, Hooks, Next, Result, with};

#[derive(Clone)]
struct Log;

struct NotClone;

async fn without_context() -> Result<()> {
    Ok(())
}

async fn with_next(context: &mut Context, next: Next<'_>) -> Result<()> {
    next.run(context).await
}

async fn shared(_: &Context) -> Result<()> {
    Ok(())
}

async fn without_result(_: &mut Context) {}

fn without_async(_: &mut Context) -> Result<()> {
    Ok(())
}

async fn behind(_: &mut Context, _: Log) -> Result<()> {
    Ok(())
}

async fn right(_: NotClone, _: &mut Context) -> Result<()> {
    Ok(())
}

fn before() {
    let _ = Hooks::new().before(All, without_context);
    //~ E0593
    //~ AsyncFunction<'a, (&mut Context,), Result<(), Error>>`
    let _ = Hooks::new().before(All, with_next);
    //~ E0593
    //~ AsyncFunction<'a, (&mut Context,), Result<(), Error>>`
    let _ = Hooks::new().before(All, shared);
    //~ E0631
    //~ expected function signature `for<'a> fn(&'a mut wingbeat_client::Context) -> _`
    let _ = Hooks::new().before(All, without_result);
    //~ E0277
    //~ is not a hook
    //~ expected `async fn(&mut Context) -> Result<()>`
    let _ = Hooks::new().before(All, without_async);
    //~ E0277
    //~ is not a hook
    //~ expected `async fn(&mut Context) -> Result<()>`
    let _ = Hooks::new().before(All, async |context: &mut Context| println!("{}", context.path));
    //~ E0277
    //~ write a closure as `async |context: &mut Context| { …; Ok(()) }`
    let _ = Hooks::new().before(All, with(Log, behind));
    //~ E0277
    //~ write one that uses variables of its surroundings as `with(log, async |log: Log, context: &mut Context| …)`
    let _ = Hooks::new().before(All, with(NotClone, right));
    //~ E0277
    //~ consider annotating `NotClone` with `#[derive(Clone)]`
}

fn around() {
    let _ = Hooks::new().around(All, shared);
    //~ E0593
    //~ AsyncFunction<'a, (&mut Context, Next<'a>), Result<(), Error>>`
    let _ = Hooks::new().around(All, async |context: &mut Context, next: Next<'_>| drop(next.run(context).await));
    //~ E0277
    //~ is not an around hook
    //~ write a closure as `async |context: &mut Context, next: Next<'_>| next.run(context).await`
}
