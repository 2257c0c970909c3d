//! An accept loop of your own with TLS, full duplex.
//!
//! Run:      cargo run --features tls --example embed_duplex_tls -- 127.0.0.1:9004 certificate.pem

use chinwag::{Config, duplex::Duplex, handshake::Policy, tls::Acceptor};
use std::{env, error::Error, io, net::TcpListener, net::TcpStream, thread};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let addr = args.next().unwrap_or("127.0.0.1:9004".into());
    let file = args.next().unwrap_or("certificate.pem".into());
    let acceptor = Acceptor::self_signed(file, vec!["localhost".into()])?;
    let listener = TcpListener::bind(addr)?;
    println!("duplex at wss://{}/", listener.local_addr()?);
    loop {
        let (stream, acceptor) = (listener.accept()?.0, acceptor.clone());
        thread::spawn(move || serve(stream, &acceptor).unwrap_or_else(|error| println!("{error}")));
    }
}

fn serve(stream: TcpStream, acceptor: &Acceptor) -> io::Result<()> {
    let ws = Duplex::accept_tls(stream, acceptor, &Policy::default(), Config::default())?;
    ws.iter().for_each(|message| _ = ws.send(message));
    Ok(())
}
