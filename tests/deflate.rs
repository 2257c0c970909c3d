//! `permessage-deflate` on the wire (RFC 7692): what clients send in frames, and what they get.

mod support;

use std::net::SocketAddr;

use chinwag::client::WebSocket;
use chinwag::{Config, Deflate, Frames, Message, Server};
use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, compress_to_output};
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use support::events::{expect_open, failure, message};
use support::fake::{Fake, switching};
use support::frames::{CLOSE, PING, PONG, RawClient, TEXT, frame, handshake, header, server_frame};
use support::serving::{Echo, addr, connected};

const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
const AGREED: &str =
    "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n";
const RSV1: u8 = 0x40;
const CONTINUATION: u8 = 0;
const BINARY: u8 = 2;
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

fn server(deflate: Deflate) -> Server {
    let builder = Server::builder().config(Config::default()).deflate(deflate);
    builder.listen("127.0.0.1:0").expect("a free port").start().expect("enough threads and descriptors")
}

/// A client that offers compression, and the head of the response.
fn open(addr: SocketAddr, offer: &str) -> (RawClient, String) {
    let mut client = RawClient::connect(addr);
    client.send(&handshake(addr, offer));
    let head = client.read_head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    (client, head)
}

/// A compressor that remembers what it compressed before.
fn compressor() -> CompressorOxide {
    CompressorOxide::new(miniz_oxide::deflate::core::create_comp_flags_from_zip_params(6, 0, 0))
}

fn compress(compressor: &mut CompressorOxide, bytes: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    compress_to_output(compressor, bytes, TDEFLFlush::Sync, |bytes| {
        payload.extend_from_slice(bytes);
        true
    });
    payload.truncate(payload.len() - 4);
    payload
}

fn decompress(payload: &[u8]) -> Vec<u8> {
    let stream = [payload, &[0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff]].concat();
    decompress_to_vec_with_limit(&stream, 1 << 20).expect("valid data")
}

#[test]
fn only_clients_that_offer_it_get_compressed_messages() {
    let echo = Echo::of(server(Deflate::default()));
    let text = "compressible ".repeat(100);
    for (offer, is_agreed) in
        [(OFFER, true), ("", false), ("Sec-WebSocket-Extensions: permessage-deflate; x\r\n", false)]
    {
        let (mut client, head) = open(echo.addr, offer);
        assert_eq!((head.contains(AGREED), head.contains("Extensions")), (is_agreed, is_agreed), "{head}");
        client.send(&frame(TEXT, text.as_bytes()));
        let reply = client.expect_frame();
        assert_eq!(reply.payload.len() < text.len() / 10, is_agreed);
        let received = if is_agreed { decompress(&reply.payload) } else { reply.payload };
        assert_eq!(received, text.as_bytes());
        client.send(&frame(TEXT, b"short"));
        assert_eq!(client.expect_frame().payload, b"short");
    }
}

#[test]
fn server_without_it_ignores_the_offer() {
    let echo = Echo::start(Config::default());
    let (mut client, head) = open(echo.addr, OFFER);
    assert!(!head.contains("Extensions"), "{head}");
    client.send(&frame(TEXT | RSV1, &HELLO));
    assert_eq!(client.expect_close_and_fin(), 1002);
}

#[test]
fn wrong_frames_and_data_are_refused() {
    let echo = Echo::of(server(Deflate::default()));
    let bomb = compress(&mut compressor(), &vec![0; 64 * 1024 + 1]);
    assert!(bomb.len() < 200, "{}", bomb.len());
    let latin = compress(&mut compressor(), b"gr\xfc\xdfe");
    let mut cases = vec![
        (frame(PING | RSV1, b""), 1002),
        (frame(CLOSE | RSV1, b""), 1002),
        (frame(CONTINUATION | RSV1, b""), 1002),
        (frame(3 | RSV1, b""), 1002),
        (frame(TEXT | 0x20, b""), 1002),
        (frame(TEXT | RSV1 | 0x10, &HELLO), 1002),
        (frame(TEXT | RSV1, b"not compressed"), 1007),
        (frame(BINARY | RSV1, &HELLO[..4]), 1007),
        (frame(BINARY | RSV1, &[0xf2, 0x00, 0x11, 0x00, 0x00]), 1007),
        (frame(TEXT | RSV1, &latin), 1007),
        (frame(BINARY | RSV1, &bomb), 1009),
        (frame(BINARY, &vec![0; 64 * 1024 + 1]), 1009),
        (header(BINARY | RSV1, 100_000), 1009),
    ];
    // RSV1 on a fragment that is not the first one, and on a message within a message.
    for second in [CONTINUATION | RSV1, TEXT | RSV1] {
        let mut first = frame(TEXT | RSV1, &HELLO[..3]);
        first[0] &= 0x7f;
        cases.push(([first, frame(second, &HELLO[3..])].concat(), 1002));
    }
    for (bytes, code) in cases {
        let (mut client, _) = open(echo.addr, OFFER);
        client.send(&bytes);
        assert_eq!(client.expect_close_and_fin(), code, "{:x?}", &bytes[..bytes.len().min(20)]);
    }
}

#[test]
fn largest_message_is_accepted_even_if_compression_makes_it_longer() {
    let echo = Echo::of(server(Deflate::default()));
    let (mut client, _) = open(echo.addr, OFFER);
    let random: Vec<u8> = (0..64 * 1024_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let mut stored = Vec::new();
    for part in random.chunks(1000) {
        let length = part.len() as u16;
        stored.extend([&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), part].concat());
    }
    stored.push(0);
    assert!(stored.len() > random.len());
    client.send(&frame(BINARY | RSV1, &stored));
    let reply = client.expect_frame().payload;
    assert!(reply == random || decompress(&reply) == random, "{} bytes", reply.len());
}

#[test]
fn control_frames_between_fragments_are_answered() {
    let echo = Echo::of(server(Deflate::default()));
    let (mut client, _) = open(echo.addr, OFFER);
    let mut first = frame(TEXT | RSV1, &HELLO[..3]);
    first[0] &= 0x7f;
    client.send(&[first, frame(PING, b"?"), frame(0, &HELLO[3..])].concat());
    let pong = client.expect_frame();
    assert_eq!((pong.opcode, pong.payload.as_slice()), (PONG, &b"?"[..]));
    assert_eq!(client.expect_frame().payload, b"Hello");
}

/// The bytes are the same for all, so they were compressed once.
#[test]
fn broadcast_is_compressed_for_those_who_agreed() {
    let server = server(Deflate::default());
    let text = "a user list ".repeat(300);
    let mut frames = Frames::new();
    frames.text("first");
    frames.text(&text);
    let mut clients = Vec::new();
    let small = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n";
    for (offer, is_compressed) in [(OFFER, true), ("", false), (OFFER, true), (small, false)] {
        let (mut client, _) = open(addr(&server), offer);
        assert!(connected(&server).send_frames(&frames));
        clients.push(client.socket().try_clone());
        assert_eq!(client.expect_frame().payload, b"first");
        let payload = client.expect_frame().payload;
        assert_eq!(payload.len() < text.len() / 10, is_compressed, "{offer}");
        assert_eq!(if is_compressed { decompress(&payload) } else { payload }, text.as_bytes());
    }
}

/// A message, where it is fragmented, and whether it is compressed.
type Sent = (Vec<u8>, Vec<prop::sample::Index>, bool);

fn messages() -> impl Strategy<Value = Vec<Sent>> {
    let random = prop::collection::vec(any::<u8>(), 0..3000);
    let repeated = (any::<[u8; 3]>(), 0_usize..20_000).prop_map(|(word, size)| word.repeat(size / 3));
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    prop::collection::vec((prop_oneof![random, repeated], cuts, any::<bool>()), 1..8)
}

fn fragments(payload: &[u8], cuts: &[prop::sample::Index], first: u8) -> Vec<u8> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
    cuts.extend([0, payload.len()]);
    cuts.sort_unstable();
    let last = cuts.len() - 2;
    let mut bytes = Vec::new();
    for (number, ends) in cuts.windows(2).enumerate() {
        let mut fragment = frame(if number == 0 { first } else { CONTINUATION }, &payload[ends[0]..ends[1]]);
        if number < last {
            fragment[0] &= 0x7f;
        }
        bytes.extend(fragment);
    }
    bytes
}

/// With and without context takeover of the client.
#[test]
fn any_message_in_any_fragments_survives() {
    for context in [None, Some(10), Some(15)] {
        let mut deflate = Deflate::default();
        deflate.context_bits = context;
        let echo = Echo::of(server(deflate));
        let check = |sent: Vec<Sent>, step: usize| {
            // The compressor of this test has a window of 15 bits, as if it had not been limited.
            let (mut client, _) = open(echo.addr, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
            let mut all = compressor();
            let mut bytes = Vec::new();
            for (message, cuts, is_compressed) in &sent {
                if context != Some(15) {
                    all = compressor();
                }
                match is_compressed {
                    true => bytes.extend(fragments(&compress(&mut all, message), cuts, BINARY | RSV1)),
                    false => bytes.extend(fragments(message, cuts, BINARY)),
                }
            }
            bytes.chunks(step).for_each(|part| client.send(part));
            for (message, ..) in &sent {
                let payload = client.expect_frame().payload;
                assert!(payload == *message || decompress(&payload) == *message, "{} bytes", message.len());
            }
        };
        let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
        let run = |(sent, step)| {
            check(sent, step);
            Ok(())
        };
        TestRunner::new(config).run(&(messages(), 500_usize..50_000), run).expect("every message comes back");
    }
}

fn client(url: &str) -> WebSocket {
    WebSocket::builder(url).deflate(Deflate::default()).connect().expect("a URL")
}

#[test]
fn client_and_server_compress_for_each_other() {
    let echo = Echo::of(server(Deflate::default()));
    let socket = client(&format!("ws://{}/", echo.addr));
    expect_open(&socket);
    assert_eq!(socket.extensions(), AGREED.trim().trim_start_matches("Sec-WebSocket-Extensions: "));
    for size in [0, 1, 255, 256, 4096, 4097, 40_000] {
        let text = Message::from("grüße ".chars().cycle().take(size).collect::<String>());
        let bytes = Message::from((0..size).map(|n| (n / 9) as u8).collect::<Vec<_>>());
        for sent in [text, bytes] {
            assert!(socket.send(sent.clone()));
            assert_eq!(message(&socket), sent);
        }
    }
    let plain = Echo::start(Config::default());
    let socket = client(&format!("ws://{}/", plain.addr));
    expect_open(&socket);
    assert_eq!(socket.extensions(), "");
    assert!(socket.send("x".repeat(1000)));
    assert_eq!(message(&socket), Message::from("x".repeat(1000)));
}

#[test]
fn client_sends_compressed_frames_with_a_mask_and_refuses_bombs() {
    let fake = Fake::then(|mut stream, head| {
        use std::io::{Read, Write};
        assert!(
            head.contains("\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits\r\n"),
            "{head}"
        );
        let more =
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_max_window_bits=13\r\n";
        stream.write_all(switching(&head, more).as_bytes()).expect("room");
        let mut start = [0; 2];
        stream.read_exact(&mut start).expect("a frame");
        assert!(start[0] == 0xc1 && (0x80..0x80 + 100).contains(&start[1]), "{start:x?}");
        let mut rest = vec![0; usize::from(start[1] - 0x80) + 4];
        stream.read_exact(&mut rest).expect("a frame");
        let (mask, payload) = rest.split_at(4);
        let payload: Vec<u8> = payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect();
        assert_eq!(decompress(&payload), b"x".repeat(1000));
        let bomb = compress(&mut compressor(), &vec![0; 17 << 20]);
        stream.write_all(&server_frame(BINARY | RSV1, &bomb)).expect("room");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let socket = client(&fake.url());
    expect_open(&socket);
    assert!(socket.send("x".repeat(1000)));
    assert!(matches!(
        failure(&socket),
        chinwag::client::Error::Ended(chinwag::DisconnectReason::ProtocolViolation { code: 1009, .. })
    ));
    fake.done();
}

#[test]
fn client_refuses_parameters_that_it_did_not_offer() {
    for extensions in ["permessage-deflate", "permessage-deflate; server_no_context_takeover; x", "x"] {
        let fake = Fake::then(move |mut stream, head| {
            use std::io::Write;
            let more = format!("Sec-WebSocket-Extensions: {extensions}\r\n");
            stream.write_all(switching(&head, &more).as_bytes()).expect("room");
        });
        let error = failure(&client(&fake.url()));
        assert!(matches!(error, chinwag::client::Error::Handshake(_)), "{extensions}: {error}");
        fake.done();
    }
}
