//! What is agreed on, and what becomes of messages.

use super::*;
use proptest::prelude::*;
use tungstenite::http::{HeaderMap, header::SEC_WEBSOCKET_EXTENSIONS};
use tungstenite::{Error, protocol::Role, protocol::frame::coding::Data};

fn headers(fields: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for field in fields {
        headers.append(SEC_WEBSOCKET_EXTENSIONS, field.parse().expect("a value"));
    }
    headers
}

fn with_context(bits: u8) -> Deflate {
    Deflate { context_bits: Some(bits), ..Deflate::default() }
}

const BOTH: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

#[test]
fn server_accepts_the_first_valid_offer() {
    let rows: &[(&[&str], Option<&str>)] = &[
        (&[], None),
        (&[""], None),
        (&[" , ,"], None),
        (&["permessage-deflate"], Some(BOTH)),
        (&["permessage-deflate; client_max_window_bits"], Some(BOTH)),
        (&["permessage-deflate;client_max_window_bits=8 ; server_no_context_takeover"], Some(BOTH)),
        (&["x-webkit-deflate-frame, permessage-deflate"], Some(BOTH)),
        (&["permessage-deflate; server_max_window_bits=15"], Some("; server_max_window_bits=15")),
        (&["permessage-deflate; server_max_window_bits = 9"], Some("; server_max_window_bits=9")),
        (
            &["permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=12"],
            Some("; server_max_window_bits=12"),
        ),
        (&["permessage-deflate; x", "permessage-deflate; server_no_context_takeover"], Some(BOTH)),
        // An unknown parameter, one without its value or with one that it has not, a repeated one.
        (&["permessage-deflate; max_window_bits=10"], None),
        (&["permessage-deflate; Client_No_Context_Takeover"], None),
        (&["permessage-deflate; server_max_window_bits"], None),
        (&["permessage-deflate; client_no_context_takeover=15"], None),
        (&["permessage-deflate; server_no_context_takeover; server_no_context_takeover"], None),
        (&["permessage-deflate; client_max_window_bits; client_max_window_bits=10"], None),
        (&["permessage-deflate; server_max_window_bits=10; server_max_window_bits=10"], None),
        // Values that are not numbers from 8 to 15 without a leading zero.
        (&["permessage-deflate; server_max_window_bits=7"], None),
        (&["permessage-deflate; server_max_window_bits=16"], None),
        (&["permessage-deflate; server_max_window_bits=08"], None),
        (&["permessage-deflate; server_max_window_bits=+9"], None),
        (&["permessage-deflate; server_max_window_bits=1e1"], None),
        (&["permessage-deflate; server_max_window_bits="], None),
        (&["permessage-deflate; server_max_window_bits=\"10"], None),
        (&["permessage-deflate; client_max_window_bits=\"\""], None),
        // Broken lists, and names that only contain the right one.
        (&["permessage-deflate;"], None),
        (&["permessage-deflate=1"], None),
        (&["permessage-deflate2"], None),
        (&["Permessage-Deflate"], None),
        (&["x; y=\"permessage-deflate, permessage-deflate\""], None),
    ];
    for (fields, expected) in rows {
        let accepted = Deflate::default().accept(&headers(fields)).map(|agreement| agreement.response.to_string());
        let expected = expected.map(|more| if more == BOTH { BOTH.to_owned() } else { format!("{BOTH}{more}") });
        assert_eq!(accepted, expected, "{fields:?}");
    }
}

/// The server keeps memory for a client only within the window that was agreed on.
#[test]
fn context_of_clients_is_limited() {
    let one = "permessage-deflate; server_no_context_takeover";
    for (bits, offer, more, context) in [
        (12, "", "; client_no_context_takeover", None),
        (12, "; client_max_window_bits", "; client_max_window_bits=12", Some(12)),
        (12, "; client_max_window_bits=10", "; client_max_window_bits=10", Some(10)),
        (12, "; client_max_window_bits=15", "; client_max_window_bits=12", Some(12)),
        (15, "", "", Some(15)),
        (15, "; client_max_window_bits", "", Some(15)),
        (15, "; client_max_window_bits=14", "; client_max_window_bits=14", Some(14)),
        (15, "; client_no_context_takeover", "; client_no_context_takeover", None),
        (0, "; client_max_window_bits", "; client_max_window_bits=9", Some(9)),
        (99, "", "", Some(15)),
    ] {
        let agreement = with_context(bits).accept(&headers(&[&format!("permessage-deflate{offer}")]));
        let agreement = agreement.expect("an agreement");
        assert_eq!(
            (agreement.response.to_string(), agreement.context_bits),
            (format!("{one}{more}"), context),
            "{bits} {offer}"
        );
    }
}

#[test]
fn client_offers_what_it_can() {
    let more = "client_no_context_takeover; ";
    for (deflate, offer) in [
        (Deflate::default(), format!("server_no_context_takeover; {more}client_max_window_bits")),
        (with_context(15), format!("{more}client_max_window_bits")),
        (with_context(11), format!("server_max_window_bits=11; {more}client_max_window_bits")),
    ] {
        assert_eq!(deflate.offer(), format!("permessage-deflate; {offer}"));
    }
}

#[test]
fn client_accepts_only_what_it_offered() {
    /// `Ok(None)`: no compression. `Ok(Some(bits))`: with that context.
    type Outcome = Result<Option<Option<u8>>, &'static str>;
    let rows: &[(Option<u8>, &[&str], Outcome)] = &[
        (None, &[], Ok(None)),
        (None, &[BOTH], Ok(Some(None))),
        (None, &["permessage-deflate; server_no_context_takeover; client_max_window_bits=9"], Ok(Some(None))),
        (None, &["permessage-deflate"], Err("parameters")),
        (None, &["permessage-deflate; server_no_context_takeover; client_max_window_bits"], Err("parameters")),
        (None, &["permessage-deflate; server_no_context_takeover; x"], Err("not offered")),
        (None, &["permessage-bzip2"], Err("not offered")),
        (None, &["permessage-deflate; server_max_window_bits=99"], Err("not offered")),
        (None, &[BOTH, BOTH], Err("not offered")),
        (None, &["permessage-deflate; server_no_context_takeover, x"], Err("not offered")),
        (Some(15), &["permessage-deflate"], Ok(Some(Some(15)))),
        (Some(15), &["permessage-deflate; server_max_window_bits=10"], Ok(Some(Some(10)))),
        (Some(15), &[BOTH], Ok(Some(None))),
        (Some(11), &["permessage-deflate; server_max_window_bits=11"], Ok(Some(Some(11)))),
        (Some(11), &["permessage-deflate; server_max_window_bits=12"], Err("parameters")),
        (Some(11), &["permessage-deflate"], Err("parameters")),
    ];
    for (bits, fields, expected) in rows {
        let deflate = Deflate { context_bits: *bits, ..Deflate::default() };
        match (deflate.check(&headers(fields)), expected) {
            (Ok(agreement), Ok(expected)) => {
                assert_eq!(agreement.map(|agreement| agreement.context_bits), *expected, "{bits:?} {fields:?}");
            }
            (Err(why), Err(word)) => assert!(why.contains(word), "{why}: {fields:?}"),
            (other, _) => panic!("{other:?}: {bits:?} {fields:?}"),
        }
    }
}

fn agreement(threshold: usize, max_window_bits: Option<u8>) -> Agreement {
    let threshold = Deflate { threshold, context_bits: None }.threshold_for(max_window_bits);
    Agreement { response: Arc::from(""), threshold, context_bits: None }
}

fn inflate(payload: &[u8], max: usize) -> Result<Vec<u8>, Error> {
    agreement(0, None).decompress(payload, max, &mut Vec::new())
}

/// The examples of RFC 7692 7.2.3, and others.
#[test]
fn payloads_of_other_compressors_are_decompressed() {
    let rows: &[(&[u8], &[u8])] = &[
        (&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], b"Hello"),
        (&[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00], b"Hello"),
        (&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], b"Hello"),
        (&[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00], b"Hello"),
        (&[0x00], b""),
        (&[], b""),
    ];
    for (payload, expected) in rows {
        assert_eq!(inflate(payload, 5).expect("valid data"), *expected, "{payload:x?}");
    }
}

/// The example of RFC 7692 7.2.3.2, and a window that is smaller than what was sent.
#[test]
fn earlier_messages_are_remembered_within_the_window() {
    let agreement = with_context(9).accept(&headers(&["permessage-deflate; client_max_window_bits"]));
    let (agreement, mut history) = (agreement.expect("an agreement"), Vec::new());
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let noise = stored(&[b'x'; 510]);
    let mut receive = |payload: &[u8]| agreement.decompress(payload, 600, &mut history);
    for payload in [&hello[..], &again, &again, &hello] {
        assert_eq!(receive(payload).expect("valid data"), b"Hello");
    }
    receive(&noise).expect("valid data");
    assert!(receive(&again).is_ok_and(|message| message != b"Hello"));
}

#[test]
fn truncated_and_invalid_payloads_are_errors() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let no_history = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let mut payloads: Vec<&[u8]> = (1..hello.len() - 1).map(|length| &hello[..length]).collect();
    payloads.extend([&[0x06][..], &[0xff; 9], &[0x00, 0x05, 0x00, 0xfa, 0xff], &[1, 0, 0, 0xff], &no_history]);
    for payload in payloads {
        assert!(matches!(inflate(payload, 1000), Err(Error::Io(_))), "{payload:x?}");
    }
}

#[test]
fn size_after_decompression_is_limited_exactly() {
    let agreement = agreement(0, None);
    for size in [1, 256, 4095, 4096, 4097, 100_000] {
        let message = vec![b'x'; size];
        let payload = agreement.compress(&message).unwrap_or_else(|| stored(&message));
        assert_eq!(inflate(&payload, size).expect("it fits"), message);
        assert!(matches!(inflate(&payload, size - 1), Err(Error::Capacity(_))), "{size}");
    }
}

/// A compressed payload without compression.
fn stored(message: &[u8]) -> Vec<u8> {
    let length = message.len() as u16;
    [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), message, &[0]].concat()
}

#[test]
fn short_and_random_messages_are_sent_as_they_are() {
    let text = "a word ".repeat(100);
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let random: Vec<u8> = (0..1000).map(|_| next()).collect();
    for (threshold, bits, message, is_compressed) in [
        (701, None, text.as_bytes(), false),
        (700, None, text.as_bytes(), true),
        (700, Some(12), text.as_bytes(), true),
        (700, Some(11), text.as_bytes(), false),
        (0, None, b"", false),
        (0, None, b"abc", false),
        (0, None, &random, false),
    ] {
        let compressed = agreement(threshold, bits).compress(message);
        assert_eq!(compressed.is_some(), is_compressed, "{threshold} {bits:?} {}", message.len());
    }
}

/// Reads frames through an [`Unmarker`], in pieces of at most `step` bytes. Returns them, and the kind of each message.
fn unmarked(frames: &[u8], step: usize) -> (Vec<u8>, Vec<Option<Data>>) {
    let mut unmarker = Unmarker::default();
    let (mut rest, mut read, mut kinds) = (frames, Vec::new(), Vec::new());
    while !rest.is_empty() {
        let most = unmarker.next_read();
        let (piece, others) = rest.split_at(most.min(step).min(rest.len()));
        let start = read.len();
        read.extend_from_slice(piece);
        unmarker.change(&mut read[start..]);
        rest = others;
        kinds.push(unmarker.compressed);
    }
    (read, kinds)
}

#[test]
fn only_first_frames_of_messages_are_changed() {
    use Data::{Binary, Text};
    for (frames, expected, kind) in [
        (&[0xc1, 1, 7][..], &[0x82, 1, 7][..], Some(Text)),
        (&[0xc2, 0], &[0x82, 0], Some(Binary)),
        (&[0x41, 0x81, 1, 2, 3, 4, 7], &[0x02, 0x81, 1, 2, 3, 4, 7], Some(Text)),
        (&[0x81, 1, 7], &[0x81, 1, 7], None),
        (&[0xc0, 0], &[0xc0, 0], None),
        (&[0xc9, 0], &[0xc9, 0], None),
        (&[0xc3, 0], &[0xc3, 0], None),
        (&[0xe1, 0], &[0xa2, 0], Some(Text)),
        (&[0xc1, 126, 0, 1, 7], &[0x82, 126, 0, 1, 7], Some(Text)),
        (&[0xc1, 127, 0, 0, 0, 0, 0, 0, 0, 1, 7], &[0x82, 127, 0, 0, 0, 0, 0, 0, 0, 1, 7], Some(Text)),
        // A Ping between two fragments, and a message that is not compressed after one that is.
        (&[0x41, 0, 0x89, 0, 0x80, 0], &[0x02, 0, 0x89, 0, 0x80, 0], Some(Text)),
        (&[0xc1, 1, 0xc1, 0x82, 0], &[0x82, 1, 0xc1, 0x82, 0], None),
    ] {
        for step in 1..=frames.len() {
            let (read, kinds) = unmarked(frames, step);
            assert_eq!((read.as_slice(), kinds.last().copied().flatten()), (expected, kind), "{frames:x?} by {step}");
        }
    }
}

proptest! {
    /// What peers send may be anything: it is an error, or a message within the limit.
    #[test]
    fn any_payload_is_a_message_or_an_error(payloads: Vec<Vec<u8>>, bits in prop::option::of(9_u8..15), max in 0_usize..5000) {
        let deflate = Deflate { context_bits: bits, ..Deflate::default() };
        let agreement = deflate.accept(&headers(&["permessage-deflate; client_max_window_bits"]));
        let (agreement, mut history) = (agreement.expect("an agreement"), Vec::new());
        for payload in payloads {
            if let Ok(message) = agreement.decompress(&payload, max, &mut history) {
                prop_assert!(message.len() <= max);
            }
        }
    }

    /// Frames of a broadcast keep their order, and each message keeps its bytes.
    #[test]
    fn compressed_frames_contain_the_same_messages(messages in prop::collection::vec((any::<bool>(), 0_usize..9000, 1_u8..), 1..6)) {
        let mut frames = crate::Frames::new();
        let payloads: Vec<Vec<u8>> = messages.iter().map(|(_, size, step)| (0..*size).map(|n| (n / 7) as u8 / step).collect()).collect();
        for ((is_text, ..), payload) in messages.iter().zip(&payloads) {
            match is_text {
                true => frames.text(&String::from_utf8_lossy(payload)),
                false => frames.binary(payload),
            }
        }
        let compressed = frames.bytes_for(Some(&agreement(256, None)), 0);
        prop_assert!(compressed.len() <= frames.len());
        let (read, _) = unmarked(compressed, 4096);
        let mut socket = tungstenite::WebSocket::from_partially_read(std::io::Cursor::new(vec![]), read, Role::Client, None);
        for ((is_text, ..), payload) in messages.iter().zip(&payloads) {
            let message = socket.read().expect("a message");
            let (is_text, data) = (*is_text, message.into_data());
            let expected = if is_text { String::from_utf8_lossy(payload).into_owned().into_bytes() } else { payload.clone() };
            let data = if data == expected { data.to_vec() } else { inflate(&data, 1 << 20).expect("valid data") };
            prop_assert_eq!(data, expected);
        }
    }
}
