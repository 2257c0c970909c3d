//! Server-sent events: when only the server has something to send, an HTTP response that does not end is enough.
//!
//! Run:      cargo run --example 14_sse -- 127.0.0.1:9014
//! Look at:  curl -N http://127.0.0.1:9014/events      (end it with Ctrl-C; the page http://127.0.0.1:9014/ shows the same)
//!           curl -d 'door open' http://127.0.0.1:9014/      (a client sends with a request of its own each time)

use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{env, thread, time::Duration};

const PAGE: &str = "<!doctype html><link rel=icon href=data:,><pre></pre><script>
  source = new EventSource('/events');
  source.onmessage = (event) => document.querySelector('pre').append(event.data, '\\n');
</script>";

/// A line that begins with a colon is a comment, which curl shows and EventSource ignores.
const BEGIN: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\r\n: connected\n\n";

fn main() -> Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).unwrap_or("127.0.0.1:9014".into()))?;
    println!("events at http://{}/events", listener.local_addr()?);
    let (sender, inputs) = sync_channel(64);
    thread::spawn(move || send(&inputs));
    for stream in listener.incoming().flatten() {
        let sender = sender.clone();
        thread::spawn(move || serve(stream, &sender).unwrap_or_else(|error| println!("request failed: {error}")));
    }
    Ok(())
}

enum Input {
    Reader(TcpStream),
    Line(String),
}

/// Sends each line to all readers. A reader that is gone or takes nothing for a second is dropped.
fn send(inputs: &Receiver<Input>) {
    let mut readers: Vec<TcpStream> = Vec::new();
    for input in inputs {
        match input {
            Input::Reader(mut stream) => {
                if stream.write_all(BEGIN.as_bytes()).is_ok() {
                    readers.push(stream);
                }
            }
            Input::Line(line) => {
                let event = format!("data: {line}\n\n");
                readers.retain_mut(|reader| reader.write_all(event.as_bytes()).is_ok());
            }
        }
    }
}

fn serve(mut stream: TcpStream, sender: &SyncSender<Input>) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.set_write_timeout(Some(Duration::from_secs(1)))?;
    let mut input = BufReader::new(stream.try_clone()?).take(8192);
    let (request, length) = read_head(&mut input)?;
    let (status, kind, body) = match request.split(' ').collect::<Vec<_>>()[..] {
        ["GET", "/events", _] => return sender.send(Input::Reader(stream)).map_err(Error::other),
        ["GET", "/", _] => ("200 OK", "text/html", PAGE),
        ["POST", "/", _] => {
            let mut body = String::new();
            input.take(length).read_to_string(&mut body)?;
            // A line feed would begin another field of the event.
            sender.send(Input::Line(body.replace(['\r', '\n'], " "))).map_err(Error::other)?;
            ("202 Accepted", "text/plain", "sent\n")
        }
        _ => ("404 Not Found", "text/plain", "nothing here\n"),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n{body}")
}

/// Reads up to the empty line. Returns the first line, and the length of the body.
fn read_head(input: &mut impl BufRead) -> Result<(String, u64)> {
    let (mut request, mut length) = (String::new(), 0);
    for line in input.lines() {
        let line = line?;
        match line.split_once(": ") {
            _ if line.is_empty() => break,
            Some((name, value)) if name.eq_ignore_ascii_case("Content-Length") => length = value.parse().unwrap_or(0),
            Some(_) => {}
            None => request = line,
        }
    }
    Ok((request, length))
}
