//! Wrong: the thread that reads and the thread that writes share a socket in a Mutex. The reader holds the lock while it
//! waits, so a message waits until the client sends something.
//!
//! Run:      cargo run --example grow_wrong_mutex
//! Look at:  the time that one message takes. It is often several times as long as the client's pauses: the reader takes
//!           the lock again before the writer has woken up. Right: examples/12_duplex.rs.

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
    thread::spawn(move || serve(&listener, &sender).unwrap_or_else(|error| println!("the server: {error}")));
    let (mut client, _) = tungstenite::client(format!("ws://{addr}/"), TcpStream::connect(addr)?)?;
    let socket = reading.recv()?;
    let writer = thread::spawn(move || write(&socket));
    for _ in 0..MESSAGES {
        thread::sleep(PAUSE);
        client.send(Message::text("I am here"))?;
    }
    client.close(None)?;
    let latency = writer.join().map_err(|_| "the writer failed")?;
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

/// Returns how long it takes to send one message.
fn write(socket: &Shared) -> Duration {
    let begin = Instant::now();
    let result = socket.lock().unwrap_or_else(PoisonError::into_inner).send(Message::text("news"));
    let latency = begin.elapsed();
    if let Err(error) = result {
        println!("the message comes too late: {error}");
    }
    latency
}
