//! A WebSocket on standard input and output, for inetd, systemd (`Accept=yes`), ssh, or any parent process. It echoes.
//!
//! Run:      cargo build --example embed_stdio
//!           socat TCP-LISTEN:9010,reuseaddr,fork EXEC:target/debug/examples/embed_stdio

use chinwag::handshake::{Negotiated, Policy, negotiate, read_request};
use chinwag::sans_io::{Protocol, Role};
use chinwag::{Config, DisconnectReason};
use std::io::{self, Read, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let (mut request, first_frames) = read_request(&mut input, &Config::default())?;
    match negotiate(&mut request, &Policy::default()) {
        Negotiated::Upgrade(upgrade) => output.write_all(&upgrade.response)?,
        Negotiated::Response(refusal) => return Ok(output.write_all(&refusal.to_bytes(false))?),
        _ => return Err("the request is for a route, and this program has none".into()),
    }
    let mut protocol = Protocol::new(Role::Server, Config::default());
    protocol.receive(&first_frames);
    let reason = serve(&mut protocol, &mut input, &mut output)?;
    eprintln!("{reason}");
    Ok(())
}

/// Moves bytes between the transport and the protocol, and echoes each message, until the connection ends.
fn serve(protocol: &mut Protocol, input: &mut impl Read, output: &mut impl Write) -> io::Result<DisconnectReason> {
    loop {
        let next = protocol.next_message();
        if let Ok(Some(message)) = next {
            protocol.send(message);
            continue;
        }
        output.write_all(&protocol.bytes_to_send())?;
        output.flush()?;
        if let Err(reason) = next {
            return Ok(reason);
        }
        let mut buffer = [0; 4096];
        match input.read(&mut buffer)? {
            0 => protocol.receive_eof(),
            count => protocol.receive(&buffer[..count]),
        }
    }
}
