//! `GET /rooms`: which rooms there are, and how many users each has.
//!
//! Owns the last list that the chat's thread made, for the threads that answer requests.

use crate::{
    chat::protocol::rooms_json,
    ws::http::{Method, Request, Response},
};
use std::sync::{Arc, Mutex, PoisonError};

/// A room's name and how many users it has.
type Row = (Arc<str>, usize);

/// The list of rooms, shared between a chat and the site that shows it.
///
/// ```no_run
/// use chinwag::{Server, chat::rules::Rules, chat::server::{ChatServer, RoomList}, chat::protocol::Dialect};
///
/// fn main() -> Result<(), chinwag::Error> {
///     let rooms = RoomList::default();
///     let shown = rooms.clone();
///     let server = Server::builder()
///         .protocols(ChatServer::protocols())
///         .endpoint(ChatServer::is_endpoint)
///         .site(move |request| shown.respond(request).or_else(|| ChatServer::site(request)))
///         .listen("127.0.0.1:6502")?
///         .start()?;
///     ChatServer::new(server, Rules::default(), Dialect::Json).list_rooms(rooms).run();
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct RoomList {
    rows: Arc<Mutex<Arc<[Row]>>>,
}

/// The lobby, where nobody is yet: before the chat runs there is no other room.
impl Default for RoomList {
    fn default() -> Self {
        Self { rows: Arc::new(Mutex::new([("".into(), 0)].into())) }
    }
}

impl RoomList {
    /// Answers GET and HEAD of `/rooms` with JSON, 405 for other methods; `None`: it is another path.
    #[must_use]
    pub fn respond(&self, request: &Request) -> Option<Response> {
        if request.uri().path() != "/rooms" {
            return None;
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let refusal = Response::text(405, "Only GET and HEAD are possible here.");
            return Some(refusal.with("Allow", "GET, HEAD"));
        }
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut response = Response::empty(200)
            .with("Content-Type", "application/json")
            .with("Cache-Control", "no-store")
            .with("X-Content-Type-Options", "nosniff");
        response.body = rooms_json(rows.iter().map(|(name, users)| (&**name, *users))).into_bytes().into();
        Some(response)
    }

    /// From now on the list is this one.
    pub(super) fn set<'a>(&self, rooms: impl Iterator<Item = (&'a Arc<str>, usize)>) {
        let rows = rooms.map(|(name, users)| (name.clone(), users)).collect();
        *self.rows.lock().unwrap_or_else(PoisonError::into_inner) = rows;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(list: &RoomList, path: &str) -> Option<String> {
        let mut request = Request::new(());
        *request.uri_mut() = path.parse().expect("a path");
        list.respond(&request).map(|response| String::from_utf8_lossy(&response.body).into_owned())
    }

    #[test]
    fn the_list_is_json() {
        let list = RoomList::default();
        assert_eq!(get(&list, "/rooms").as_deref(), Some(r#"{"rooms":[{"name":"","users":0}]}"#));
        let rooms: [Row; 3] = [("".into(), 3), ("a \"b\"".into(), 1), ("<c>".into(), 0)];
        list.set(rooms.iter().map(|(name, users)| (name, *users)));
        let expected =
            r#"{"rooms":[{"name":"","users":3},{"name":"a \"b\"","users":1},{"name":"&lt;c&gt;","users":0}]}"#;
        assert_eq!(get(&list.clone(), "/rooms?x").as_deref(), Some(expected));
        assert_eq!(get(&list, "/room"), None);
    }

    #[test]
    fn only_for_reading_and_never_from_a_cache() {
        let mut request = Request::new(());
        *request.uri_mut() = "/rooms".parse().expect("a path");
        let list = RoomList::default();
        let answer = list.respond(&request).expect("an answer");
        assert_eq!((answer.status, answer.header("Cache-Control")), (200, Some("no-store")));
        *request.method_mut() = Method::POST;
        let answer = list.respond(&request).expect("an answer");
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD")));
    }
}
