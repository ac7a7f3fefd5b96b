//! Servers of which one takes the place of another.

use super::*;
use crate::bus::Topic;

#[tokio::test]
async fn the_new_master_is_found_after_the_old_one_has_crashed() {
    let Some(master) = brokers::redis(&["--repl-diskless-sync-delay", "0"]) else { return };
    let replica = brokers::redis(&["--replicaof", &format!("127.0.0.1 {}", master.port)]).unwrap();
    let sentinel = Broker::new("redis-server", |port| {
        ["configuration", "--sentinel", "--port", &port.to_string()].map(str::to_owned).to_vec()
    });
    let sentinel = sentinel.unwrap();
    let watch = [
        format!("monitor one 127.0.0.1 {} 1", master.port),
        "down-after-milliseconds one 300".to_owned(),
        "failover-timeout one 3000".to_owned(),
    ];
    sentinel.write("configuration", &watch.map(|line| format!("sentinel {line}\n")).concat());
    sentinel.start();
    let nowhere = "redis://127.0.0.1:1".to_owned();
    let sentinels = [nowhere, sentinel.url("redis")];
    let sentinels = || sentinels.iter().map(String::as_str);
    let redis = |name: &str| Redis::new(&format!("redis://{name}")).unwrap().sentinels(sentinels()).unwrap();
    let node = Node::listening(&redis("one"), &[Topic::All]).await;
    // A replica that has not copied the master yet is not chosen.
    let in_sync = async {
        while !replica.say("INFO replication").contains("master_link_status:up")
            || sentinel.say("SENTINEL REPLICAS one") != "*1"
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), in_sync).await.unwrap();
    master.tell("halt");
    node.restored().await;
    node.says(&Topic::All, "from the new one");
    assert_eq!(node.hears(&Topic::All, 1).await, ["from the new one"]);

    let error = refused(&redis("two")).await;
    assert!(error.message().starts_with("No Sentinel knows where 'two' is: "), "{error}");
    assert!(Redis::new("redis://one").unwrap().sentinels([]).is_err());
}
