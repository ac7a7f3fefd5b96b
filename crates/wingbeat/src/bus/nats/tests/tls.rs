//! Encrypted connections.

use super::*;

#[tokio::test]
async fn the_server_is_held_to_its_certificate() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = "tls { cert_file: \"certificate\", key_file: \"key\" }";
    let Some(broker) = Broker::new("nats-server", |_| ["-c", "configuration"].map(str::to_owned).to_vec()) else {
        return;
    };
    broker.write("configuration", &format!("listen: \"127.0.0.1:{}\"\n{tls}\n", broker.port));
    broker.write("certificate", &certified.cert.pem());
    broker.write("key", &certified.signing_key.serialize_pem());
    broker.start();
    let trusting =
        format!("?sslrootcert={}", broker.folder.join("certificate").display().to_string().replace('/', "%2F"));
    let nats = |scheme: &str, host: &str, more: &str| {
        Nats::new(&format!("{scheme}://{host}:{}{more}", broker.port)).unwrap().silence(Duration::from_secs(2))
    };
    works(&nats("tls", "localhost", &trusting)).await;
    // The server asks for it.
    works(&nats("nats", "localhost", &trusting)).await;
    // Nobody vouches for it, or for the name.
    refused(&nats("tls", "localhost", "")).await;
    refused(&nats("tls", "127.0.0.1", &trusting)).await;
    let error = refused(&nats("tls", "localhost", "?sslrootcert=/nowhere")).await;
    assert!(error.message().contains("'/nowhere'"), "{error}");
    let Some(plain) = brokers::nats("") else { return };
    refused(&Nats::new(&format!("tls://localhost:{}{trusting}", plain.port)).unwrap()).await;
}
