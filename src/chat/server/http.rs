//! HTTP for scripts: requests that post a message, and streams of a room's messages.

use super::ChatServer;
use super::connect::{field, redirect, room_at, stream_head};
use crate::chat::protocol::{Dialect, ErrorReason, Post, ProtocolError, Receipt, ServerMessage, UserId};
use crate::ws::http::{Method, Request, Response, Route, accepts, percent_decoded};
use crate::{chat::page, chat::rules::Input, ws::server::HttpRequest};
use tungstenite::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};

/// The methods of a room.
const METHODS: &str = "GET, HEAD, POST, OPTIONS";

const NO_LIST: &str =
    "This server does not list its rooms. With --list-rooms (in code: Admin::rooms), the list is here.";

/// The message was sent, and it is stored.
const CREATED: u16 = 201;

/// The message was sent, but the archive cannot store it now, and may lose it.
const ACCEPTED: u16 = 202;

impl ChatServer {
    /// The subprotocols of the chat, for [`Builder::protocols`](crate::Builder::protocols).
    pub fn protocols() -> impl Iterator<Item = &'static str> {
        Dialect::ALL.into_iter().map(Dialect::name)
    }

    /// Whether a path is a room: `/` is the lobby, `/room/NAME` another room, also with one more `/` at the end. For
    /// [`Builder::endpoint`](crate::Builder::endpoint).
    #[must_use]
    pub fn is_endpoint(path: &str) -> bool {
        room_at(path).is_some()
    }

    /// The chat's page, at the path of each room, and its files; 404 for a path that is almost one of a room. For [`Builder::site`](crate::Builder::site).
    #[must_use]
    pub fn site(request: &Request) -> Option<Response> {
        match request.uri().path() {
            path if path != "/" && Self::is_endpoint(path) => {
                redirect(request).or_else(|| page::serve(request, "room.html"))
            }
            "/rooms" => Some(Response::text(404, NO_LIST)),
            _ => page::respond(request).or_else(|| page::not_found(request)).or_else(|| {
                let sentence = "Nothing is at this path. The lobby is at /, and other rooms are at /room/NAME.";
                Some(Response::text(404, sentence))
            }),
        }
    }

    /// What scripts request: at the path of a room, POST sends a message, and GET streams the messages if it asks for that.
    /// For [`Builder::route`](crate::Builder::route).
    #[must_use]
    pub fn route(request: &Request) -> Option<Route> {
        room_at(request.uri().path())?;
        let method = request.method();
        if method == Method::POST {
            return Some(Route::Ask);
        }
        if method != Method::GET && method != Method::HEAD {
            let sentence = "Only GET, HEAD, POST and OPTIONS are possible here.";
            return Some(Route::Respond(Response::text(405, sentence).with("Allow", METHODS)));
        }
        let (_, dialect, keepalive) = match requested_stream(request)? {
            Ok(format) => *format,
            Err(refusal) => return Some(Route::Respond(refusal)),
        };
        if method == Method::HEAD {
            return Some(Route::Respond(stream_head(dialect)));
        }
        Some(Route::Stream { protocol: dialect.name(), keepalive })
    }

    /// A request with [`Route::Ask`]. The response is sent when the message is stored.
    pub(super) fn receive_post(&mut self, request: HttpRequest) {
        let HttpRequest { id, addr, is_exempt, head, body, responder } = request;
        let room = self.room_at(head.uri().path());
        self.posts.insert(id, (responder, accepts(&head, &ACCEPT, "application/json")));
        let address = (!is_exempt).then(|| addr.ip());
        let wait = self.chat.charge_post(self.now(), address, &room, body.len());
        match parse(&head, &body) {
            Ok(post) if wait > 0 => self.posted(id, Err(ProtocolError::too_fast(wait).with_nonce(post.nonce))),
            // The receipt says that the message is stored, and its number must not change.
            Ok(post) if !self.restore(&room) => {
                self.posted(id, Err(ProtocolError::from(ErrorReason::Unavailable).with_nonce(post.nonce)));
            }
            Ok(post) => self.apply(Input::Post(id, Some(addr.ip()), &room, &post)),
            Err(error) => self.posted(id, Err(error)),
        }
    }

    /// A message was posted, or rejected. The response is sent when the batch is stored.
    pub(super) fn posted(&mut self, id: UserId, result: Result<Receipt, ProtocolError>) {
        let Some((responder, as_json)) = self.posts.remove(id) else { return };
        result.as_ref().err().into_iter().for_each(|error| *self.metrics.refused.get_or_default(error.reason) += 1);
        self.responses.push((responder, response(result, as_json)));
    }

    /// Sends the responses of this batch, which is stored.
    pub(super) fn respond(&mut self) {
        let is_stored = self.archive.as_ref().is_none_or(|archive| archive.is_complete());
        for (responder, mut response) in self.responses.drain(..) {
            if response.status == CREATED && !is_stored {
                response.status = ACCEPTED;
            }
            responder.respond(response);
        }
    }
}

/// The format of a stream: its name in a query, its dialect, and what keeps the connection alive.
type Format = (&'static str, Dialect, &'static [u8]);

const FORMATS: [Format; 3] = [
    ("sse", Dialect::Sse, b":\n\n"),
    ("ndjson", Dialect::Ndjson, b"{\"type\":\"keepalive\"}\n"),
    ("text", Dialect::Lines, b"\n"),
];

/// The format of a stream, if the request asks for one.
fn requested_stream(request: &Request) -> Option<Result<&'static Format, Response>> {
    let unknown = || Response::text(400, "Unknown format. Use format=sse, format=ndjson or format=text.");
    let Some(wanted) = field(request, "format") else {
        // For plain text, `Accept` is not enough: some libraries send it with every request.
        return FORMATS[..2].iter().find(|(_, dialect, _)| accepts(request, &ACCEPT, dialect.name())).map(Ok);
    };
    Some(FORMATS.iter().find(|(name, ..)| *name == wanted).ok_or_else(unknown))
}

/// Reads a message from the body. A name that is not in the body may be in the query or in a header field.
pub(super) fn parse(head: &Request, body: &[u8]) -> Result<Post, ProtocolError> {
    let Some((text, is_json)) = std::str::from_utf8(body).ok().zip(is_json(head)) else {
        let sentence = "Send text/plain or application/json, in UTF-8 and not compressed.";
        return Err(ProtocolError::new(ErrorReason::NotText, sentence));
    };
    let mut post = if is_json { Post::from_json(text)? } else { Post::from_text(text) };
    if post.name.as_ref().is_none_or(String::is_empty) {
        let name = match field(head, "name") {
            // In a query, libraries write a space as a plus.
            Some(name) if !name.is_empty() => percent_decoded(&name.replace('+', " ")),
            _ => String::from_utf8(head.headers().get("Name").map_or(Vec::new(), |name| name.as_bytes().into())).ok(),
        };
        post.name = Some(name.ok_or(ErrorReason::BadName)?);
    }
    Ok(post)
}

/// Whether the body is JSON; `None` if it is neither JSON nor text. Forms count as text, because `curl -d` sends that type
/// for every body.
fn is_json(head: &Request) -> Option<bool> {
    let value = head.headers().get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?")).to_ascii_lowercase();
    let (kind, parameters) = value.split_once(';').unwrap_or((&value, ""));
    let is_other = parameters.contains("charset") && !parameters.contains("utf-8") && !parameters.contains("us-ascii");
    if is_other || head.headers().contains_key(CONTENT_ENCODING) {
        return None;
    }
    match kind.trim() {
        "application/json" => Some(true),
        "text/plain" | "application/x-www-form-urlencoded" | "" => Some(false),
        _ => None,
    }
}

fn response(result: Result<Receipt, ProtocolError>, as_json: bool) -> Response {
    let error = match result {
        Ok(receipt) => {
            return json(CREATED, serde_json::to_string(&receipt).ok()).with("Cache-Control", "no-store");
        }
        Err(error) => error,
    };
    let status = match error.reason {
        ErrorReason::TooLong => 413,
        ErrorReason::NotText => 415,
        ErrorReason::TooFast | ErrorReason::SlowMode => 429,
        ErrorReason::Muted => 403,
        ErrorReason::NoSuchUser => 404,
        ErrorReason::Unavailable => 503,
        _ => 400,
    };
    let response = match as_json {
        false => Response::text(status, &error.message),
        true => json(status, Dialect::Chinwag.encode(&ServerMessage::Error(error.clone()))),
    };
    match status {
        415 => response.with("Accept-Post", "text/plain, application/json"),
        429 => response.with("Retry-After", error.retry_after.to_string()),
        503 => response.with("Retry-After", "10"),
        _ => response,
    }
}

fn json(status: u16, object: Option<String>) -> Response {
    Response::bytes(status, "application/json", object.unwrap_or_default() + "\n")
}
