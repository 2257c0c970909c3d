//! The settings of a server before it starts.

#[cfg(feature = "deflate")]
use crate::ws::deflate::Deflate;
use crate::ws::handshake::{Accept, Policy};
use crate::ws::http::{Request, Response, Route};
#[cfg(feature = "chat")]
use crate::ws::http::{below, path_below};
use crate::ws::server::listener::{Listener, bind};
use crate::ws::server::{Server, connection_task::ConnectionTask, connection_task::open_websocket};
#[cfg(feature = "tls")]
use crate::ws::tls::Acceptor;
use crate::ws::{
    access::Access, config::Config, error::Error, network::Network, peer::skip_ids_below, session::ListenerMode,
    tcp::OwnedFd, websocket::WebSocket,
};
use std::{net::ToSocketAddrs, sync::Arc, time::Duration};

/// The settings of a server. [`Builder::start`] or [`Builder::serve`] starts it.
///
/// ```no_run
/// # #[cfg(unix)] {
/// use chinwag::{Access, Config, Server, http};
/// use std::{os::unix::net::UnixListener, time::Duration};
///
/// let server = Server::builder()
///     .config(Config::default().max_message_size(1 << 20).ping_interval(Duration::from_secs(5)))
///     .access(Access::default().allow_host("live.example")?.allow_origin("https://www.example")?)
///     .trusted_proxies(["127.0.0.1".parse()?, "10.0.0.0/24".parse()?])
///     .protocols(["v2.live", "v1.live"]) // the client's order decides
///     .endpoint(|path| path == "/live")
///     .site(http::files("public")?)
///     .listen("127.0.0.1:9000")?
///     .listen("[::1]:9000")?
///     .listener(UnixListener::bind("/run/live.sock")?)?
///     .start()?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Only a listener is needed. What is not called has its default.
#[derive(Debug, Default)]
#[must_use = "nothing is served before start() or serve()"]
pub struct Builder {
    // Boxes, because each method moves all of this.
    pub(super) config: Box<Config>,
    pub(super) policy: Box<Policy>,
    pub(super) proxies: Vec<Network>,
    pub(super) listeners: Vec<Listener>,
}

impl Builder {
    /// Limits and times. Default: [`Config::default`].
    pub fn config(mut self, config: Config) -> Self {
        *self.config = config;
        self
    }

    /// The subprotocols of this server (RFC 6455 1.9). The first one in the client's order that is among them is chosen. A client that
    /// offers only others is accepted without one: [`Builder::accept`] may refuse it. Default: none.
    pub fn protocols<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.policy.protocols = names.into_iter().map(Arc::from).collect();
        self
    }

    /// Which clients are allowed. Default: [`Access::default`].
    pub fn access(mut self, access: Access) -> Self {
        self.policy.access = access;
        self
    }

    /// The paths that accept a WebSocket handshake, as they were sent: [`percent_decoded`](crate::http::percent_decoded) decodes one.
    /// At other paths it gets 404. Default: every path.
    ///
    /// ```
    /// # use chinwag::Server;
    /// let rooms = ["/red", "/green"];
    /// let builder = Server::builder().endpoint(move |path| rooms.contains(&path));
    /// ```
    pub fn endpoint(mut self, is_endpoint: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.policy.endpoint = Some(Arc::new(is_endpoint));
        self
    }

    /// Which requests without a handshake are for the program: it responds to them in the loop over events, also after
    /// [`Builder::serve`], or streams to them. Default: none. The rest is for [`Builder::site`].
    ///
    /// ```no_run
    /// # use chinwag::{Event, Server, http::{Method, Response, Route}};
    /// let builder = Server::builder().route(|it| (it.method() == Method::POST).then_some(Route::Ask));
    /// let server = builder.listen("127.0.0.1:9000")?.serve(|ws| ws.iter().for_each(drop))?;
    /// for event in server.events() {
    ///     let Event::Request(request) = event else { continue };
    ///     request.responder.respond(Response::text(200, format!("{} bytes", request.body.len())));
    /// }
    /// # Ok::<(), chinwag::Error>(())
    /// ```
    pub fn route(mut self, route: impl Fn(&Request) -> Option<Route> + Send + Sync + 'static) -> Self {
        self.policy.route = Some(Arc::new(route));
        self
    }

    /// The handler of requests that are not handshakes. Everybody gets its pages, also without the token of [`Access::token`]:
    /// [`TokenCheck`](crate::http::TokenCheck) says who has it. It runs on the thread of the connection. When it returns
    /// `None`, the response is 404. Without a handler, the response is 426 at an endpoint and 404 elsewhere. A 405 for OPTIONS
    /// becomes 204 with the same `Allow`. Requests with a body are for [`Builder::route`].
    ///
    /// ```
    /// # use chinwag::{Server, http::Response};
    /// let builder = Server::builder().site(|request| match request.uri().path() {
    ///     "/" => Some(Response::html(200, "<!doctype html><title>Live</title>")),
    ///     "/version" => Some(Response::text(200, "1.0").with("Cache-Control", "no-store")),
    ///     _ => None,
    /// });
    /// ```
    pub fn site(mut self, site: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static) -> Self {
        self.policy.http_handler = Some(Arc::new(site));
        self
    }

    /// Accepts or refuses each handshake, and each [`Route::Stream`], that has passed all other checks. A refusal is any response. An
    /// accepted handshake may get a subprotocol, header fields, and a value for [`Peer::data`](crate::Peer::data); a stream gets the
    /// value only. It runs on the thread of the connection. A panic, or an answer that cannot be sent, is logged and becomes a 500.
    /// Default: all are accepted.
    ///
    /// ```
    /// use chinwag::{Accept, Event, Server, client, http::{Response, cookie}};
    ///
    /// struct User(String);
    ///
    /// let server = Server::builder()
    ///     .accept(|request| match cookie(request, "session") {
    ///         Some("a1") => Ok(Accept::new().data(User("ann".into())).with("Set-Cookie", "session=a2; HttpOnly")),
    ///         _ => Err(Response::text(401, "Sign in first.")),
    ///     })
    ///     .listen("127.0.0.1:0")?
    ///     .start()?;
    ///
    /// let client = client::WebSocket::builder(&format!("ws://{}/", server.local_addrs()[0]));
    /// let refusal = client.clone().open().unwrap_err().to_string();
    /// assert_eq!(refusal, "the server responded with 401 instead of 101: Sign in first.");
    /// let socket = client.header("Cookie", "session=a1").open()?;
    /// let Ok(Event::Connected(peer, _)) = server.events().recv() else { panic!("a new connection") };
    /// assert_eq!(peer.data::<User>().map(|user| &*user.0), Some("ann"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn accept(mut self, accept: impl Fn(&Request) -> Result<Accept, Response> + Send + Sync + 'static) -> Self {
        self.policy.accept = Some(Arc::new(accept));
        self
    }

    /// Adds a service with subprotocols, endpoints and responses of its own. It decides about the paths below `path`. The rest
    /// stays as it was set before.
    #[cfg(feature = "chat")]
    pub(crate) fn service(
        mut self,
        path: &'static str,
        protocols: impl Iterator<Item = &'static str>,
        endpoint: fn(&str) -> bool,
        route: fn(&Request) -> Option<Route>,
        site: fn(&Request) -> Option<Response>,
    ) -> Self {
        let Policy { endpoint: old_endpoint, route: old_route, http_handler: old_site, .. } = *self.policy.clone();
        self.policy.protocols.extend(protocols.map(Arc::from));
        let is_old = move |at: &str| old_endpoint.as_ref().is_none_or(|endpoint| endpoint(at));
        self = self.endpoint(move |at| path_below(path, at).map_or_else(|| is_old(at), endpoint));
        self = self.route(move |request| {
            let old = || old_route.as_ref().and_then(|route| route(request));
            below(path, request).and_then(|own| route(&own)).or_else(old)
        });
        self.site(move |request| {
            let own = below(path, request);
            // The addresses in a page are relative, so the page must be in the folder.
            if request.uri().path() == path && path != "/" {
                let location = format!("./{}/", path.rsplit('/').next().unwrap_or_default());
                return Some(Response::text(308, format!("This is at {location}")).with("Location", location));
            }
            own.and_then(|own| site(&own)).or_else(|| old_site.as_ref().and_then(|site| site(request)))
        })
    }

    /// How long the 101 response waits, and the reply to the client's Close frame: slow motion for learners. Default: not at
    /// all. It should be less than [`Config::handshake_timeout`](crate::Config::handshake_timeout).
    ///
    /// ```
    /// # use chinwag::Server;
    /// # use std::time::Duration;
    /// let builder = Server::builder().delay(|request| Duration::from_millis(if request.uri().query() == Some("slow") { 800 } else { 0 }));
    /// ```
    pub fn delay(mut self, delay: fn(&Request) -> Duration) -> Self {
        self.policy.delay = Some(delay);
        self
    }

    /// Compresses messages, for clients that offer it (RFC 7692). [`Deflate`] has an example. Default: no compression.
    #[cfg(feature = "deflate")]
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.policy.deflate = Some(deflate);
        self
    }

    /// Reverse proxies that are trusted, by address or network. The client's address is the one that they send in
    /// `X-Forwarded-For`. It is used for the limits per address, for the log, and for [`Peer::addr`](crate::Peer::addr) (with
    /// port 0). Default: none; then all clients of a proxy share the limits of its address.
    pub fn trusted_proxies(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.proxies = networks.into_iter().collect();
        self
    }

    /// The smallest id of a connection, for all servers of this process from now on. For a server that continues an earlier one,
    /// so that stored ids are not used again. Default: 1.
    ///
    /// ```
    /// # use chinwag::Server;
    /// # let last_stored_id = 6502;
    /// let builder = Server::builder().first_id(last_stored_id + 1);
    /// ```
    pub fn first_id(self, id: u64) -> Self {
        skip_ids_below(id);
        self
    }

    /// Listens on one more address. With port 0 the system chooses a port, which [`Server::local_addrs`] returns.
    ///
    /// # Errors
    /// The address has no port, or a host that cannot be found. Listening failed: the address is in use, is not one of this
    /// machine, or its port needs a privilege.
    pub fn listen(self, addr: impl ToSocketAddrs) -> Result<Self, Error> {
        self.listener(bind(addr)?)
    }

    /// Accepts connections on one more listening socket: a `TcpListener`, a `UnixListener`, or a descriptor of either that another
    /// process keeps, such as systemd. If another process has the socket as well, it goes on listening when this server ends, so
    /// the next server finds the clients that have connected meanwhile.
    ///
    /// The clients of a unix socket have the address 127.0.0.1 and port 0. Each of them is trusted as a proxy
    /// ([`Builder::trusted_proxies`]), so the mode of the socket's file must keep others out.
    ///
    /// # Errors
    /// It is another kind of socket.
    pub fn listener(self, socket: impl Into<OwnedFd>) -> Result<Self, Error> {
        self.add_listener(socket.into(), ListenerMode::default())
    }

    /// Listens on one more address, with TLS: `https://` and `wss://`. Plain and TLS addresses may be mixed. [`Acceptor`] has an
    /// example.
    ///
    /// # Errors
    /// As [`Builder::listen`].
    #[cfg(feature = "tls")]
    pub fn listen_tls(self, addr: impl ToSocketAddrs, acceptor: &Acceptor) -> Result<Self, Error> {
        self.listener_tls(bind(addr)?, acceptor)
    }

    /// As [`Builder::listener`], with TLS. A unix socket stays plain.
    ///
    /// # Errors
    /// As [`Builder::listener`].
    #[cfg(feature = "tls")]
    pub fn listener_tls(self, socket: impl Into<OwnedFd>, acceptor: &Acceptor) -> Result<Self, Error> {
        self.add_listener(socket.into(), acceptor.mode())
    }

    /// Listens on one more address, where plain HTTP gets a redirect (308) to `https`, at the port of the first
    /// [`Builder::listen_tls`] before this, or 443. The host in it is that of the request, if [`Access`] allows it.
    ///
    /// # Errors
    /// As [`Builder::listen`].
    #[cfg(feature = "tls")]
    pub fn redirect_http(self, addr: impl ToSocketAddrs) -> Result<Self, Error> {
        let secure = self.listeners.iter().find(|listener| listener.mode.tls.is_some());
        let https_port = Some(secure.map_or(443, |listener| listener.addr.port()));
        self.add_listener(bind(addr)?, ListenerMode { https_port, ..ListenerMode::default() })
    }

    fn add_listener(mut self, socket: OwnedFd, mode: ListenerMode) -> Result<Self, Error> {
        self.listeners.push(Listener::new(socket, mode).map_err(Error::start)?);
        Ok(self)
    }

    /// Starts the server with a function for each connection in place of events. It runs on the thread of the connection, and
    /// may wait: it delays no other connection. [`WebSocket`] says how it ends. [`Server::wait`] waits for all of them, and
    /// dropping the server stops it.
    ///
    /// The thread has [`Config::stack_size`] bytes of stack. While the function does not read, nothing answers the client's
    /// Pings. After a shutdown, reading fails with Close 1001; a function that goes on all the same keeps its thread.
    /// [`Server::events`] then has only requests with [`Route::Ask`]. The function gets those with [`Route::Stream`] as well.
    ///
    /// ```no_run
    /// use chinwag::{Message, Server};
    ///
    /// let server = Server::builder().listen("127.0.0.1:9000")?.serve(|ws| {
    ///     ws.send("What is your name?");
    ///     if let Ok(Message::Text(name)) = ws.recv() {
    ///         ws.send(format!("Hello, {name}!"));
    ///     }
    /// })?;
    /// server.wait();
    /// # Ok::<(), chinwag::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub fn serve(self, handle: impl Fn(WebSocket) + Send + Sync + 'static) -> Result<Server, Error> {
        let serve = move |accepted, permit, shared: &_| handle(open_websocket(accepted, permit, shared));
        Server::start(self, Box::new(serve))
    }

    /// Starts the threads: one for each listener, and the poller.
    ///
    /// # Errors
    /// There is no address to listen on, or the operating system refused a thread or a descriptor.
    pub fn start(self) -> Result<Server, Error> {
        let serve = |accepted, permit, shared: &_| ConnectionTask::start(accepted, permit, shared).run();
        Server::start(self, Box::new(serve))
    }
}
