//! What the hook `authenticate` needs and does not find is told when the application is built.

use super::*;
use crate::hooks::{Around, Hook, external};

fn refusal(builder: Builder) -> String {
    builder.build().unwrap_err().message().to_owned()
}

fn secured(hook: impl Hook) -> Mount {
    Mount::new(Memory::new()).before(All, hook)
}

fn secured_around(hook: impl Around) -> Mount {
    Mount::new(Memory::new()).around(All, hook)
}

#[test]
fn authenticate_without_an_authentication_service_is_not_built() {
    for mount in [
        secured(authenticate("jwt")),
        secured(external(authenticate("jwt"))),
        secured_around(authenticate("jwt")),
        secured_around(external(authenticate("jwt"))),
        Mount::new(Memory::new()).wrap(Find, authenticate("jwt")),
    ] {
        let told = refusal(App::builder().mount("notes", mount));
        assert!(told.contains("'notes' needs an authentication service") && told.contains("Auth::new"), "{told}");
    }
    let of_app = App::builder().mount("notes", Mount::new(Memory::new())).before(Find, authenticate("jwt"));
    assert!(refusal(of_app).contains("'notes' needs an authentication service"));
    let below = App::builder().sub_app("v1", App::builder().mount("notes", secured(authenticate("jwt"))));
    assert!(refusal(below).contains("'v1/notes' needs an authentication service"));
}

#[test]
fn authenticate_by_a_path_where_nobody_authenticates_is_not_built() {
    let by = |path| secured(authenticate("jwt").service(path));
    let told = refusal(builder(auth(), people()).mount("machines", by("admin/authentication")));
    assert!(told.contains("'machines' asks an authentication service at 'admin/authentication'"), "{told}");
    assert!(refusal(builder(auth(), people()).mount("machines", by("users"))).contains("at 'users'"));
    builder(auth(), people()).mount("machines", by("/authentication/")).build().unwrap();
}

#[test]
fn authenticate_by_strategies_of_which_none_is_there_is_not_built() {
    let told = refusal(builder(auth(), people()).mount("machines", secured(authenticate(["apikey", "oauth"]))));
    assert!(told.contains("'machines' lets nobody pass") && told.contains("'apikey', 'oauth'"), "{told}");
    builder(auth(), people()).mount("machines", secured(authenticate(["apikey", "jwt"]))).build().unwrap();
}

#[test]
fn authenticate_around_the_logins_themselves_is_not_built() {
    let told = refusal(builder(auth(), people()).before(All, authenticate("jwt")));
    assert!(told.contains("'authentication' refuses all logins"), "{told}");
}

#[tokio::test]
async fn a_service_that_is_mounted_later_finds_its_authentication_or_is_not_mounted() {
    let app = builder(auth(), people()).build().unwrap();
    let lost = secured(authenticate("jwt").service("admin/authentication"));
    assert!(app.mount("late", lost).await.unwrap_err().message().contains("'late' asks an authentication service"));
    app.mount("late", secured(authenticate("jwt"))).await.unwrap();
    assert_eq!(app.paths().last().map(String::as_str), Some("late"));
}
