//! Load for a running chinwag: clients that talk at a fixed rate, how long it takes, and whether everything arrives.
//!
//! Run:      cargo run --release --example load -- ws://127.0.0.1:6502/ --clients 100 --rate 500 --secs 10
//!           (and before that, in another terminal: cargo run --release -- --no-limits)
//! Look at:  `due`: a message carries its number, the number says when it should have been sent, and its latency
//!           counts from then on. So a server that stalls cannot hide it by delaying what would be sent next.

mod args;
mod crowd;
mod listener;
mod tally;

use args::Args;
use crowd::Crowd;
use listener::{Listener, due};
use std::{
    process::ExitCode,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tally::{Faults, Histogram, shown};

/// How long to wait for the next thing to arrive.
const PATIENCE: Duration = Duration::from_secs(5);

/// A turn of the loop ends after this at the latest, so that progress is printed in time.
const TURN: Duration = Duration::from_millis(50);

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
    crowd: Crowd,
    listener: Listener,
    start: Instant,
    sent: u64,
    /// How many to send; none until everybody has signed in.
    total: u64,
    /// Time in which there was nothing to do.
    idle: Duration,
    args: Args,
}

impl Run {
    /// Connects everybody, and signs in those who will talk.
    fn start(args: Args) -> Result<Run, String> {
        let (crowd, listener) = (Crowd::connect(&args)?, Listener::new(&args));
        let mut run = Run { crowd, listener, start: Instant::now(), sent: 0, total: 0, idle: Duration::ZERO, args };
        println!("{} clients are connected to {}", run.args.clients, run.args.url);
        run.sign_in()?;
        Ok(run)
    }

    fn sign_in(&mut self) -> Result<(), String> {
        // What came in one piece with the answer to the handshake is not announced by `wait`.
        (0..self.args.clients).try_for_each(|client| self.read(client))?;
        // Only whoever has got its number is in the room, and hears what follows.
        self.wait_until("got its number", |run| run.listener.numbered >= run.args.clients)?;
        for sender in 0..self.args.senders {
            self.crowd.send(sender, self.listener.sign_in(sender))?;
        }
        let most = self.args.senders * self.args.clients;
        self.wait_until("heard who signed in", |run| run.listener.signed_in >= most)?;
        // The last list of users comes up to 100 ms later, and is not what is to be measured.
        let settled = Instant::now() + 4 * TURN;
        while Instant::now() < settled {
            self.turn()?;
        }
        Ok(())
    }

    fn wait_until(&mut self, what: &str, is_done: impl Fn(&Run) -> bool) -> Result<(), String> {
        while !is_done(self) {
            self.turn()?;
            if self.listener.last_heard.elapsed() > PATIENCE {
                return Err(format!("not everybody {what}, and nothing came for {PATIENCE:?}"));
            }
        }
        Ok(())
    }

    /// Measures and reports. True: all was well.
    fn finish(mut self) -> bool {
        let stopped = self.talk().err();
        self.crowd.close();
        self.report(stopped.as_deref())
    }

    fn talk(&mut self) -> Result<(), String> {
        let (waker, rate, total) = (Arc::new(self.crowd.waker()?), self.args.rate, self.args.rate * self.args.secs);
        let start = self.listener.begin();
        (self.start, self.total, self.idle) = (start, total, Duration::ZERO);
        let beats = Arc::clone(&waker); // ours is kept: the last waker takes what it has not yet said with it
        thread::spawn(move || metronome(&beats, start, rate, total));
        let mut line_at = start + Duration::from_secs(1);
        while self.sent < self.total || self.expects_more() {
            self.send_due()?;
            self.turn()?;
            if Instant::now() >= line_at {
                self.progress();
                line_at += Duration::from_secs(1);
            }
        }
        drop(waker);
        Ok(())
    }

    fn expects_more(&self) -> bool {
        !self.listener.ledger.is_complete(self.sent) && self.listener.last_heard.elapsed() < PATIENCE
    }

    /// Waits for what comes, and hears it.
    fn turn(&mut self) -> Result<(), String> {
        let before = Instant::now();
        let ready = self.crowd.wait(TURN)?;
        self.idle += before.elapsed();
        for client in ready {
            self.read(client)?;
            self.send_due()?;
        }
        self.listener.refusal.take().map_or(Ok(()), Err)
    }

    fn read(&mut self, client: usize) -> Result<(), String> {
        self.crowd.read(client, |text| self.listener.hear(client, text))
    }

    fn send_due(&mut self) -> Result<(), String> {
        while self.sent < self.total && due(self.start, self.args.rate, self.sent) <= Instant::now() {
            let sender = self.sent % self.args.senders as u64;
            let message = self.listener.message(self.sent, self.args.text);
            self.sent += 1;
            self.crowd.send(sender as usize, message)?;
        }
        Ok(())
    }

    fn progress(&mut self) {
        let lately = std::mem::replace(&mut self.listener.lately, Histogram::new());
        let waiting = self.sent * self.args.clients as u64 - self.listener.ledger.heard();
        println!(
            "{:4} s  sent {:8}  heard {:10}  on their way {waiting:8}  {}",
            self.start.elapsed().as_secs(),
            self.sent,
            self.listener.ledger.heard(),
            percentiles(&lately)
        );
    }

    fn report(&self, stopped: Option<&str>) -> bool {
        let Self { args, listener, sent, .. } = self;
        let seconds = self.start.elapsed().as_secs_f64();
        let (heard, faults) = (listener.ledger.heard(), listener.ledger.faults(*sent));
        let sum = faults.iter().fold(Faults::default(), |sum, (_, faults)| sum + *faults);
        println!("\n{} clients, {} of them talk, {} bytes of text", args.clients, args.senders, args.text);
        println!("sent     {sent} messages of {}, {} a second wanted", self.total, args.rate);
        println!("heard    {heard} times, {:.0} a second", heard as f64 / seconds);
        println!("latency  {}, from when it should have been sent", percentiles(&listener.latency));
        let shown = |faults: Faults| faults.shown(stopped.is_some());
        println!("faults   {}, at {} clients", shown(sum), faults.len());
        faults.iter().take(5).for_each(|(client, faults)| println!("         client {client}: {}", shown(*faults)));
        let busy = 100.0 * (1.0 - self.idle.as_secs_f64() / seconds);
        let hint = if stopped.is_none() && busy > 80.0 {
            "; it may be what limits: let it have a core of its own"
        } else {
            ""
        };
        println!("load     this program was busy for {busy:.0} % of the time{hint}");
        stopped.iter().for_each(|why| eprintln!("load: stopped: {why}"));
        stopped.is_none() && faults.is_empty()
    }
}

fn percentiles(times: &Histogram) -> String {
    let at = |percent| shown(times.percentile(percent));
    format!("p50 {}  p90 {}  p99 {}  max {}", at(50.0), at(90.0), at(99.0), shown(times.max()))
}

/// Ends the main thread's wait whenever a message is due: its own time-outs are whole milliseconds.
fn metronome(waker: &mio::Waker, start: Instant, rate: u64, total: u64) {
    for number in 0..total {
        let wait = due(start, rate, number).saturating_duration_since(Instant::now());
        // Behind: then it is awake anyhow.
        if !wait.is_zero() {
            thread::sleep(wait);
            if waker.wake().is_err() {
                return;
            }
        }
    }
}
