//! nginx in front of a unix socket: the page, the chat, posted messages, and a stream, as the documents configure it.

// A unix socket is between the two.
#![cfg(unix)]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use support::binary::{command, start};
use support::markdown::read;
use support::stream::post;
use support::temp::Folder;
use support::{Client, DEADLINE, http, skip, wait_until};

/// Debian's nginx is not on each user's path.
const NGINX: &str = "/usr/sbin/nginx";

/// nginx in a folder of its own, until this is dropped.
struct Nginx(Child, SocketAddr);

impl Nginx {
    fn start(folder: &Folder, location: &str) -> Nginx {
        let addr = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary: String =
            temporary.iter().map(|name| format!("{name}_temp_path {};\n", folder.path(name))).collect();
        let config = format!(
            "daemon off; master_process off; pid {}; error_log stderr; events {{}}\n\
             http {{ access_log off; {temporary} server {{ listen {addr};\n{location} }} }}\n",
            folder.path("pid")
        );
        let file = folder.path("nginx.conf");
        fs::write(&file, config).expect("written");
        let child = Command::new(NGINX).args(["-e", "stderr", "-c", &file]).stdin(Stdio::null()).spawn();
        let nginx = Nginx(child.expect("nginx is installed"), addr);
        wait_until(DEADLINE, "nginx listens", || TcpStream::connect(addr).is_ok());
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// The block of the documents, with the path of this test's socket.
fn documented(socket: &str) -> String {
    let text = read("docs/OPERATING.md");
    let mut blocks = text.split("```nginx\n").filter_map(|block| block.split("```").next());
    let block = blocks.find(|block| block.contains("unix:/run/chinwag.sock")).expect("an example with a unix socket");
    block.replace("/run/chinwag.sock", socket)
}

#[test]
fn page_chat_posts_and_streams_pass_nginx() {
    if !fs::exists(NGINX).expect("a folder") {
        return skip("nginx is not installed");
    }
    let folder = Folder::new("nginx");
    let socket = folder.path("chinwag.sock");
    let mut command = command(&["--listen", "127.0.0.1:0", "--limit", "per-address=2"]);
    command.args(["--listen", &format!("unix:{socket}")]);
    let chinwag = start(command);
    let nginx = Nginx::start(&folder, &documented(&socket));
    let addr = nginx.1;

    let get = |target: &str| http(addr, &format!("GET {target} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n"));
    let page = get("/");
    assert_eq!((page.status, page.text().contains("<title>")), (200, true));
    for target in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(target).status, 404, "{target} is not for the clients of a proxy");
    }

    let mut ann = Client::enter(addr, "/room/kitchen");
    ann.sign_in("ann");
    let mut stream = TcpStream::connect(addr).expect("nginx listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    // HTTP/1.0 has no chunks.
    let request = format!("GET /room/kitchen HTTP/1.0\r\nHost: {addr}\r\nAccept: text/event-stream\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut received = String::new();
    let mut wait_for = |part: &str| {
        while !received.contains(part) {
            let mut buffer = [0; 1024];
            let count = stream.read(&mut buffer).expect("a part of the stream");
            assert!(count > 0, "the stream ended: {received}");
            received.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    };
    wait_for("text/event-stream");
    let answer = post(addr, "/room/kitchen?name=door", &["Connection: close"], "door open");
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(ann.wait_for("message")["text"], "door open");
    wait_for("door open");
    ann.say(r#"{"type":"message","text":"thanks"}"#);
    wait_for("thanks");

    // The limits are those of the client that nginx names. Loopback has none, so this only shows that nobody is refused.
    let others: Vec<Client> = (0..3).map(|_| Client::connect(addr, &["json"])).collect();
    assert_eq!(others.len(), 3);
    drop((nginx, chinwag));
}
