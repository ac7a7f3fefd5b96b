use wingbeat::{hooks::with, prelude::*, store::Memory};

#[derive(Clone)]
struct Db;

struct NotClone;

async fn behind(_: &mut Context, _: Db) -> Result<()> {
    Ok(())
}

async fn by_reference(_: &Db, _: &mut Context) -> Result<()> {
    Ok(())
}

async fn without_state(_: &mut Context) -> Result<()> {
    Ok(())
}

async fn right(_: NotClone, _: &mut Context) -> Result<()> {
    Ok(())
}

fn before() {
    let messages = || Mount::new(Memory::new());
    let _ = messages().before(All, with(Db, behind));
    //~ E0277
    //~ is not a hook
    //~ write one that uses variables of its surroundings as `with(db, async |db: Db, context: &mut Context| …)`
    let _ = messages().before(All, with(Db, by_reference));
    //~ E0277
    //~ is not a hook
    //~ write one that uses variables of its surroundings as `with(db, async |db: Db, context: &mut Context| …)`
    let _ = messages().before(All, with(Db, without_state));
    //~ E0277
    //~ is not a hook
    //~ write one that uses variables of its surroundings as `with(db, async |db: Db, context: &mut Context| …)`
    let _ = messages().before(All, with(Db, async |_: Db, context: &mut Context| println!("{}", context.path())));
    //~ E0277
    //~ is not a hook
    //~ write one that uses variables of its surroundings as `with(db, async |db: Db, context: &mut Context| …)`
    let _ = messages().before(All, with(NotClone, right));
    //~ E0277
    //~ consider annotating `NotClone` with `#[derive(Clone)]`
    let _ = messages().around(All, with(Db, async |_: Db, _: &mut Context| Ok(())));
    //~ E0277
    //~ is not an around hook
    //~ `with(db, async |db: Db, context: &mut Context, next: Next<'_>| …)`
}
