use chinwag::{Event, Server};

fn main() -> Result<(), chinwag::Error> {
    let server = Server::bind("127.0.0.1:9000")?;
    println!("ws://{}/", server.local_addrs()[0]);
    for event in server.events() {
        if let Event::Message(peer, message) = event {
            peer.send(message);
        }
    }
    Ok(())
}
