//! Who may do what, and what is said to who may not.

use super::*;

fn login(broker: &Broker, login: &str) -> Nats {
    Nats::new(&format!("nats://{login}127.0.0.1:{}", broker.port)).unwrap().silence(Duration::from_secs(2))
}

#[tokio::test]
async fn users_and_tokens_are_let_in() {
    let Some(broker) = brokers::nats("authorization { user: \"a@b\", password: \"sec:ret\" }") else { return };
    works(&login(&broker, "a%40b:sec%3Aret@")).await;
    for wrong in ["", "a%40b:wrong-secret@"] {
        let error = refused(&login(&broker, wrong)).await;
        assert!(error.message().contains("refuses this program's login"), "{error}");
        assert!(!format!("{error:?}").contains("wrong-secret"), "{error:?}");
    }
    let Some(broker) = brokers::nats("authorization { token: \"sec ret\" }") else { return };
    works(&broker.nats().token("sec ret")).await;
    let error = refused(&broker.nats().token("wrong-secret")).await;
    assert!(error.message().contains("refuses this program's login"), "{error}");
    let error = refused(&login(&broker, "ann:b@").token("sec ret")).await;
    assert!(error.message().contains("several logins"), "{error}");
    let error = refused(&broker.nats().credentials("/nowhere.creds")).await;
    assert!(error.message().contains("'/nowhere.creds'"), "{error}");
    broker.tell("halt");
    let error = refused(&broker.nats()).await;
    assert!(error.message().contains(&format!("NATS at 127.0.0.1:{} cannot be reached", broker.port)), "{error}");
}

#[tokio::test]
async fn a_user_needs_the_subjects_of_the_prefix() {
    let users = |rights: &str| {
        format!("authorization {{ users: [ {{ user: ann, password: b, permissions: {{ {rights} }} }} ] }}")
    };
    let Some(broker) = brokers::nats(&users("publish: \"notes.>\", subscribe: \"notes.>\"")) else { return };
    works(&login(&broker, "ann:b@").prefix("notes")).await;
    let error = refused(&login(&broker, "ann:b@").prefix("others")).await;
    assert!(error.message().to_lowercase().contains("permissions violation"), "{error}");

    let Some(broker) = brokers::nats(&users("publish: \"notes.>\", subscribe: \"notes.e.>\"")) else { return };
    let node = Node::on(&login(&broker, "ann:b@").prefix("notes")).await;
    node.connection.subscribe(&Topic::All);
    let error = node.connection.subscribed().await.unwrap_err();
    assert!(
        error.message().to_lowercase().contains("permissions violation for subscription to \"notes.a.="),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_says_nothing_to_begin_with_is_told() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    let error = refused(&Nats::new(&url).unwrap().silence(Duration::from_millis(100))).await;
    assert!(error.message().starts_with("NATS"), "{error}");
}
