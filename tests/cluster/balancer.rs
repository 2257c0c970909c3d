//! The configuration of docs/CLUSTER.md for HAProxy, and a rolling restart behind it.

use crate::crowd::{PATIENCE, check};
use crate::redis::{Redis, Wire};
use crate::support::temp::Folder;
use crate::support::{markdown, skip, wait_until};
use crate::{Crowd, LIMITS, redis};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// HAProxy with the configuration of the document. Dropping this ends it.
struct Balancer(Child);

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The document's configuration, with these servers, and listening on a socket.
fn configuration(servers: &[SocketAddr], socket: &str) -> String {
    let text = markdown::read("docs/CLUSTER.md");
    let block = markdown::blocks(&text, "haproxy").into_iter().next().expect("a configuration");
    let mut lines: Vec<String> = Vec::new();
    for line in block.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["bind", ..] => lines.push(format!("    bind unix@{socket}")),
            ["server", name, _, ref rest @ ..] => {
                let number = name.bytes().last().map_or(0, |byte| usize::from(byte - b'a'));
                lines.push(format!("    server {name} {} {}", servers[number], rest.join(" ")));
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn rolling_restart_behind_haproxy_loses_nothing() {
    if Command::new("haproxy").arg("-v").stdout(Stdio::null()).status().is_err() {
        return skip("haproxy is not installed");
    }
    let Some(redis) = redis("cluster-rolling") else { return };
    rolling_restart(&redis);
}

fn rolling_restart(redis: &Redis) {
    let mut crowd = Crowd::without_clients(redis, Duration::from_secs(1));
    // A node has another port after a restart, and HAProxy's configuration stays.
    let ports: Vec<Arc<Mutex<Option<SocketAddr>>>> =
        crowd.nodes.iter().map(|node| Arc::new(Mutex::new(Some(node.server().addr())))).collect();
    let relays: Vec<Wire> = ports
        .iter()
        .map(|port| {
            let port = port.clone();
            Wire::start(move || TcpStream::connect((*port.lock().expect("no panic"))?).ok())
        })
        .collect();
    let folder = Folder::new("cluster-haproxy");
    let (file, socket) = (folder.path("haproxy.cfg"), folder.path("haproxy.sock"));
    let servers: Vec<SocketAddr> = relays.iter().map(Wire::addr).collect();
    std::fs::write(&file, configuration(&servers, &socket)).expect("a file");
    let child = Command::new("haproxy").args(["-db", "-f", &file]).stdout(Stdio::null()).spawn();
    let _balancer = Balancer(child.expect("haproxy is installed"));
    wait_until(PATIENCE, "HAProxy listens", || UnixStream::connect(&socket).is_ok());
    let front = Wire::start(move || UnixStream::connect(&socket).ok());
    *crowd.place.nodes.lock().expect("no panic") = vec![front.addr()];
    crowd.add_clients(100);
    for (number, port) in ports.iter().enumerate() {
        crowd.wait_for_messages(200);
        *port.lock().expect("no panic") = None;
        let server = crowd.nodes[number].server.take().expect("it runs");
        server.signal("TERM");
        let (status, log) = server.wait_for_exit(PATIENCE);
        assert!(status.success(), "{log:?}");
        crowd.wait_for_messages(200);
        crowd.nodes[number].restart(LIMITS);
        *port.lock().expect("no panic") = Some(crowd.nodes[number].server().addr());
    }
    crowd.wait_for_messages(200);
    let (place, confirmed) = (crowd.place.clone(), crowd.place.confirmed.load(SeqCst));
    let transcripts = crowd.end();
    check(&transcripts);
    assert!(transcripts.iter().all(|transcript| transcript.gaps.is_empty()), "nothing was lost, but there are gaps");
    eprintln!("{confirmed} messages, longest outage {:?}", place.longest_outage.lock().expect("no panic"));
}
