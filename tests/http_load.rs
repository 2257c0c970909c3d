//! Scripts that post all the time, beside users of WebSockets.

mod support;

use serde_json::json;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use support::stream::try_post;
use support::{Client, start_binary};

const USERS: usize = 100;
const SCRIPTS: usize = 10;

/// The posts of all scripts.
const PER_SECOND: u32 = 200;
const SECONDS: u32 = 3;
const PER_SCRIPT: u32 = PER_SECOND * SECONDS / SCRIPTS as u32;

/// The flood ends, whatever happens to the scripts.
const MOST: Duration = Duration::from_secs(120);

/// Each user receives each post. The latency is printed only, because it depends on what else the machine does. Each script has
/// an address of its own. One more script posts without a pause, and gets no more than its rate.
#[test]
fn posts_reach_every_user_and_each_address_has_its_rate() {
    let rates = ["--limit", "address-rate=30", "--limit", "address-burst=60", "--limit", "room-rate=0"];
    let server = start_binary(&[&["--trusted-proxy", "127.0.0.1", "--limit", "per-address=0"], &rates[..]].concat());
    let (addr, start) = (server.addr(), Instant::now());
    let mut users: Vec<Client> = (0..USERS).map(|_| Client::enter(addr, "/")).collect();
    let accepted = AtomicUsize::new(0);
    let is_over = || accepted.load(SeqCst) >= (SECONDS * PER_SECOND) as usize || start.elapsed() > MOST;
    thread::scope(|scope| {
        let threads: Vec<_> =
            users.iter_mut().map(|user| scope.spawn(move || slowest_hundredth(user, start))).collect();
        for script in 0..SCRIPTS {
            let accepted = &accepted;
            scope.spawn(move || post_regularly(addr, script, start, accepted));
        }
        let flood = scope.spawn(|| flood(addr, is_over));
        let p99 = threads.into_iter().map(|thread| thread.join().expect("no panic")).max().expect("users");
        println!("the slowest user's p99: {p99:?}");
        let (posted, time) = flood.join().expect("no panic");
        let allowed = 60.0 + 30.0 * time.as_secs_f64();
        assert!((1..=allowed.ceil() as usize).contains(&posted), "{posted} posts in {time:?}");
    });
}

/// Posts the time at which it does so.
fn post_regularly(addr: SocketAddr, script: usize, start: Instant, accepted: &AtomicUsize) {
    let begin = Instant::now();
    for nth in 0..PER_SCRIPT {
        let due = begin + Duration::from_secs(1) * nth * SCRIPTS as u32 / PER_SECOND;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let (client, now) = (format!("X-Forwarded-For: 192.0.2.{script}"), start.elapsed().as_micros().to_string());
        assert_eq!(try_post(addr, "/?name=script", &[&client], &now).expect("a response"), 201);
        accepted.fetch_add(1, SeqCst);
    }
}

/// Returns how many posts were accepted, and in which time.
fn flood(addr: SocketAddr, is_over: impl Fn() -> bool) -> (usize, Duration) {
    let (begin, mut posted) = (Instant::now(), 0);
    while !is_over() {
        match try_post(addr, "/?name=flood", &["X-Forwarded-For: 198.51.100.1"], "flood").expect("a response") {
            201 => posted += 1,
            429 => thread::sleep(Duration::from_millis(5)),
            status => panic!("answered {status}"),
        }
    }
    (posted, begin.elapsed())
}

/// The latency of the posts at this user that only one of a hundred exceeds.
fn slowest_hundredth(user: &mut Client, start: Instant) -> Duration {
    user.say_json(&json!({"type": "username", "name": "user"}));
    let mut latencies: Vec<Duration> = (0..SECONDS * PER_SECOND)
        .map(|_| {
            let message = user.wait_until("a post", |object| object["name"] == "script");
            let sent: u64 = message["text"].as_str().and_then(|text| text.parse().ok()).expect("a time");
            start.elapsed().saturating_sub(Duration::from_micros(sent))
        })
        .collect();
    latencies.sort();
    latencies[latencies.len() * 99 / 100]
}
