//! Compares what a server does with what a case expects.

use super::cases::Case;
use super::connection::{Connection, End, TIMEOUT, Target, find, write};
use serde::Serialize;
use std::{convert::Infallible, iter, mem};
use tungstenite::protocol::frame::{Frame, coding::Control, coding::OpCode};

/// A masked Ping behind each case, whose Pong shows that the server is still connected.
const PING: &[u8] = b"\x89\x8c\0\0\0\0still there?";
const ALIVE: &[u8] = b"still there?";

/// The most bytes that a report shows.
const SHOWN: usize = 24;

/// What a case showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Kept,
    /// Allowed, but not what most servers do.
    Unusual,
    Broken,
    /// A rule of the server's own came first.
    Untried,
}

/// A verdict, and why if the rule was not kept.
type Judgement = (Verdict, String);

const KEPT: Judgement = (Verdict::Kept, String::new());

use Verdict::{Broken, Kept, Untried, Unusual};

/// Whether the server sends messages back.
///
/// # Errors
/// One line: there is no server, or it does not accept.
pub(super) fn echoes(target: &Target, valid: &Case) -> Result<bool, String> {
    let (mut connection, response) = target.shake_hands(valid)?;
    let url = &target.uri;
    let status = response.ok_or_else(|| format!("{url}: it does not answer in HTTP"))?.status().as_u16();
    if status != 101 {
        return Err(format!("{url}: it answered {status}; is the path right, does it need --protocol or --header?"));
    }
    Ok(judge_frames(&mut connection, valid, true).0 == Kept)
}

/// Tries a case. The second value is what was received, after the handshake if there are frames.
pub(super) fn attempt(target: &Target, case: &Case, echoes: bool) -> (Judgement, String) {
    let (mut connection, response) = match target.shake_hands(case) {
        Ok(done) => done,
        Err(why) => return ((Broken, why), String::new()),
    };
    let status = response.as_ref().map(|response| response.status().as_u16());
    let judgement = match (case.expected, status) {
        ("refused", None) => (Unusual, "it ended the connection without a response".into()),
        ("refused", Some(101)) => (Broken, "it accepted".into()),
        ("refused", Some(status)) if case.codes.contains(&status) => KEPT,
        ("refused", Some(status)) => (Unusual, format!("it answered {status}")),
        _ => match response.as_ref().map(|response| target.judge_acceptance(response)) {
            None => (Broken, "it did not answer the request".into()),
            Some(Ok(())) => judge_frames(&mut connection, case, echoes),
            Some(Err(why)) => (Broken, why),
        },
    };
    let received = match status {
        Some(status) if case.writes.is_empty() => format!("status {status}"),
        _ => hex(&connection.get_ref().received),
    };
    (judgement, received)
}

fn judge_frames(connection: &mut Connection, case: &Case, echoes: bool) -> Judgement {
    write(&mut *connection.get_mut().stream, case.writes.iter().map(Vec::as_slice));
    let code = case.codes.first().copied();
    match case.expected {
        "message" => judge_message(connection, &case.payloads[0], echoes),
        "pongs" => judge_pongs(connection, &case.payloads),
        "closes" => judge_close(connection, code),
        _ => judge_failure(connection, code.unwrap_or_default(), case.section),
    }
}

fn pong(frame: &Frame) -> Option<Vec<u8>> {
    (frame.header().opcode == OpCode::Control(Control::Pong)).then(|| frame.payload().to_vec())
}

/// A connection that should stay open did not.
fn ended(end: End) -> Judgement {
    // What RFC 6455 7.4.1 names for reasons of the server's own, and what applications define.
    let is_own = matches!(end, End::Close(Some(1003 | 1008 | 1009 | 1013 | 4000..=4999)));
    (if is_own { Untried } else { Broken }, end.to_string())
}

/// Of a server that echoes, waits for the message.
fn judge_message(connection: &mut Connection, message: &[u8], echoes: bool) -> Judgement {
    let mut parts = Vec::<u8>::new();
    let is_back = |frame: &Frame| {
        let OpCode::Data(_) = frame.header().opcode else { return None };
        parts.extend(frame.payload());
        (frame.header().is_final && mem::take(&mut parts) == message).then_some(())
    };
    match if echoes { find(connection, is_back) } else { Ok(()) } {
        Ok(()) => judge_alive(connection),
        Err(End::Silence) => (Broken, "the message did not come back as it was sent".into()),
        Err(end) => ended(end),
    }
}

fn judge_pongs(connection: &mut Connection, pongs: &[Vec<u8>]) -> Judgement {
    let (mut expected, mut count) = (pongs.iter(), 0);
    while expected.len() > 0 {
        match find(connection, pong) {
            Ok(payload) if expected.any(|expected| *expected == payload) => count += 1,
            Ok(payload) => return (Broken, format!("it sent a Pong with {}", hex(&payload))),
            Err(End::Silence) if count > 0 => break,
            Err(end) => return ended(end),
        }
    }
    match judge_alive(connection) {
        // 5.5.3 allows to answer only one of several that wait.
        (Kept, _) if count < pongs.len() => (Unusual, format!("it answered {count} of {} Pings", pongs.len())),
        judgement => judgement,
    }
}

/// Waits for the Pong to a last Ping.
fn judge_alive(connection: &mut Connection) -> Judgement {
    write(&mut *connection.get_mut().stream, iter::once(PING));
    find(connection, |frame| pong(frame).filter(|payload| payload == ALIVE)).map_or_else(ended, |_| KEPT)
}

/// How a connection that must fail ends.
fn judge_failure(connection: &mut Connection, code: u16, section: &str) -> Judgement {
    let Err(end) = find::<Infallible>(connection, |_| None);
    let why = format!("{end}, instead of a Close with {code}");
    match end {
        End::Close(Some(other)) if other == code => KEPT,
        // It took an invalid code for a valid one.
        End::Close(Some(_)) if section == "7.4" => (Broken, why),
        End::Silence => (Broken, format!("it was still connected after {} s", TIMEOUT.as_secs())),
        _ => (Unusual, why),
    }
}

fn judge_close(connection: &mut Connection, code: Option<u16>) -> Judgement {
    let answer = match find(connection, pong) {
        Err(End::Close(answer)) => answer,
        Err(end) => return ended(end),
        Ok(_) => return (Broken, "it answered what came after the Close".into()),
    };
    match (find(connection, pong), answer) {
        (Ok(_), _) => (Broken, "it answered what came after the Close".into()),
        (Err(End::Silence), _) => (Unusual, "it did not end the TCP connection after the Close".into()),
        (Err(End::Tcp), answer) if answer == code => KEPT,
        // As if the Close were wrong.
        (Err(End::Tcp), Some(1002 | 1007)) => (Broken, End::Close(answer).to_string()),
        (Err(End::Tcp), _) => (Unusual, End::Close(answer).to_string()),
        (Err(end), _) => ended(end),
    }
}

/// `81 05 48 …`
pub(super) fn hex(bytes: &[u8]) -> String {
    let shown: Vec<_> = bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
    let rest = if bytes.len() > SHOWN { format!(" … ({} bytes)", bytes.len()) } else { String::new() };
    if bytes.is_empty() { "nothing".into() } else { shown.join(" ") + &rest }
}
