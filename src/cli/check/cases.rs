//! The rules that are tried, read from `cases.txt`, which explains their notation.

use super::frame::{FIN, frame, unmasked};

/// One rule of RFC 6455, and what shows whether a server keeps it.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) id: &'static str,
    /// The section that has the rule.
    pub(super) section: &'static str,
    pub(super) rule: &'static str,
    /// Replacements in the text of the request.
    pub(super) edits: Vec<(&'static str, String)>,
    pub(super) frames: Vec<Vec<u8>>,
    pub(super) pieces: Pieces,
    pub(super) expect: Expect,
}

/// What a server must do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// Refuse the handshake, usually with one of these status codes.
    Refusal(Vec<u16>),
    /// Stay connected. A server that echoes sends this message back.
    Message(Vec<u8>),
    /// Send Pongs with these payloads, and stay connected.
    Pongs(Vec<Vec<u8>>),
    /// Fail the connection, usually with this code.
    Failure(u16),
    /// Answer a Close with this code (`None`: without one) and end the connection.
    Close(Option<u16>),
}

/// How the bytes are cut into writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pieces {
    Frames,
    Bytes,
    /// Each byte of the request is a write.
    Slow,
    Once,
}

pub(super) fn all() -> Vec<Case> {
    let lines = include_str!("cases.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    // A unit test reads the table, too.
    lines.map(|line| case(line).unwrap_or_else(|| panic!("not a case: {line}"))).collect()
}

fn case(line: &'static str) -> Option<Case> {
    let mut columns = line.split(" | ").map(str::trim);
    let (id, section, rule) = (columns.next()?, columns.next()?, columns.next()?);
    let (mut sent, expect) = (columns.next()?, expect(columns.next()?)?);
    let (mut edits, mut frames, mut pieces) = (Vec::new(), Vec::new(), Pieces::Frames);
    while let Some((edit, rest)) = sent.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let (before, after) = edit.split_once(" -> ")?;
        edits.push((before, after.replace("\\r\\n", "\r\n")));
        sent = rest.trim_start();
    }
    let (mut reserved, mut has_mask) = (0, true);
    for word in sent.split_whitespace() {
        match word {
            "bytes" => pieces = Pieces::Bytes,
            "slow" => pieces = Pieces::Slow,
            "once" => pieces = Pieces::Once,
            "rsv1" => reserved |= 0x40,
            "rsv2" => reserved |= 0x20,
            "rsv4" => reserved |= 0x10,
            "bare" => has_mask = false,
            _ => {
                let (first, payload) = parts(word)?;
                let first = first | std::mem::take(&mut reserved);
                frames.push(if has_mask { frame(first, &payload) } else { unmasked(first, &payload) });
            }
        }
    }
    Some(Case { id, section, rule, edits, frames, pieces, expect })
}

/// The first byte of a frame, and its payload.
fn parts(word: &str) -> Option<(u8, Vec<u8>)> {
    let (kind, text) = word.split_once(':')?;
    let (name, fin) = kind.strip_suffix("..").map_or((kind, FIN), |name| (name, 0));
    let names = [("continuation", 0), ("text", 1), ("binary", 2), ("close", 8), ("ping", 9), ("pong", 10)];
    let opcode = match names.iter().find(|(other, _)| *other == name) {
        Some((_, opcode)) => *opcode,
        None => name.strip_prefix("op")?.parse().ok()?,
    };
    let (code, reason) = text.split_once(',').unwrap_or((text, ""));
    Some(match name {
        "close" if !text.is_empty() => {
            (fin | opcode, [&code.parse::<u16>().ok()?.to_be_bytes()[..], &payload(reason)?].concat())
        }
        _ => (fin | opcode, payload(text)?),
    })
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

fn expect(text: &str) -> Option<Expect> {
    let (kind, value) = text.split_once(':')?;
    Some(match kind {
        "message" => Expect::Message(payload(value)?),
        "pongs" => Expect::Pongs(value.split(',').map(payload).collect::<Option<_>>()?),
        "fails" => Expect::Failure(value.parse().ok()?),
        "closes" if value.is_empty() => Expect::Close(None),
        "closes" => Expect::Close(Some(value.parse().ok()?)),
        "refused" => Expect::Refusal(value.split(',').map(str::parse).collect::<Result<_, _>>().ok()?),
        _ => return None,
    })
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
        let case =
            case("x | 5.2 | r | [a -> b\\r\\nc] once rsv1 text..:\\xceA close:1000,{2} | pongs:a,").expect("a case");
        assert_eq!(case.edits, [("a", "b\r\nc".to_owned())]);
        assert_eq!((case.pieces, case.expect), (Pieces::Once, Expect::Pongs(vec![b"a".into(), vec![]])));
        assert_eq!(case.frames, [frame(0x41, b"\xceA"), frame(0x88, b"\x03\xe8xx")]);
    }
}
