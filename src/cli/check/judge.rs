//! Compares what a server does with what a case expects.

use super::cases::{Case, Expect, Pieces};
use super::connection::{Connection, Next, Response, TIMEOUT, Target};
use super::frame::{CLOSE, FIN, PONG, frame};
use std::time::{Duration, Instant};

/// The payload of the Ping behind each case, whose Pong shows that the server is still connected.
const ALIVE: &[u8] = b"still there?";

/// The most bytes that a report shows.
const SHOWN: usize = 24;

/// How often a handshake is repeated that the server refused because there were too many.
const ATTEMPTS: usize = 10;

/// What a case showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Kept,
    /// Allowed, but not what most servers do.
    Unusual(String),
    Broken(String),
    /// A rule of the server's own came first.
    Untried(String),
}

use Verdict::{Broken, Kept, Untried, Unusual};

/// Whether the server sends messages back.
///
/// # Errors
/// One line: there is no server, or it does not accept.
pub(super) fn echoes(target: &Target, valid: &Case) -> Result<bool, String> {
    let (mut connection, response) = shake_hands(target, valid)?;
    let status = response.ok_or_else(|| format!("{}: it does not answer in HTTP", target.uri))?.status;
    if status != 101 {
        let url = &target.uri;
        return Err(format!("{url}: it answered {status}; is the path right, does it need --protocol or --header?"));
    }
    connection.send(&[frame(FIN | 1, b"chinwag check")], Pieces::Frames);
    Ok(judge_message(&mut connection, b"chinwag check", true, Duration::from_secs(2)) == Kept)
}

/// Sends the request of a case. A server that has had too many is asked again a little later.
fn shake_hands(target: &Target, case: &Case) -> Result<(Connection, Option<Response>), String> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let mut connection = target.connect().map_err(|why| format!("{}: {why}", target.uri))?;
        let request = [target.request(case).into_bytes()];
        connection.send(&request, if case.pieces == Pieces::Slow { Pieces::Bytes } else { Pieces::Frames });
        let response = connection.response();
        match &response {
            Some(busy) if matches!(busy.status, 429 | 503) && attempt < ATTEMPTS => {
                let seconds = busy.field("Retry-After").and_then(|value| value.parse().ok()).unwrap_or(1);
                std::thread::sleep(Duration::from_secs(seconds).min(TIMEOUT));
            }
            _ => return Ok((connection, response)),
        }
    }
}

/// Tries a case. The second value is what was received, after the handshake if there are frames.
pub(super) fn attempt(target: &Target, case: &Case, echoes: bool) -> (Verdict, String) {
    let (mut connection, response) = match shake_hands(target, case) {
        Ok(done) => done,
        Err(why) => return (Broken(why), String::new()),
    };
    let status = response.as_ref().map(|response| response.status);
    let verdict = match (&case.expect, response) {
        (Expect::Refusal(_), None) => Unusual("it ended the connection without a response".into()),
        (Expect::Refusal(_), Some(Response { status: 101, .. })) => Broken("it accepted".into()),
        (Expect::Refusal(usual), Some(Response { status, .. })) if usual.contains(&status) => Kept,
        (Expect::Refusal(_), Some(Response { status, .. })) => Unusual(format!("it answered {status}")),
        (_, None) => Broken("it did not answer the request".into()),
        (_, Some(response)) => match target.judge_acceptance(&response) {
            Ok(()) => judge_frames(&mut connection, case, echoes),
            Err(why) => Broken(why),
        },
    };
    let received = match status {
        Some(status) if case.frames.is_empty() => format!("status {status}"),
        _ => hex(&connection.received),
    };
    (verdict, received)
}

fn judge_frames(connection: &mut Connection, case: &Case, echoes: bool) -> Verdict {
    connection.send(&case.frames, case.pieces);
    match &case.expect {
        Expect::Message(message) => judge_message(connection, message, echoes, TIMEOUT),
        Expect::Pongs(pongs) => judge_pongs(connection, pongs),
        Expect::Failure(code) => match judge_failure(connection, *code) {
            // It took an invalid code for a valid one.
            Unusual(why) if case.section == "7.4" && why.starts_with("it closed with ") => Broken(why),
            verdict => verdict,
        },
        Expect::Close(code) => judge_close(connection, *code),
        Expect::Refusal(_) => Kept,
    }
}

/// A connection that should stay open did not.
fn ended(next: &Next) -> Verdict {
    match next {
        Next::Frame(frame) => match frame.code() {
            // What RFC 6455 7.4.1 names for reasons of the server's own, and what applications define.
            Some(code @ (1003 | 1008 | 1009 | 1013 | 4000..=4999)) => {
                Untried(format!("it closed with {code}, for a reason of its own"))
            }
            Some(code) => Broken(format!("it closed with {code}")),
            None => Broken("it closed".into()),
        },
        Next::End => Broken("it ended the connection".into()),
        Next::Silence => Broken(format!("nothing came within {} s", TIMEOUT.as_secs())),
        Next::Invalid(why) => Broken((*why).to_owned()),
    }
}

/// Of a server that echoes, waits for the message.
fn judge_message(connection: &mut Connection, message: &[u8], echoes: bool, timeout: Duration) -> Verdict {
    let deadline = Instant::now() + timeout;
    let (mut parts, mut is_back) = (Vec::<u8>::new(), !echoes);
    while !is_back {
        match connection.next(deadline) {
            Next::Frame(frame) if frame.opcode() < CLOSE => {
                parts.extend(&frame.payload);
                if frame.is_final() {
                    is_back = std::mem::take(&mut parts) == message;
                }
            }
            Next::Frame(frame) if frame.opcode() != CLOSE => (),
            Next::Silence => return Broken("the message did not come back as it was sent".into()),
            other => return ended(&other),
        }
    }
    judge_alive(connection)
}

fn judge_pongs(connection: &mut Connection, pongs: &[Vec<u8>]) -> Verdict {
    let deadline = Instant::now() + TIMEOUT;
    let (mut expected, mut count) = (pongs.iter(), 0);
    while expected.len() > 0 {
        match connection.next(deadline) {
            Next::Frame(frame) if frame.opcode() == PONG => {
                if !expected.any(|payload| *payload == frame.payload) {
                    return Broken(format!("it sent a Pong with {}", hex(&frame.payload)));
                }
                count += 1;
            }
            Next::Frame(frame) if frame.opcode() != CLOSE => (),
            Next::Silence if count > 0 => break,
            other => return ended(&other),
        }
    }
    match judge_alive(connection) {
        // 5.5.3 allows to answer only one of several that wait.
        Kept if count < pongs.len() => Unusual(format!("it answered {count} of {} Pings", pongs.len())),
        verdict => verdict,
    }
}

/// Waits for the Pong to a last Ping.
fn judge_alive(connection: &mut Connection) -> Verdict {
    let deadline = Instant::now() + TIMEOUT;
    connection.send(&[frame(FIN | 9, ALIVE)], Pieces::Frames);
    loop {
        match connection.next(deadline) {
            Next::Frame(frame) if frame.opcode() == PONG && frame.payload == ALIVE => return Kept,
            Next::Frame(frame) if frame.opcode() != CLOSE => (),
            other => return ended(&other),
        }
    }
}

fn judge_failure(connection: &mut Connection, code: u16) -> Verdict {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        return match connection.next(deadline) {
            Next::Frame(frame) if frame.opcode() != CLOSE => continue,
            Next::Frame(frame) if frame.code() == Some(code) => Kept,
            Next::Frame(frame) => match frame.code() {
                Some(other) => Unusual(format!("it closed with {other} instead of {code}")),
                None => Unusual(format!("it closed without the code {code}")),
            },
            Next::End => Unusual(format!("it ended the connection without a Close frame with {code}")),
            Next::Silence => Broken(format!("it was still connected after {} s", TIMEOUT.as_secs())),
            Next::Invalid(why) => Unusual(why.to_owned()),
        };
    }
}

fn judge_close(connection: &mut Connection, code: Option<u16>) -> Verdict {
    let deadline = Instant::now() + TIMEOUT;
    let mut answer = None;
    loop {
        match connection.next(deadline) {
            Next::Frame(frame) if frame.opcode() == PONG => {
                return Broken("it answered what came after the Close".into());
            }
            Next::Frame(frame) if frame.opcode() == CLOSE => answer = Some(frame.code()),
            Next::Frame(_) => (),
            Next::End => break,
            Next::Silence if answer.is_some() => {
                return Unusual("it did not end the TCP connection after the Close".into());
            }
            other => return ended(&other),
        }
    }
    match answer {
        None => Broken("it ended the connection without a Close frame".into()),
        Some(answer) if answer == code => Kept,
        Some(Some(error @ (1002 | 1007))) => Broken(format!("it answered with {error}, as if the Close were wrong")),
        Some(answer) => Unusual(match answer {
            Some(other) => format!("it answered with {other}"),
            None => "it answered without a code".into(),
        }),
    }
}

/// `81 05 48 …`
pub(super) fn hex(bytes: &[u8]) -> String {
    let shown: Vec<_> = bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
    let rest = if bytes.len() > SHOWN { format!(" … ({} bytes)", bytes.len()) } else { String::new() };
    if bytes.is_empty() { "nothing".into() } else { shown.join(" ") + &rest }
}
