//! Encrypted connections.

use super::*;
use crate::bus::Topic;

#[tokio::test]
async fn the_server_is_held_to_its_certificate() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let options = |port: u16| {
        let files = ["--tls-cert-file", "certificate", "--tls-key-file", "key", "--tls-ca-cert-file", "certificate"];
        let own = ["--port", &port.to_string(), "--tls-auth-clients", "no", "--save", ""].map(str::to_owned);
        own.into_iter().chain(files.map(str::to_owned)).collect::<Vec<_>>()
    };
    let Some(broker) = Broker::new("redis-server", |plain| {
        options(plain).into_iter().chain(["--tls-port".to_owned(), port.to_string()]).collect()
    }) else {
        return;
    };
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    broker.write("certificate", &certified.cert.pem());
    broker.write("key", &certified.signing_key.serialize_pem());
    broker.start();
    let trusting = broker.folder.join("certificate").display().to_string().replace('/', "%2F");
    let redis = |host: &str, more: &str| Redis::new(&format!("rediss://{host}:{port}{more}")).unwrap();

    let node = Node::listening(&redis("localhost", &format!("?sslrootcert={trusting}")), &[Topic::All]).await;
    node.says(&Topic::All, "in secret");
    assert_eq!(node.hears(&Topic::All, 1).await, ["in secret"]);
    // Nobody vouches for it, or for the name.
    for (host, more) in [("localhost", String::new()), ("127.0.0.1", format!("?sslrootcert={trusting}"))] {
        let error = refused(&redis(host, &more)).await;
        assert!(error.message().contains("cannot be trusted"), "{error}");
    }
    let error = refused(&redis("localhost", "?sslrootcert=/nowhere")).await;
    assert!(error.message().contains("'/nowhere'"), "{error}");
    // One that speaks no TLS.
    let plain = Redis::new(&format!("rediss://localhost:{}?sslrootcert={trusting}", broker.port)).unwrap();
    refused(&plain.silence(Duration::from_millis(500))).await;
}
