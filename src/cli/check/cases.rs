//! The rules that are tried, read from `cases.txt`, which explains their notation.

use std::mem;
use tungstenite::protocol::frame::{Frame, FrameHeader, coding::OpCode};

/// The same for all frames, so that a report can be repeated.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// One rule of RFC 6455, and what shows whether a server keeps it.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) id: &'static str,
    /// The section that has the rule.
    pub(super) section: &'static str,
    pub(super) rule: &'static str,
    /// Replacements in the text of the request.
    pub(super) edits: Vec<(&'static str, String)>,
    /// Whether each byte of the request is a write.
    pub(super) is_slow: bool,
    /// What is written after the handshake.
    pub(super) writes: Vec<Vec<u8>>,
    /// What must come: `message`, `pongs`, `closes`, `fails` or `refused`.
    pub(super) expected: &'static str,
    /// Of the message or the Pongs.
    pub(super) payloads: Vec<Vec<u8>>,
    /// The code of the Close, or the usual status codes.
    pub(super) codes: Vec<u16>,
}

pub(super) fn all() -> Vec<Case> {
    let lines = include_str!("cases.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    // A unit test reads the table, too.
    lines.map(|line| case(line).unwrap_or_else(|| panic!("not a case: {line}"))).collect()
}

fn case(line: &'static str) -> Option<Case> {
    let mut columns = line.split(" | ").map(str::trim);
    let (id, section, rule) = (columns.next()?, columns.next()?, columns.next()?);
    let (mut sent, (expected, values)) = (columns.next()?, columns.next()?.split_once(':')?);
    let payloads = values.split(',').map(payload).collect::<Option<_>>()?;
    let codes = values.split(',').filter_map(|code| code.parse().ok()).collect();
    let (mut edits, mut writes, mut is_slow) = (Vec::new(), Vec::new(), false);
    while let Some((edit, rest)) = sent.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let (before, after) = edit.split_once(" -> ")?;
        edits.push((before, after.replace("\\r\\n", "\r\n")));
        sent = rest.trim_start();
    }
    let valid = FrameHeader { mask: Some(MASK), ..FrameHeader::default() };
    let (mut header, mut way) = (valid.clone(), "");
    for word in sent.split_whitespace() {
        match word {
            "slow" => is_slow = true,
            "bytes" | "once" => way = word,
            "rsv1" => header.rsv1 = true,
            "rsv2" => header.rsv2 = true,
            "rsv4" => header.rsv3 = true,
            "bare" => header.mask = None,
            _ => writes.push(frame(word, mem::replace(&mut header, valid.clone()))?),
        }
    }
    match way {
        "bytes" => writes = writes.concat().chunks(1).map(<[u8]>::to_vec).collect(),
        "once" => writes = vec![writes.concat()],
        _ => {}
    }
    Some(Case { id, section, rule, edits, is_slow, writes, expected, payloads, codes })
}

/// A frame such as `text:Hello`, which the header describes except for its type.
fn frame(word: &str, mut header: FrameHeader) -> Option<Vec<u8>> {
    let (kind, text) = word.split_once(':')?;
    let name = kind.strip_suffix("..").unwrap_or(kind);
    header.is_final = name == kind;
    let names = [("continuation", 0), ("text", 1), ("binary", 2), ("close", 8), ("ping", 9), ("pong", 10)];
    header.opcode = match names.iter().find(|(other, _)| *other == name) {
        Some((_, opcode)) => OpCode::from(*opcode),
        None => OpCode::from(name.strip_prefix("op")?.parse::<u8>().ok()?),
    };
    let payload = match text.split_once(',').unwrap_or((text, "")) {
        (code, reason) if name == "close" && !code.is_empty() => {
            [&code.parse::<u16>().ok()?.to_be_bytes()[..], &payload(reason)?].concat()
        }
        _ => payload(text)?,
    };
    let mut bytes = Vec::new();
    Frame::from_payload(header, payload.into()).format(&mut bytes).ok()?;
    Some(bytes)
}

/// `{126}`, or text with `\xff` for a byte.
fn payload(text: &str) -> Option<Vec<u8>> {
    if let Some(count) = text.strip_prefix('{') {
        return Some(vec![b'x'; count.strip_suffix('}')?.parse().ok()?]);
    }
    let mut parts = text.split("\\x");
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend(&part.as_bytes()[2..]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_read() {
        let cases = all();
        let mut ids: Vec<_> = cases.iter().map(|case| case.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), cases.len(), "a case is twice in the table");
        for Case { id, expected, codes, .. } in &cases {
            let is_known = match *expected {
                "message" | "pongs" | "closes" => true,
                "fails" => codes.len() == 1,
                expected => expected == "refused" && !codes.is_empty(),
            };
            assert!(is_known, "{id}: {expected} {codes:?}");
        }
        let sent = "[a -> b\\r\\nc] once rsv1 text..:\\xceA close:1000,{2} bare op3:";
        let case = case(Box::leak(format!("x | 5.2 | r | {sent} | pongs:a,").into_boxed_str())).expect("a case");
        assert_eq!(case.edits, [("a", "b\r\nc".to_owned())]);
        assert_eq!((case.expected, case.payloads), ("pongs", vec![b"a".into(), vec![]]));
        let masked = b"\x41\x82\x37\xfa\x21\x3d\xf9\xbb\x88\x84\x37\xfa\x21\x3d\x34\x12\x59\x45\x83\x00";
        assert_eq!(case.writes, [masked]);
    }
}
