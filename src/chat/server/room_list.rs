//! `GET /rooms`: the rooms, and how many users each has. The chat's thread writes the list, the threads that answer
//! requests read it.

use crate::ws::http::{Method, Request, Response};
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};

/// The list of rooms, shared by a chat and its HTTP handler.
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
    /// The name and the number of users of each room.
    rooms: Arc<Mutex<Rooms>>,
}

type Rooms = Arc<[(Arc<str>, usize)]>;

/// A list with the empty lobby, which a chat has from the start: requests may arrive before [`ChatServer::list_rooms`].
///
/// [`ChatServer::list_rooms`]: super::ChatServer::list_rooms
impl Default for RoomList {
    fn default() -> Self {
        Self { rooms: Arc::new(Mutex::new([("".into(), 0)].into())) }
    }
}

impl RoomList {
    /// Answers GET and HEAD of `/rooms` with JSON, and other methods with 405; `None` for another path.
    #[must_use]
    pub fn respond(&self, request: &Request) -> Option<Response> {
        if request.uri().path() != "/rooms" {
            return None;
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Some(Response::method_not_allowed());
        }
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let rooms: Vec<_> = rooms.iter().map(|(name, users)| json!({"name": name, "users": users})).collect();
        let body = json!({"rooms": rooms}).to_string();
        Some(Response::bytes(200, "application/json", body).with("Cache-Control", "no-store"))
    }

    /// Replaces the list.
    pub(super) fn set<'a>(&self, rooms: impl Iterator<Item = (&'a Arc<str>, usize)>) {
        let rooms = rooms.map(|(name, users)| (name.clone(), users)).collect();
        *self.rooms.lock().unwrap_or_else(PoisonError::into_inner) = rooms;
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
    fn list_is_plain_json() {
        let list = RoomList::default();
        assert_eq!(get(&list, "/rooms").as_deref(), Some(r#"{"rooms":[{"name":"","users":0}]}"#), "before the chat");
        let rooms: [(Arc<str>, usize); 3] = [("".into(), 3), ("a \"b\"".into(), 1), ("Q&A <c>".into(), 0)];
        list.set(rooms.iter().map(|(name, users)| (name, *users)));
        let expected = r#"{"rooms":[{"name":"","users":3},{"name":"a \"b\"","users":1},{"name":"Q&A <c>","users":0}]}"#;
        assert_eq!(get(&list.clone(), "/rooms?x").as_deref(), Some(expected));
        assert_eq!(get(&list, "/room"), None);
    }

    #[test]
    fn list_is_read_only_and_not_cached() {
        let mut request = Request::new(());
        *request.uri_mut() = "/rooms".parse().expect("a path");
        let list = RoomList::default();
        let answer = list.respond(&request).expect("an answer");
        assert_eq!((answer.status, answer.header("Cache-Control")), (200, Some("no-store")));
        *request.method_mut() = Method::POST;
        let answer = list.respond(&request).expect("an answer");
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD, OPTIONS")));
    }
}
