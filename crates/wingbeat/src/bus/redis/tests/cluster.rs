//! Several servers that pass on what is published.

use super::*;
use crate::bus::Topic;

#[tokio::test]
async fn nodes_on_different_servers_of_a_cluster_hear_each_other() {
    let cluster = ["--cluster-enabled", "yes", "--cluster-config-file", "cluster"];
    let (Some(one), Some(two)) = (server(&cluster), server(&cluster)) else { return };
    assert_eq!(one.say(&format!("CLUSTER MEET 127.0.0.1 {} {}", two.port, two.bus())), "+OK");
    let met = async {
        while !one.knows_another() || !two.knows_another() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), met).await.unwrap();
    let topics = [Topic::Channel("room".into()), Topic::All];
    let (here, there) = (Node::listening(&one.redis(), &topics).await, Node::listening(&two.redis(), &topics).await);
    here.says(&topics[0], "from here");
    there.says(&topics[1], "from there");
    for node in [&here, &there] {
        assert_eq!(node.hears(&topics[0], 1).await, ["from here"]);
        assert_eq!(node.hears(&topics[1], 1).await, ["from there"]);
    }
}

/// The port of the cluster is 10,000 above that of clients, unless it is said, and ports have an end.
fn server(options: &[&str]) -> Option<Broker> {
    let bus = free_port().to_string();
    let broker = brokers::redis(&[options, &["--cluster-port", &bus]].concat())?;
    broker.write("bus", &bus);
    Some(broker)
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Broker {
    fn bus(&self) -> String {
        std::fs::read_to_string(self.folder.join("bus")).unwrap()
    }

    fn knows_another(&self) -> bool {
        let nodes = self.say("CLUSTER NODES");
        nodes.lines().count() == 2 && !nodes.contains("handshake") && !nodes.contains("disconnected")
    }
}
