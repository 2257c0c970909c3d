//! HTTP as scripts use it: posted messages, and streams that are read line by line.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::{Answer, DEADLINE, raw};

/// Posts a body with more header fields, such as `Content-Type: application/json`.
#[track_caller]
pub fn post(addr: SocketAddr, target: &str, fields: &[&str], body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    let length = body.len();
    let head = format!("POST {target} HTTP/1.1\r\nHost: {addr}\r\nContent-Length: {length}\r\n{fields}\r\n");
    Answer::parse(&raw(addr, &[head.as_bytes(), body].concat()))
}

/// Posts a text, which must be accepted. Returns its number.
#[track_caller]
pub fn posted(addr: SocketAddr, target: &str, text: &str) -> u64 {
    let answer = post(addr, target, &[], text);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let receipt: Value = serde_json::from_slice(&answer.body).expect("JSON");
    receipt["seq"].as_u64().expect("a number")
}

/// Posts a text. Returns the status.
///
/// # Errors
/// The connection cannot be opened, or ends before there is a response.
pub fn try_post(addr: SocketAddr, target: &str, fields: &[&str], text: &str) -> io::Result<u16> {
    let mut socket = TcpStream::connect_timeout(&addr, DEADLINE)?;
    socket.set_read_timeout(Some(DEADLINE))?;
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    let length = text.len();
    let request = format!("POST {target} HTTP/1.1\r\nHost: {addr}\r\nContent-Length: {length}\r\n{fields}\r\n{text}");
    socket.write_all(request.as_bytes())?;
    let mut line = String::new();
    BufReader::new(socket).read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// A stream of a room. Each read has a deadline.
#[derive(Debug)]
pub struct Stream {
    reader: BufReader<TcpStream>,
    /// The head of the response.
    pub head: String,
}

/// A server-sent event.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerEvent {
    /// `message` if it has no name.
    pub name: String,
    /// The field `id`.
    pub id: Option<u64>,
    /// The data, which is JSON.
    pub data: Value,
}

impl Stream {
    /// Opens a stream with more header fields, such as `Accept: text/event-stream`.
    #[track_caller]
    pub fn open(addr: SocketAddr, target: &str, fields: &[&str]) -> Stream {
        let stream = Stream::try_open(addr, target, fields).expect("a response");
        assert!(stream.head.starts_with("HTTP/1.1 200 "), "{}", stream.head);
        stream
    }

    /// Like [`Stream::open`], with any response.
    ///
    /// # Errors
    /// The server refuses the connection, or ends it.
    pub fn try_open(addr: SocketAddr, target: &str, fields: &[&str]) -> io::Result<Stream> {
        let mut socket = TcpStream::connect_timeout(&addr, DEADLINE)?;
        socket.set_read_timeout(Some(DEADLINE))?;
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        socket.write_all(format!("GET {target} HTTP/1.1\r\nHost: {addr}\r\n{fields}\r\n").as_bytes())?;
        let mut stream = Stream { reader: BufReader::new(socket), head: String::new() };
        loop {
            match stream.try_line()?.as_deref() {
                Some("") => return Ok(stream),
                Some(line) => stream.head = format!("{}{line}\n", stream.head),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// The socket's, and the deadline.
    pub fn try_line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        match self.reader.read_line(&mut line)? {
            0 => Ok(None),
            _ if !line.ends_with('\n') => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned())),
        }
    }

    /// The next line.
    #[track_caller]
    pub fn line(&mut self) -> String {
        self.try_line().expect("no error").expect("no end")
    }

    /// The next event; `None` at the end. Comments are skipped.
    ///
    /// # Errors
    /// As [`Stream::try_line`], and an event without its end.
    pub fn try_event(&mut self) -> io::Result<Option<ServerEvent>> {
        let mut event = ServerEvent { name: "message".to_owned(), id: None, data: Value::Null };
        while let Some(line) = self.try_line()? {
            match line.split_once(": ") {
                Some(("event", name)) => event.name = name.to_owned(),
                Some(("id", id)) => event.id = Some(id.parse().expect("a number")),
                Some(("data", data)) => event.data = serde_json::from_str(data).expect("JSON"),
                _ if line.is_empty() && event.data != Value::Null => return Ok(Some(event)),
                _ if line.is_empty() || line.starts_with(':') => {}
                _ => panic!("unknown field: {line:?}"),
            }
        }
        Ok(None)
    }

    /// The next event.
    #[track_caller]
    pub fn event(&mut self) -> ServerEvent {
        self.try_event().expect("no error").expect("no end")
    }

    /// The socket.
    pub fn socket(&self) -> &TcpStream {
        self.reader.get_ref()
    }
}
