//! What a program decides about handshakes, and services that share a server.

use super::Builder;
use crate::ws::handshake::Accept;
use crate::ws::http::{Request, Response};
#[cfg(feature = "chat")]
use crate::ws::{
    handshake::Policy,
    http::{Route, below, path_below},
};
use std::sync::Arc;

impl Builder {
    /// Decides about each handshake that has passed all other checks, before its 101 response: refuses it with any response, or
    /// accepts it with a subprotocol, header fields, and a value for [`Peer::data`](crate::Peer::data). It runs on the thread of
    /// the connection. A panic, or an answer that cannot be sent, is logged and becomes a 500.
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
}
