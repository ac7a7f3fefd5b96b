use std::rc::Rc;
use wingbeat::{hooks::sync, prelude::*, store::Memory};

async fn without_context() -> Result<()> {
    Ok(())
}

async fn with_more(_: &mut Context, _: &str) -> Result<()> {
    Ok(())
}

async fn with_next(context: &mut Context, next: Next<'_>) -> Result<()> {
    next.run(context).await
}

async fn by_value(context: Context) -> Result<Context> {
    Ok(context)
}

async fn shared(_: &Context) -> Result<()> {
    Ok(())
}

async fn without_result(_: &mut Context) {}

async fn with_another_result(_: &mut Context) -> Result<bool> {
    Ok(true)
}

fn without_async(_: &mut Context) -> Result<()> {
    Ok(())
}

async fn not_send(context: &mut Context) -> Result<()> {
    let count = Rc::new(1);
    context.service("messages").find(Params::new()).await?;
    drop(count);
    Ok(())
}

fn before() {
    let messages = || Mount::new(Memory::new());
    let _ = messages().before(All, without_context);
    //~ E0593
    //~ AsyncFunction<'a, (&mut Context,), Result<(), Error>>`
    let _ = messages().before(All, with_more);
    //~ E0593
    //~ AsyncFunction<'a, (&mut Context,), Result<(), Error>>`
    let _ = messages().before(All, with_next);
    //~ E0593
    //~ AsyncFunction<'a, (&mut Context,), Result<(), Error>>`
    let _ = messages().before(All, by_value);
    //~ E0631
    //~ expected function signature `for<'a> fn(&'a mut wingbeat::Context) -> _`
    let _ = messages().before(All, shared);
    //~ E0631
    //~ expected function signature `for<'a> fn(&'a mut wingbeat::Context) -> _`
    let _ = messages().before(All, without_result);
    //~ E0277
    //~ is not a hook
    //~ expected `async fn(&mut Context) -> Result<()>`
    let _ = messages().before(All, with_another_result);
    //~ E0277
    //~ is not a hook
    //~ expected `async fn(&mut Context) -> Result<()>`
    let _ = messages().before(All, without_async);
    //~ E0277
    //~ is not a hook
    //~ expected `async fn(&mut Context) -> Result<()>`
    let _ = messages().before(All, not_send);
    //~ future returned by `not_send` is not `Send`
    let _ = messages().before(All, async |context: &mut Context| println!("{}", context.path()));
    //~ E0277
    //~ write a closure as `async |context: &mut Context| { …; Ok(()) }`
}

fn closure_with_variables(name: String) {
    let _ = Mount::new(Memory::new()).before(All, async move |context: &mut Context| {
        //~ E0277
        //~ write one that uses variables of its surroundings as `with(db, async |db: Db, context: &mut Context| …)`
        println!("{name} {}", context.path());
        Ok(())
    });
}

fn closure_without_async() {
    let _ = Mount::new(Memory::new()).before(All, |context: &mut Context| {
        //~ E0277
        //~ is not a hook
        //~ write one without `await` as `sync(|context| { …; Ok(()) })`
        println!("{}", context.path());
        Ok(())
    });
}

fn sync_without_result() {
    let _ = Mount::new(Memory::new()).before(All, sync(|context| println!("{}", context.path())));
    //~ E0308
    //~ expected `Result<(), Error>`, found `()`
}

fn swapped() {
    let _ = Mount::new(Memory::new()).before(shared, All);
    //~ `Methods` implements `From<Method>`
    //~ All` is not a hook
}

fn around() {
    let messages = || Mount::new(Memory::new());
    let _ = messages().around(All, shared);
    //~ E0593
    //~ AsyncFunction<'a, (&mut Context, Next<'a>), Result<(), Error>>`
    let _ = messages().around(All, async |context: &mut Context, next: Next<'_>| drop(next.run(context).await));
    //~ E0277
    //~ is not an around hook
    //~ write a closure as `async |context: &mut Context, next: Next<'_>| next.run(context).await`
}
