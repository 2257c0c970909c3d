//! Load generator: clients send at a fixed rate. It measures latency and checks that every message arrives.
//!
//! Run:      cargo run --release --example load -- ws://127.0.0.1:6502/ --clients 100 --rate 500 --secs 10
//!           (and before that, in another terminal: cargo run --release -- --no-limits)
//! Look at:  `due`. A message's number gives the time at which it should be sent, and latency counts from then on. So a
//!           server that stalls cannot hide it by delaying the next messages.

mod args;
mod clients;
mod counts;
mod received;

use args::Args;
use clients::Clients;
use counts::{Faults, Histogram, shown};
use received::{Received, due};
use std::{
    process::ExitCode,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// How long to wait for the next message.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest wait of one round, so that progress is printed in time.
const ROUND: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let args = match args::read(lexopt::Parser::from_env()) {
        Ok(Some(args)) => args,
        Ok(None) => {
            print!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(line) => {
            eprintln!("load: {line}");
            return ExitCode::from(2);
        }
    };
    match Run::start(args).map(Run::finish) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(line) => {
            eprintln!("load: {line}");
            ExitCode::FAILURE
        }
    }
}

/// One measurement.
struct Run {
    clients: Clients,
    received: Received,
    start: Instant,
    sent: u64,
    /// Messages to send; 0 until all clients have signed in.
    total: u64,
    /// Time spent waiting.
    idle: Duration,
    args: Args,
}

impl Run {
    /// Connects all clients, and signs in the senders.
    fn start(args: Args) -> Result<Run, String> {
        let (clients, received) = (Clients::connect(&args)?, Received::new(&args));
        let mut run = Run { clients, received, start: Instant::now(), sent: 0, total: 0, idle: Duration::ZERO, args };
        println!("{} clients are connected to {}", run.args.clients, run.args.url);
        run.sign_in()?;
        Ok(run)
    }

    fn sign_in(&mut self) -> Result<(), String> {
        // `wait` does not report messages that arrived together with the 101 response.
        (0..self.args.clients).try_for_each(|client| self.read(client))?;
        // A client that has its id is in the room and receives what follows.
        self.wait_until("got an id", |run| run.received.numbered >= run.args.clients)?;
        for sender in 0..self.args.senders {
            self.clients.send(sender, self.received.sign_in(sender))?;
        }
        let expected = self.args.senders * self.args.clients;
        self.wait_until("received all names", |run| run.received.signed_in >= expected)?;
        // The last list of users comes up to 100 ms later. It is not part of the measurement.
        let settled = Instant::now() + 4 * ROUND;
        while Instant::now() < settled {
            self.round()?;
        }
        Ok(())
    }

    fn wait_until(&mut self, what: &str, is_done: impl Fn(&Run) -> bool) -> Result<(), String> {
        while !is_done(self) {
            self.round()?;
            if self.received.last_received.elapsed() > TIMEOUT {
                return Err(format!("not all clients {what}, and nothing arrived for {TIMEOUT:?}"));
            }
        }
        Ok(())
    }

    /// Measures and reports. True if there were no faults.
    fn finish(mut self) -> bool {
        let stopped = self.measure().err();
        self.clients.close();
        self.report(stopped.as_deref())
    }

    fn measure(&mut self) -> Result<(), String> {
        let (waker, rate, total) = (Arc::new(self.clients.waker()?), self.args.rate, self.args.rate * self.args.secs);
        let start = self.received.begin();
        (self.start, self.total, self.idle) = (start, total, Duration::ZERO);
        let timer_waker = Arc::clone(&waker); // `waker` is kept, because dropping the last one loses its pending wake-up
        thread::spawn(move || timer(&timer_waker, start, rate, total));
        let mut line_at = start + Duration::from_secs(1);
        while self.sent < self.total || self.expects_more() {
            self.send_due()?;
            self.round()?;
            if Instant::now() >= line_at {
                self.progress();
                line_at += Duration::from_secs(1);
            }
        }
        drop(waker);
        Ok(())
    }

    fn expects_more(&self) -> bool {
        !self.received.deliveries.is_complete(self.sent) && self.received.last_received.elapsed() < TIMEOUT
    }

    /// Waits for messages and reads them.
    fn round(&mut self) -> Result<(), String> {
        let before = Instant::now();
        let ready = self.clients.wait(ROUND)?;
        self.idle += before.elapsed();
        for (client, must_read) in ready {
            if must_read {
                self.read(client)?;
            } else {
                self.clients.flush(client)?;
            }
            self.send_due()?;
        }
        self.received.refusal.take().map_or(Ok(()), Err)
    }

    fn read(&mut self, client: usize) -> Result<(), String> {
        self.clients.read(client, |text| self.received.add(client, text))
    }

    fn send_due(&mut self) -> Result<(), String> {
        while self.sent < self.total && due(self.start, self.args.rate, self.sent) <= Instant::now() {
            let sender = self.sent % self.args.senders as u64;
            let message = self.received.message(self.sent, self.args.text);
            self.sent += 1;
            self.clients.send(sender as usize, message)?;
        }
        Ok(())
    }

    fn progress(&mut self) {
        let recent = std::mem::replace(&mut self.received.recent, Histogram::new());
        let waiting = self.sent * self.args.clients as u64 - self.received.deliveries.count();
        println!(
            "{:4} s  sent {:8}  received {:10}  outstanding {waiting:8}  {}",
            self.start.elapsed().as_secs(),
            self.sent,
            self.received.deliveries.count(),
            percentiles(&recent)
        );
    }

    fn report(&self, stopped: Option<&str>) -> bool {
        let Self { args, received, sent, .. } = self;
        let seconds = self.start.elapsed().as_secs_f64();
        let (count, faults) = (received.deliveries.count(), received.deliveries.faults(*sent));
        let sum = faults.iter().fold(Faults::default(), |sum, (_, faults)| sum + *faults);
        println!("\n{} clients, {} of them send, {} bytes of text", args.clients, args.senders, args.text);
        println!("sent     {sent} messages of {}, at {} a second", self.total, args.rate);
        println!("received {count} times, {:.0} a second", count as f64 / seconds);
        println!("latency  {}, from the time at which a message was due", percentiles(&received.latency));
        let shown = |faults: Faults| faults.shown(stopped.is_some());
        println!("faults   {}, at {} clients", shown(sum), faults.len());
        faults.iter().take(5).for_each(|(client, faults)| println!("         client {client}: {}", shown(*faults)));
        let busy = 100.0 * (1.0 - self.idle.as_secs_f64() / seconds);
        let hint =
            if stopped.is_none() && busy > 80.0 { "; it may be the bottleneck: give it a core of its own" } else { "" };
        println!("load     this program was busy for {busy:.0} % of the time{hint}");
        stopped.iter().for_each(|why| eprintln!("load: stopped: {why}"));
        stopped.is_none() && faults.is_empty()
    }
}

fn percentiles(times: &Histogram) -> String {
    let at = |percent| shown(times.percentile(percent));
    format!("p50 {}  p90 {}  p99 {}  max {}", at(50.0), at(90.0), at(99.0), shown(times.max()))
}

/// Wakes the main thread when a message is due. `poll` itself has a resolution of milliseconds.
fn timer(waker: &mio::Waker, start: Instant, rate: u64, total: u64) {
    for number in 0..total {
        let wait = due(start, rate, number).saturating_duration_since(Instant::now());
        // If the main thread is late, it is not waiting.
        if !wait.is_zero() {
            thread::sleep(wait);
            if waker.wake().is_err() {
                return;
            }
        }
    }
}
