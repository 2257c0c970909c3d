//! The chat as a part of another program: below a path of its server, and in its own loop over events.

use super::{ChatServer, connect};
use crate::chat::rules::{Input, RoomName};
use crate::ws::server::{Builder, Event, Server};
use crate::{chat::protocol::Millis, ws::http::path_below};
use std::time::{Duration, Instant};

impl ChatServer {
    /// Adds the chat to a server, below this path: its subprotocols, its rooms and its page. The rest of the server stays as it
    /// was set before. [`ChatServer::mounted_at`] needs the same path.
    ///
    /// ```
    /// use chinwag::{Event, Server, chat::{protocol::Dialect, rules::Rules, server::ChatServer}, client};
    ///
    /// let builder = Server::builder().endpoint(|path| path == "/echo").listen("127.0.0.1:0")?;
    /// let server = ChatServer::mount(builder, "/chat").start()?;
    /// let mut chat = ChatServer::new(server, Rules::default(), Dialect::Json).mounted_at("/chat");
    /// # let url = format!("ws://{}", chat.server().local_addrs()[0]);
    /// # let user = std::thread::spawn(move || {
    /// #     let ws = client::WebSocket::builder(&(url.clone() + "/chat")).open().unwrap();
    /// #     ws.send(r#"{"type":"username","name":"ann"}"#);
    /// #     while !matches!(ws.recv().unwrap(), chinwag::Message::Text(text) if text.contains("ann")) {}
    /// #     let ws = client::WebSocket::builder(&(url + "/echo")).open().unwrap();
    /// #     ws.send("hello");
    /// #     assert_eq!(ws.recv().unwrap(), "hello".into());
    /// # });
    ///
    /// let events = chat.server().events().clone();
    /// let shutdown = chat.server().handle();
    /// loop {
    ///     let next = chat.next_tick().map_or_else(chinwag::crossbeam_channel::never, chinwag::crossbeam_channel::at);
    ///     chinwag::crossbeam_channel::select! {
    ///         recv(next) -> _ => chat.tick(),
    ///         recv(events) -> event => match event {
    ///             Ok(Event::Message(peer, message)) if peer.path() == "/echo" => {
    ///                 peer.send(message);
    ///                 shutdown.shut_down(); // for this example
    ///             }
    ///             Ok(event) if event.path() == "/echo" => {}
    ///             Ok(event) => chat.handle(event),
    ///             Err(_) => break, // after the shutdown
    ///         }
    ///     }
    /// }
    /// # user.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mount(builder: Builder, path: &'static str) -> Builder {
        builder.service(path, Self::protocols(), Self::is_endpoint, Self::route, Self::site)
    }

    /// The path of [`ChatServer::mount`].
    #[must_use]
    pub fn mounted_at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// The server, for its events, its addresses and its shutdown.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Handles one event, for a program that has its own loop in place of [`ChatServer::run`]. It must get all events of the
    /// chat's connections, and no others. Then everything that the event caused has been sent.
    ///
    /// `run` handles waiting events together, which costs less in large rooms.
    pub fn handle(&mut self, event: Event) {
        self.receive(event);
        self.tick();
    }

    /// When something is due, unless an event comes first.
    #[must_use]
    pub fn next_tick(&self) -> Option<Instant> {
        let until = |tick: Millis| Duration::from_millis(tick.saturating_sub(self.now().uptime));
        let tick = self.chat.next_tick().and_then(|tick| Instant::now().checked_add(until(tick)));
        let catch_up = self.chat.catching_up().next().map(|_| Instant::now() + super::CATCH_UP_INTERVAL);
        tick.into_iter().chain(catch_up).min()
    }

    /// The room at a path of the server. An embedding program may accept other paths, which all lead to the lobby.
    pub(super) fn room_at(&self, path: &str) -> RoomName {
        path_below(self.path, path).and_then(connect::room_at).unwrap_or_else(RoomName::lobby)
    }

    /// Does what is due, and sends what this batch caused: call it at [`ChatServer::next_tick`].
    pub fn tick(&mut self) {
        #[cfg(feature = "cluster")]
        self.exchange();
        if self.chat.next_tick().is_some_and(|tick| tick <= self.now().uptime) {
            self.apply(Input::Tick);
        }
        self.send_next_parts();
        self.flush();
    }
}
