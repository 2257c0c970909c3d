//! JSON-RPC: who may connect is decided before the 101, and each connection has a state. Binary messages are uploads.
//!
//! Needs:    cargo add serde_json, in a program of your own
//! Run:      cargo run --example embed_rpc -- 127.0.0.1:9002

use chinwag::http::{Request, Response, cookie};
use chinwag::{Accept, Event, Message, Server};
use serde_json::{Value, json};
use std::{env, sync::atomic::AtomicUsize, sync::atomic::Ordering::Relaxed};

/// The state of a connection.
struct Session {
    user: String,
    uploaded: AtomicUsize,
}

fn sign_in(request: &Request) -> Result<Accept, Response> {
    let user = cookie(request, "session").and_then(|session| session.strip_prefix("secret-of-"));
    let user = user.ok_or_else(|| Response::text(401, "Sign in first."))?.to_owned();
    Ok(Accept::new().data(Session { user, uploaded: AtomicUsize::new(0) }))
}

fn answer(session: &Session, call: &Value) -> Value {
    let result = match call["method"].as_str() {
        Some("whoami") => json!(session.user),
        Some("uploaded") => json!(session.uploaded.load(Relaxed)),
        _ => {
            return json!({"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32601, "message": "Method not found"}});
        }
    };
    json!({"jsonrpc": "2.0", "id": call["id"], "result": result})
}

fn main() -> Result<(), chinwag::Error> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9002".into());
    let server = Server::builder().accept(sign_in).listen(addr)?.start()?;
    println!("rpc at ws://{}/", server.local_addrs()[0]);
    for event in server.events() {
        let Event::Message(peer, message) = event else { continue };
        let Some(session) = peer.data::<Session>() else { continue };
        match message {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(call) => _ = peer.send(answer(session, &call).to_string()),
                Err(_) => _ = peer.close(1007, "that is not JSON"),
            },
            Message::Binary(bytes) => _ = session.uploaded.fetch_add(bytes.len(), Relaxed),
        }
    }
    Ok(())
}
