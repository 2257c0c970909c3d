//! Properties of random input: it causes no panic, and segmentation does not change the outcome.

use chinwag::handshake::{HeadError, Negotiated, negotiate};
use proptest::prelude::*;

use crate::requests::{handshake, plus};
use crate::rows::{chat, with_log_id_prefix};
use crate::script::{Script, without_date};

/// The responses of a server, and the bytes that are left for the connection.
fn outcome(mut script: Script) -> (String, Option<Vec<u8>>) {
    match script.read() {
        Err(HeadError::Io(error)) => panic!("{error}"),
        Err(error) => (format!("{error:?}"), None),
        Ok((mut request, mut rest)) => {
            let responses =
                [chat(), with_log_id_prefix()].map(|policy| bytes_to_send(negotiate(&mut request, &policy)));
            rest.extend(script.rest());
            (format!("{request:?} {responses:?}"), Some(rest))
        }
    }
}

fn bytes_to_send(negotiated: Negotiated) -> String {
    let bytes = match negotiated {
        Negotiated::Upgrade(upgrade) => upgrade.response,
        Negotiated::Response(response) => response.to_bytes(false),
        other => panic!("not for a policy without routes: {other:?}"),
    };
    let text = String::from_utf8(bytes).expect("responses are text");
    assert!(text.contains("\r\n\r\n"));
    without_date(&text)
}

fn cut(bytes: &[u8], sizes: &[usize]) -> Script {
    let mut rest = bytes;
    let mut segments = Vec::new();
    for size in sizes.iter().cycle().take(bytes.len()) {
        let (segment, later) = rest.split_at((*size).min(rest.len()));
        segments.push(segment.to_vec());
        rest = later;
    }
    Script::segments(segments)
}

fn header_line() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("Host"),
        Just("Origin"),
        Just("Upgrade"),
        Just("Connection"),
        Just("Content-Length"),
        Just("Sec-WebSocket-Protocol"),
        Just("Sec-WebSocket-Version"),
        Just("Authorization"),
        Just("X"),
    ];
    let value = prop_oneof![
        "[ -~\t]{0,40}",
        "[a-z]{1,6}://[a-z.:0-9@/\\[\\]]{0,20}",
        "Bearer .{0,10}",
        "json|text|13|0|websocket",
        ".*",
    ];
    (name, value, "\r?\n").prop_map(|(name, value, end)| format!("{name}: {value}{end}"))
}

/// Random bytes, text with line ends, and altered handshakes.
fn sent() -> impl Strategy<Value = Vec<u8>> {
    let lines = proptest::collection::vec(header_line(), 0..4);
    let target = "[/a-z?&=%:.*#\\[\\]@-]{0,30}";
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        "(PROXY |\r\n\r\n\0\r\nQUIT\n|\x16\x03|GET /).{0,20}( HTTP/1.1)?\r?\n{0,2}".prop_map(String::into_bytes),
        "[A-Z ]{0,8}[/ ]{0,3}[ -~]{0,20}(HTTP/[012].[0-9])?[\r\n]{0,4}[ -~\r\n]{0,80}".prop_map(String::into_bytes),
        (lines, target).prop_map(|(lines, target)| {
            let lines = lines.concat();
            plus(lines.trim_end()).replacen("GET /", &format!("GET {target}"), 1).into_bytes()
        }),
        (0..handshake().len(), any::<u8>(), proptest::collection::vec(any::<u8>(), 0..20)).prop_map(
            |(at, byte, rest)| {
                let mut bytes = handshake().into_bytes();
                bytes[at] = byte;
                [bytes, rest].concat()
            }
        ),
    ]
}

proptest! {
    #[test]
    fn segmentation_does_not_change_the_outcome(bytes in sent(), sizes in proptest::collection::vec(1_usize..50, 1..8)) {
        let whole = outcome(Script::of(bytes.clone()));
        prop_assert_eq!(&outcome(cut(&bytes, &sizes)), &whole);
        prop_assert_eq!(&outcome(cut(&bytes, &[1])), &whole);
    }

    #[test]
    fn bytes_after_the_head_are_kept(after in proptest::collection::vec(any::<u8>(), 0..9000), size in 1_usize..9000) {
        let bytes = [handshake().into_bytes(), after.clone()].concat();
        let (_, rest) = outcome(cut(&bytes, &[size]));
        prop_assert_eq!(rest, Some(after));
    }
}
