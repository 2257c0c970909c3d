//! What an operator asks: whether the server is healthy, its numbers, and jobs for the chat thread.

use super::ChatServer;
use crate::ws::http::{ClientAddr, Method, Request, Response};
use crate::ws::server::{Handle, Server};
use crate::{ws::access::Host, ws::queue::Producer, ws::queue::queue};
use serde_json::json;
use std::any::Any;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long the chat thread may take to answer, and the archive to say whether it can store messages.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// A job for the chat thread. The connections get its outputs at the end of the batch.
pub type Job = Box<dyn FnOnce(&mut ChatServer) -> Response + Send>;

/// Answers `/healthz`, `/readyz`, `/metrics` and `/rooms`, and gives jobs to the chat thread. Clones stand for the same chat.
///
/// Requests may arrive before [`Admin::connect`]: they get 503.
///
/// ```no_run
/// use chinwag::{Access, Server, chat::{protocol::Dialect, rules::Rules, server::{Admin, BanFile, ChatServer}}};
/// use std::{path::Path, thread, time::Duration};
///
/// let (admin, access) = (Admin::default(), Access::default());
/// let bans = BanFile::open(access.clone(), Some(Path::new("bans.txt")))?;
/// let site = admin.clone();
/// let server = ChatServer::mount(Server::builder(), "/")
///     .access(access)
///     .delay(ChatServer::delay) // ?slow=MILLISECONDS, for learners
///     .site(move |it| site.respond_locally(it).or_else(|| site.rooms(it)).or_else(|| ChatServer::site(it)))
///     .listen("127.0.0.1:6502")?
///     .start()?;
/// admin.connect(&server);
/// let mut chat = ChatServer::new(server, Rules::default(), Dialect::Json).bans(bans);
/// chat.command("ban 192.0.2.0/24 7d")?;
/// chat.run();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Admin(Arc<OnceLock<Handle>>);

/// As [`Job`], with what gives its response to the asker.
type Task = Box<dyn FnOnce(&mut ChatServer, Producer<Response>) + Send>;

/// A job on its way to the chat thread.
type Question = Box<dyn FnOnce(&mut ChatServer) + Send>;

impl Admin {
    /// The server of the chat. Only the first call counts.
    pub fn connect(&self, server: &Server) {
        let _ = self.0.set(server.handle());
    }

    /// Answers a request for one of the three paths; `None` for another path. For a listener that only operators reach.
    #[must_use]
    pub fn respond(&self, request: &Request) -> Option<Response> {
        let answer: fn(&Self) -> Response = match request.uri().path() {
            "/healthz" => |_| Response::text(200, "ok"),
            "/readyz" => |admin| admin.ask_within(ANSWER_TIME, Box::new(ChatServer::check)),
            "/metrics" => |admin| admin.ask(Box::new(|chat| Response::text(200, chat.metrics()))),
            _ => return None,
        };
        Some(match *request.method() {
            Method::GET | Method::HEAD => answer(self).with("Cache-Control", "no-store"),
            _ => Response::method_not_allowed(),
        })
    }

    /// As [`Admin::respond`], for requests from this machine: the address is loopback, and so is the host in the request. What
    /// a proxy has passed on comes from elsewhere, whatever its address. Others get `None`.
    #[must_use]
    pub fn respond_locally(&self, request: &Request) -> Option<Response> {
        if is_local(request) { self.respond(request) } else { None }
    }

    /// Lets the chat thread do this job, and returns its response. Without an answer within a second it is 503. A job that has
    /// not begun by then is not done.
    pub fn ask(&self, job: Job) -> Response {
        self.ask_within(ANSWER_TIME, Box::new(|chat, answer| answer.push(job(chat))))
    }

    /// As [`Admin::ask`], for a job that may take longer, or whose response comes from another thread.
    pub(super) fn ask_within(&self, time: Duration, job: Task) -> Response {
        let Some(server) = self.0.get() else { return Response::text(503, "the server is starting") };
        let deadline = Instant::now() + time;
        let (answer, answers) = queue(1);
        let question: Question = Box::new(move |chat| {
            // After the deadline, the asker has stopped waiting.
            if Instant::now() < deadline {
                job(chat, answer);
            }
        });
        // If this fails, the question is dropped, and so is its sender.
        let _ = server.send(Box::new(question), deadline);
        let late = || Response::text(503, format!("no answer within {time:?} from the chat thread or its history"));
        answers.pop(deadline.saturating_duration_since(Instant::now())).unwrap_or_else(late)
    }

    /// Answers GET and HEAD of `/rooms` with the rooms, and how many users with a name each has, as JSON. `None` for another
    /// path. It is for everyone, in a [site](crate::Builder::site) before [`ChatServer::site`].
    #[must_use]
    pub fn rooms(&self, request: &Request) -> Option<Response> {
        let list: Job = Box::new(|chat| {
            let rooms: Vec<_> = chat.chat.rooms().map(|(name, users)| json!({"name": name, "users": users})).collect();
            Response::bytes(200, "application/json", json!({"rooms": rooms}).to_string())
        });
        Some(match *request.method() {
            _ if request.uri().path() != "/rooms" => return None,
            Method::GET | Method::HEAD => self.ask(list).with("Cache-Control", "no-store"),
            _ => Response::method_not_allowed(),
        })
    }
}

impl ChatServer {
    fn check(&mut self, answer: Producer<Response>) {
        #[cfg(feature = "cluster")]
        if self.cluster.as_ref().is_some_and(|cluster| !cluster.is_ready()) {
            let why = "cluster: Redis does not answer, or this node has not read the whole stream";
            return answer.push(Response::text(503, why));
        }
        let done = move |error: Option<String>| {
            answer.push(match error {
                None => Response::text(200, "ready"),
                Some(why) => Response::text(503, format!("history: {why}")),
            });
        };
        match &mut self.archive {
            Some(archive) => archive.check(Box::new(done)),
            None => done(None),
        }
    }

    pub(super) fn answer(&mut self, question: Box<dyn Any + Send>) {
        if let Ok(question) = question.downcast::<Question>() {
            question(self);
        }
    }
}

/// Whether a program on this machine asks, and no proxy for another one.
fn is_local(request: &Request) -> bool {
    let headers = request.headers();
    // Such as X-Real-IP and CF-Connecting-IP.
    let is_proxied =
        |name: &str| name.starts_with("x-forwarded-") || name.ends_with("-ip") || ["forwarded", "via"].contains(&name);
    let host = headers.get("Host").map(|host| host.to_str().ok().and_then(|host| Host::parse(host).ok()));
    let is_loopback =
        |host: Option<Host>| host.is_some_and(|host| host.is_localhost() || host.ip.is_some_and(|ip| ip.is_loopback()));
    request.extensions().get().is_some_and(|ClientAddr(addr)| addr.ip().to_canonical().is_loopback())
        && !headers.keys().any(|name| is_proxied(name.as_str()))
        && host.is_none_or(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_from_elsewhere_are_not_local() {
        type Fields = &'static [(&'static str, &'static str)];
        let rows: &[(&str, Fields, bool)] = &[
            ("127.0.0.1:9", &[], true),
            ("127.0.0.1:9", &[("Host", "localhost:6502")], true),
            ("127.9.9.9:9", &[("Host", "127.0.0.1")], true),
            ("[::1]:9", &[("Host", "[::1]:1")], true),
            ("[::ffff:127.0.0.1]:9", &[("Host", "LOCALHOST")], true),
            ("192.0.2.1:9", &[("Host", "localhost")], false),
            ("[2001:db8::1]:9", &[], false),
            ("127.0.0.1:9", &[("Host", "chat.example")], false),
            ("127.0.0.1:9", &[("Host", "192.0.2.1")], false),
            ("127.0.0.1:9", &[("X-Forwarded-For", "127.0.0.1")], false),
            ("127.0.0.1:9", &[("X-Forwarded-Proto", "https")], false),
            ("127.0.0.1:9", &[("Forwarded", "for=127.0.0.1")], false),
            ("127.0.0.1:9", &[("X-Real-IP", "127.0.0.1")], false),
            ("127.0.0.1:9", &[("CF-Connecting-IP", "192.0.2.1")], false),
            ("127.0.0.1:9", &[("X-Cluster-Client-IP", "192.0.2.1")], false),
            ("127.0.0.1:9", &[("Via", "1.1 proxy")], false),
        ];
        for (addr, fields, expected) in rows {
            let mut request = Request::new(());
            request.extensions_mut().insert(ClientAddr(addr.parse().expect("an address")));
            for (name, value) in *fields {
                request.headers_mut().append(*name, value.parse().expect("a value"));
            }
            assert_eq!(is_local(&request), *expected, "{addr} {fields:?}");
        }
        assert!(!is_local(&Request::new(())), "a request without an address");
    }

    #[test]
    fn list_of_rooms_is_read_only_and_not_cached() {
        for (path, method, status) in [
            ("/rooms?x", Method::GET, Some(503)),
            ("/rooms", Method::HEAD, Some(503)),
            ("/rooms", Method::POST, Some(405)),
            ("/room", Method::GET, None),
        ] {
            let mut request = Request::new(());
            (*request.uri_mut(), *request.method_mut()) = (path.parse().expect("a path"), method);
            let response = Admin::default().rooms(&request);
            assert_eq!(response.as_ref().map(|response| response.status), status, "{path}");
            let caching = response.as_ref().and_then(|response| response.header("Cache-Control"));
            assert_eq!(caching, (status == Some(503)).then_some("no-store"));
        }
    }

    #[test]
    fn before_the_chat_runs_nothing_is_ready() {
        for (path, method, status) in [
            ("/healthz", Method::GET, Some(200)),
            ("/readyz", Method::GET, Some(503)),
            ("/metrics", Method::HEAD, Some(503)),
            ("/metrics", Method::POST, Some(405)),
            ("/", Method::GET, None),
            ("/healthz/", Method::GET, None),
        ] {
            let mut request = Request::new(());
            (*request.uri_mut(), *request.method_mut()) = (path.parse().expect("a path"), method);
            assert_eq!(Admin::default().respond(&request).map(|response| response.status), status, "{path}");
        }
    }
}
