//! Encrypted connections.

use super::*;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

async fn is_encrypted(db: &Postgres) -> bool {
    let backend = db.table::<Value>("encrypted");
    find(&backend, json!({})).await.unwrap()[0]["ssl"] == true
}

#[tokio::test]
async fn the_mode_in_the_url_is_honoured() {
    let Some(server) = TestServer::start() else { return };
    let url = server.new_database().await;
    let db = Postgres::connect(&url).await.unwrap();
    db.batch("CREATE VIEW encrypted AS SELECT pid AS id, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").await;
    let required = |more: &str| format!("{}?sslmode=require{more}", url.replace("127.0.0.1", "localhost"));
    // The server has none.
    Postgres::connect(&required("")).await.unwrap_err();
    assert!(!is_encrypted(&db).await);

    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    for (name, pem) in [("server.crt", &certificate), ("server.key", &key)] {
        let lines = format!("SELECT unnest(string_to_array('{}', E'\\n'))", pem.trim());
        db.batch(&format!("COPY ({lines}) TO PROGRAM 'umask 077; cat > {name}'")).await;
    }
    for sql in ["ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"] {
        db.batch(sql).await;
    }
    let file = std::env::temp_dir().join(format!("wingbeat-{}.crt", std::process::id()));
    std::fs::write(&file, &certificate).unwrap();
    let trusting = format!("&sslrootcert={}", file.display().to_string().replace('/', "%2F"));
    // Until it has read that.
    let connecting = async {
        loop {
            if let Ok(db) = Postgres::connect(&required(&trusting)).await {
                break db;
            }
        }
    };
    let encrypted = timeout(Duration::from_secs(30), connecting).await.unwrap();
    assert!(is_encrypted(&encrypted).await);
    let slow = "CREATE VIEW slow AS SELECT 1 AS id, pg_sleep(3600)::text AS slept";
    encrypted.batch(slow).await;
    let found = timeout(Duration::from_millis(50), find(&encrypted.table::<Value>("slow"), json!({}))).await;
    assert!(found.is_err());

    // Nobody vouches for it, or for the name.
    Postgres::connect(&required("")).await.unwrap_err();
    Postgres::connect(&required(&trusting).replace("localhost", "127.0.0.1")).await.unwrap_err();
    Postgres::connect(&required("&sslrootcert=/nowhere")).await.unwrap_err();
    let preferred = Postgres::connect(&format!("{url}?sslmode=prefer")).await.unwrap();
    assert!(!is_encrypted(&preferred).await);
    std::fs::remove_file(&file).unwrap();
}
