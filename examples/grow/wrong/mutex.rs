//! Wrong: two threads share a WebSocket in a Mutex, one that reads and one that sends. The reader holds the lock while
//! it waits. So a message waits until the client sends something.
//!
//! Run:      cargo run --example grow_wrong_mutex
//! Look at:  the time that a message takes. It may be several pauses of the client: the reader takes the lock again
//!           before the other thread has woken up.
//! Right:    examples/12_duplex.rs

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};
use std::{error::Error, net::TcpListener, net::TcpStream, thread};
use tungstenite::{Message, WebSocket};

/// Between two messages of the client.
const PAUSE: Duration = Duration::from_millis(200);
const MESSAGES: u32 = 10;

type Shared = Arc<Mutex<WebSocket<TcpStream>>>;

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let (sender, reading) = mpsc::channel();
    thread::spawn(move || _ = serve(&listener, &sender));
    let (mut client, _) = tungstenite::client(format!("ws://{addr}/"), TcpStream::connect(addr)?)?;
    let socket = reading.recv()?;
    let begin = Instant::now();
    let writer = thread::spawn(move || write(&socket));
    for _ in 0..MESSAGES {
        thread::sleep(PAUSE);
        client.send(Message::text("I am here"))?;
    }
    client.close(None)?;
    let latency = writer.join().map_err(|_| "the writer failed")? - begin;
    println!("a message takes {} ms, because the client's pauses are {} ms", latency.as_millis(), PAUSE.as_millis());
    Ok(())
}

/// Here is the mistake: `read` waits, and the lock is held meanwhile.
fn serve(listener: &TcpListener, started: &mpsc::Sender<Shared>) -> Result<(), Box<dyn Error>> {
    let socket = Arc::new(Mutex::new(tungstenite::accept(listener.accept()?.0)?));
    loop {
        let mut locked = socket.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = started.send(socket.clone());
        locked.read()?;
    }
}

/// Sends one message, and returns when that was.
fn write(socket: &Shared) -> Instant {
    let result = socket.lock().unwrap_or_else(PoisonError::into_inner).send(Message::text("news"));
    if let Err(error) = result {
        println!("the message comes too late: {error}");
    }
    Instant::now()
}
