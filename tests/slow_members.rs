//! Members with slow lines stay in a flooded room: they receive what the room's log still has, and a `gap` for the rest.

mod support;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::binary::{command, start};
use support::frames::{CLOSE, PING, PONG, TEXT, frame, handshake, read_frame, read_head};
use support::process::usage;
use support::{Chinwag, Client, DEADLINE, run, skip, start_binary};

/// Connections that flood the room, and how often each one sends a KiB: within the rate of a connection.
const FLOODERS: usize = 48;
const MESSAGES: usize = 97;

/// Bytes a second of a slow line: 10 Mbit/s is a little more.
const SLOW: f64 = 1_000_000.0;

/// How long a test may take. Long, because a slow line needs its time.
const LONG: Duration = Duration::from_secs(60);

/// The numbers that a member has received, and those in gaps.
#[derive(Debug, Default)]
struct Received {
    last: u64,
    messages: u64,
    missed: u64,
    privates: Vec<String>,
}

impl Received {
    /// Checks that messages and gaps leave no number out, and come once and in order.
    fn add(&mut self, object: &Value) {
        let kind = object["type"].as_str().expect("a type");
        match (kind, object["seq"].as_u64(), object["missed"].as_u64()) {
            ("message", Some(seq), _) => {
                assert_eq!(seq, self.last + 1, "{self:?}");
                (self.last, self.messages) = (seq, self.messages + 1);
            }
            ("message", None, _) => self.privates.push(object["text"].to_string()),
            ("gap", _, missed) => {
                let missed = missed.expect("a number");
                (self.last, self.missed) = (self.last + missed, self.missed + missed);
            }
            _ => {}
        }
    }
}

/// A client that reads at most so many bytes a second, and answers Pings.
struct SlowClient {
    stream: TcpStream,
    bytes_per_second: f64,
    begin: Instant,
    read: f64,
}

impl SlowClient {
    fn connect(addr: SocketAddr, more: &str, name: &str, bytes_per_second: f64) -> Self {
        let mut stream = TcpStream::connect(addr).expect("the server accepts connections");
        // As of a line with little memory. The operating system would take megabytes otherwise.
        rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 64 * 1024).expect("a socket");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        stream.write_all(&handshake(addr, &format!("Sec-WebSocket-Protocol: chinwag.v1\r\n{more}"))).expect("room");
        assert!(read_head(&mut stream).starts_with("HTTP/1.1 101 "));
        let mut client = Self { stream, bytes_per_second, begin: Instant::now(), read: 0.0 };
        client.say(&json!({"type": "username", "name": name}));
        while client.next()["type"] != "username" {}
        client
    }

    fn say(&mut self, object: &Value) {
        self.stream.write_all(&frame(TEXT, object.to_string().as_bytes())).expect("the server reads");
    }

    /// The next object. A Close or the end of the connection is a failure.
    fn next(&mut self) -> Value {
        loop {
            let frame = read_frame(self).expect("a frame").expect("it stays connected");
            match frame.opcode {
                TEXT => return serde_json::from_slice(&frame.payload).expect("JSON"),
                PING => self.stream.write_all(&support::frames::frame(PONG, &frame.payload)).expect("the server reads"),
                CLOSE => panic!("closed with {}", frame.code()),
                other => panic!("opcode {other}"),
            }
        }
    }

    /// Receives until a message to the room has the text `last`, and what comes with it.
    fn receive_all(&mut self) -> Received {
        let (begin, mut received) = (Instant::now(), Received::default());
        loop {
            let object = self.next();
            received.add(&object);
            assert!(begin.elapsed() < LONG, "{received:?}");
            if object["text"] == "last" {
                return received;
            }
        }
    }

    /// Checks that the client has caught up and receives broadcasts: another user signs in.
    fn expect_newcomer(&mut self, addr: SocketAddr) {
        let mut eve = Client::enter(addr, "/");
        eve.sign_in("eve");
        while self.next()["name"] != "eve" {}
    }
}

impl Read for SlowClient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let due = self.begin + Duration::from_secs_f64(self.read / self.bytes_per_second);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let count = self.stream.read(buffer)?;
        self.read += count as f64;
        Ok(count)
    }
}

/// Floods the room with all connections at once, until the chat has all messages. Returns the connections, still open.
fn flood(addr: SocketAddr, more: &str, rounds: usize) -> Vec<TcpStream> {
    let text = json!({"type": "message", "text": "x".repeat(980)}).to_string();
    let flooders = (0..FLOODERS).map(|number| {
        let mut stream = TcpStream::connect(addr).expect("a place");
        stream.write_all(&handshake(addr, more)).expect("room");
        assert!(read_head(&mut stream).starts_with("HTTP/1.1 101 "));
        let name = json!({"type": "username", "name": format!("m{number}")}).to_string();
        let messages = frame(TEXT, text.as_bytes()).repeat(MESSAGES * rounds);
        // The Ping is answered when all messages are on their way to the chat.
        let bytes = [frame(TEXT, name.as_bytes()), messages, frame(PING, b"")].concat();
        let mut writer = stream.try_clone().expect("a descriptor");
        thread::spawn(move || writer.write_all(&bytes).expect("the server reads"));
        thread::spawn(move || {
            let mut reader = io::BufReader::new(&stream);
            while read_frame(&mut reader).expect("a frame").expect("it stays connected").opcode != PONG {}
            stream
        })
    });
    let flooders: Vec<_> = flooders.collect();
    flooders.into_iter().map(|flooder| flooder.join().expect("no panic")).collect()
}

/// `ann` says something at the end of the flood, and waits for it. Returns its number.
fn say_last(addr: SocketAddr) -> u64 {
    let mut ann = Client::enter(addr, "/");
    ann.sign_in("ann");
    ann.say_json(&json!({"type": "message", "text": "last"}));
    ann.wait_until("the last message", |object| object["text"] == "last")["seq"].as_u64().expect("a number")
}

/// A room that is flooded without any limit of rate, more than the victim's log and buffers hold.
#[test]
fn reader_of_1_mb_per_second_stays_in_a_flooded_room() {
    let server = start_binary(&["--limit", "rate=0"]);
    let mut slow = SlowClient::connect(server.addr(), "", "slow", SLOW);
    // Others that are slower, to see that memory is bounded.
    let others: Vec<_> =
        (0..40).map(|number| SlowClient::connect(server.addr(), "", &format!("s{number}"), SLOW)).collect();
    let before = usage(server.pid()).rss_kib;
    let reader = thread::spawn(move || (slow.receive_all(), slow));
    let _flooders = flood(server.addr(), "", 3);
    let grown = usage(server.pid()).rss_kib.saturating_sub(before);
    // The send buffer of each, twice as vectors grow; logs, threads and the allocator.
    assert!(grown < 140 * 2 * 400 + 16 * 1024, "{grown} KiB");
    let last = say_last(server.addr());
    assert_eq!(last, (FLOODERS * MESSAGES * 3) as u64 + 1);
    let (received, mut slow) = reader.join().expect("it is still there");
    assert_eq!(received.messages + received.missed, last, "{received:?}");
    // At least what waited for it, and what the log had at the end. A machine slower than the reader leaves nothing out.
    assert!(received.messages > 500, "{received:?}");
    slow.expect_newcomer(server.addr());
    drop(others);
}

/// With the default limits: those of the address and of the room hold a flood from one address.
#[test]
fn flood_from_one_address_leaves_no_gap_for_other_clients() {
    let server = start_binary(&["--trusted-proxy", "127.0.0.1"]);
    let mut slow = SlowClient::connect(server.addr(), "X-Forwarded-For: 198.51.100.7\r\n", "slow", SLOW);
    let reader = thread::spawn(move || slow.receive_all());
    let _flooders = flood(server.addr(), "X-Forwarded-For: 203.0.113.5\r\n", 1);
    let last = say_last(server.addr());
    assert!((500..2000).contains(&last), "{last} of {}", FLOODERS * MESSAGES);
    let received = reader.join().expect("it is still there");
    assert_eq!((received.last, received.missed), (last, 0), "{received:?}");
}

/// A slow member is never closed for what others send, but for taking nothing.
#[test]
fn member_that_takes_nothing_is_closed_after_a_while() {
    let server = start_binary(&["--limit", "rate=0", "--limit", "stall-seconds=1", "--limit", "close-seconds=60"]);
    let mut deaf = SlowClient::connect(server.addr(), "", "deaf", f64::INFINITY);
    let _flooders = flood(server.addr(), "", 2);
    thread::sleep(Duration::from_secs(2));
    let code = loop {
        let frame = read_frame(&mut deaf).expect("a frame").expect("a Close frame before the FIN");
        if frame.opcode == CLOSE {
            break frame.code();
        }
    };
    assert_eq!(code, 1013);
    drop(deaf);
    server.wait_for_log("dropped connection 1 ");
}

/// Private messages are in no log. A bounded number of them waits for a member that is behind.
#[test]
fn private_messages_beyond_the_send_buffer_close_a_slow_member() {
    let server = start_binary(&["--limit", "rate=0", "--limit", "stall-seconds=0", "--limit", "outbox=100000"]);
    let mut slow = SlowClient::connect(server.addr(), "", "slow", SLOW);
    let _deaf = SlowClient::connect(server.addr(), "", "deaf", SLOW);
    let _flooders = flood(server.addr(), "", 3);
    let mut ann = Client::enter(server.addr(), "/");
    ann.sign_in("ann");
    let whisper = |ann: &mut Client, target: &str, number: usize| {
        ann.say_json(&json!({"type": "message", "target": target, "text": format!("{number} {}", "x".repeat(900))}));
        ann.wait_until("its copy", |object| object["target"] == target);
    };
    for number in 0..90 {
        whisper(&mut ann, "slow", number);
        whisper(&mut ann, "deaf", number);
    }
    ann.say_json(&json!({"type": "message", "text": "last"}));
    let reader = thread::spawn(move || (slow.receive_all(), slow));
    // Beyond twice the send buffer and 64 KiB, and what the system takes.
    for number in 90..900 {
        ann.say_json(&json!({"type": "message", "target": "deaf", "text": format!("{number} {}", "x".repeat(900))}));
        let answer = ann.wait_until("its copy, or that nobody is there", |object| {
            object["target"] == "deaf" || object["reason"] == "no-such-user"
        });
        if answer["type"] == "error" {
            break;
        }
    }
    let line = server.wait_for_log("too slow, 1013");
    assert!(line.contains("dropped connection 2 "), "{line}");
    let received = reader.join().expect("it is still there").0;
    assert!(
        received.privates.len() == 90 && received.privates.is_sorted_by_key(|text| number_of(text)),
        "{received:?}"
    );
}

fn number_of(text: &str) -> usize {
    let digits = text.trim_matches('"').split(' ').next().expect("a number");
    digits.parse().expect("a number")
}

/// A network namespace with two lines to it: a fast one, and one of 10 Mbit/s.
struct Network {
    name: String,
    number: u8,
}

impl Network {
    /// `None`: this machine cannot do it.
    fn new() -> Option<Self> {
        let number = (std::process::id() % 250) as u8;
        let network = Self { name: format!("chinwag{number}"), number };
        let mut command = network.sh("command -v ip && command -v tc && ip netns add NAME");
        if !command.output().is_ok_and(|output| output.status.success()) {
            return None;
        }
        for (line, net) in [("cwfast", 211), ("cwslow", 212)] {
            for step in [
                format!("ip link add {line}NN type veth peer name {line} netns NAME"),
                format!("ip addr add 10.{net}.NN.2/24 dev {line}NN && ip link set {line}NN up"),
                format!("ip -n NAME addr add 10.{net}.NN.1/24 dev {line} && ip -n NAME link set {line} up"),
            ] {
                run(network.sh(&step), DEADLINE);
            }
        }
        run(network.sh("tc -n NAME qdisc add dev cwslow root tbf rate 10mbit burst 32kb latency 100ms"), DEADLINE);
        Some(network)
    }

    fn sh(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(line.replace("NAME", &self.name).replace("NN", &self.number.to_string()));
        command
    }

    /// A server in it, and its addresses at the fast line and the slow one.
    fn start(&self, args: &[&str]) -> (Chinwag, SocketAddr, SocketAddr) {
        let listen = [211, 212].map(|net| format!("10.{net}.{}.1:0", self.number));
        let mut program = command(&["--listen", &listen[0], "--listen", &listen[1]]);
        program.args(args);
        let server = start(in_namespace(&self.name, &program));
        let (fast, slow) = (server.addr(), server.next_address());
        (server, fast, slow)
    }
}

fn in_namespace(name: &str, program: &Command) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", name]).arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

impl Drop for Network {
    fn drop(&mut self) {
        // The lines end with it.
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).status();
    }
}

#[test]
fn line_of_10_mbit_stays_in_a_flooded_room() {
    let Some(network) = Network::new() else {
        return skip("it needs root, and `ip` and `tc` of iproute2, to make a network namespace");
    };
    let (_server, fast_line, slow_line) = network.start(&["--limit", "rate=0"]);
    let mut slow = SlowClient::connect(slow_line, "", "slow", f64::INFINITY);
    let reader = thread::spawn(move || (slow.receive_all(), slow));
    let _flooders = flood(fast_line, "", 3);
    let last = say_last(fast_line);
    assert_eq!(last, (FLOODERS * MESSAGES * 3) as u64 + 1);
    let (received, mut slow) = reader.join().expect("it is still there");
    assert_eq!(received.messages + received.missed, last, "{received:?}");
    // A machine that is slower than the line leaves nothing out.
    assert!(received.messages > 500, "{received:?}");
    slow.expect_newcomer(fast_line);
}
