//! Encrypted connections.

use super::*;
use crate::store::{MariaDbSettings, Store as _};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

const ENCRYPTED: &str = "CREATE VIEW encrypted AS SELECT 1 AS id, VARIABLE_VALUE AS cipher \
    FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'SSL_CIPHER'";

async fn is_encrypted(db: &MariaDb) -> bool {
    find(&db.table::<Value>("encrypted"), json!({})).await.unwrap()[0]["cipher"] != ""
}

#[tokio::test]
async fn the_mode_in_the_url_is_honoured() {
    let Some(server) = server::server() else { return };
    let url = server.new_database().await;
    // The server has none.
    MariaDb::connect(&format!("{url}?sslmode=require")).await.unwrap_err();
    let db = MariaDb::connect(&url).await.unwrap();
    db.batch(ENCRYPTED).await;
    assert!(!is_encrypted(&db).await);

    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = std::env::temp_dir().join(format!("wingbeat-mariadb-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
    std::fs::write(&certificate, certified.cert.pem()).unwrap();
    std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    let options = [format!("--ssl-cert={}", certificate.display()), format!("--ssl-key={}", key.display())];
    let Some(server) = TestServer::start_with(&options) else { return };
    let url = server.new_database().await;
    let required = |more: &str| format!("{}?sslmode=require{more}", url.replace("127.0.0.1", "localhost"));
    let trusting = format!("&sslrootcert={}", certificate.display().to_string().replace('/', "%2F"));
    let settings = MariaDbSettings::default().connections(1);
    let encrypted = MariaDb::connect_with(&required(&trusting), settings).await.unwrap();
    encrypted.batch(ENCRYPTED).await;
    assert!(is_encrypted(&encrypted).await);
    encrypted.batch("CREATE VIEW slow AS SELECT 1 AS id, sleep(3600) AS slept").await;
    let slow = encrypted.table::<Value>("slow");
    slow.store.check().await.unwrap();
    timeout(Duration::from_millis(50), find(&slow, json!({}))).await.unwrap_err();
    assert!(is_encrypted(&encrypted).await);

    // Nobody vouches for it, or for the name.
    MariaDb::connect(&required("")).await.unwrap_err();
    MariaDb::connect(&required(&trusting).replace("localhost", "127.0.0.1")).await.unwrap_err();
    MariaDb::connect(&required("&sslrootcert=/nowhere")).await.unwrap_err();
    let preferred = MariaDb::connect(&format!("{url}?sslmode=prefer")).await.unwrap();
    assert!(!is_encrypted(&preferred).await);
    let disabled = MariaDb::connect(&format!("{url}?sslmode=disable{trusting}")).await.unwrap();
    assert!(!is_encrypted(&disabled).await);
    std::fs::remove_dir_all(&folder).unwrap();
}
