//! The cases: the bytes sent, the status of the response, and a part of its text.

mod access;
mod http;
mod websocket;

use std::sync::Arc;

use chinwag::access::Access;
use chinwag::handshake::Policy;

use crate::script::{Script, Then};

/// One case. `what` is Markdown.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    sent: Vec<u8>,
    then: Then,
    pub(crate) status: u16,
    pub(crate) says: &'static str,
}

impl Row {
    pub(crate) fn script(&self) -> Script {
        Script::of(self.sent.clone()).then(self.then)
    }
}

/// Cases for one configuration.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) setting: &'static str,
    pub(crate) policy: fn() -> Policy,
    pub(crate) rows: fn() -> Vec<Row>,
}

pub(crate) const GROUPS: &[Group] = &[
    Group {
        title: "Accepted",
        setting: "The chat server, with the subprotocols `json`, `chinwag.v1` and `text`, and handshakes at `/`.",
        policy: chat,
        rows: websocket::accepted,
    },
    Group { title: "Not a request", setting: "With any configuration.", policy: chat, rows: http::invalid_requests },
    Group { title: "Target, version, body", setting: "The chat server.", policy: chat, rows: http::targets_and_bodies },
    Group { title: "Not a handshake", setting: "The chat server.", policy: chat, rows: websocket::invalid_handshakes },
    Group {
        title: "Host and Origin",
        setting: "The chat server on a machine called `pi`, with `--host chat.example --origin https://app.example`.",
        policy: listed,
        rows: access::host_and_origin,
    },
    Group {
        title: "An Origin is required",
        setting: "With `--require-origin --origin null`.",
        policy: with_origin,
        rows: access::required_origin,
    },
    Group {
        title: "Access token",
        setting: "With `--token-file`, and `s3cret+` in the file.",
        policy: with_log_id_prefix,
        rows: access::token,
    },
    Group { title: "Pages", setting: "The chat server.", policy: chat, rows: http::pages },
    Group {
        title: "No pages",
        setting: "A server built on the library, without pages and with handshakes at every path.",
        policy: Policy::default,
        rows: http::no_pages,
    },
];

pub(crate) fn chat() -> Policy {
    Policy {
        protocols: ["json", "chinwag.v1", "text"].map(Into::into).to_vec(),
        endpoint: Some(Arc::new(|path| path == "/")),
        http_handler: Some(std::sync::Arc::new(chinwag::chat::page::respond)),
        ..Policy::default()
    }
}

fn for_access(access: Access) -> Policy {
    Policy { access, ..chat() }
}

fn listed() -> Policy {
    let access = Access::default().machine_name("pi");
    let access = access.allow_host("chat.example").expect("a host name");
    for_access(access.allow_origin("https://app.example").expect("an origin"))
}

fn with_origin() -> Policy {
    let access = Access::default().require_origin(true);
    for_access(access.allow_origin("null").expect("an origin"))
}

pub(crate) fn with_log_id_prefix() -> Policy {
    for_access(Access::default().token("s3cret+").expect("a token"))
}

fn row(what: &'static str, sent: impl Into<Vec<u8>>, status: u16, says: &'static str) -> Row {
    Row { what, sent: sent.into(), then: Then::Closes, status, says }
}
