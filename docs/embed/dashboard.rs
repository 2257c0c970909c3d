//! A live dashboard: a page, and a value that all viewers see change.
//!
//! Run:      cargo run --example embed_dashboard -- 127.0.0.1:9001

use chinwag::{Server, http::Response};
use std::{env, thread, time::Duration};

const PAGE: &str = "<!doctype html><title>Dashboard</title><h1>…</h1><script>
    const socket = new WebSocket(`ws://${location.host}/live`)
    socket.onmessage = event => document.querySelector('h1').textContent = event.data
</script>";

fn main() -> Result<(), chinwag::Error> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9001".into());
    let server = Server::builder()
        .endpoint(|path| path == "/live")
        .site(|request| (request.uri().path() == "/").then(|| Response::html(200, PAGE)))
        .listen(addr)?
        .serve(|ws| ws.iter().for_each(drop))?; // viewers say nothing
    println!("dashboard at http://{}/", server.local_addrs()[0]);
    for seconds in 0.. {
        server.broadcast(format!("up for {seconds} s, {} viewers", server.peers().len()));
        thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}
