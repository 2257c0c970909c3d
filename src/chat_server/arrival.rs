//! What a newcomer's request says about where it wants to go.
//!
//! Owns the path and the query of the chat. Knows no rules: what the path may be was settled in the handshake.

use crate::{
    chat::{RoomName, Since},
    http::Request,
};

/// The room at the request's path. A program that lets clients in at other paths has one room there, the lobby.
pub(super) fn room(request: &Request) -> RoomName {
    RoomName::from_path(request.uri().path()).unwrap_or_else(RoomName::lobby)
}

/// `?since=SEQ` and, beside it, `log=TOKEN`. What is no number is not there.
pub(super) fn since(request: &Request) -> Option<Since<'_>> {
    let query = request.uri().query()?;
    let seq = field(query, "since")?.parse().ok()?;
    Some(Since { seq, log: field(query, "log") })
}

/// Given twice, the last one counts.
fn field<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let fields = query.split('&').filter_map(|field| field.split_once('='));
    fields.filter(|(key, _)| *key == name).last().map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_and_log_are_found() {
        let both = |seq, log| Some(Since { seq, log });
        let rows = [
            ("/", None),
            ("/?", None),
            ("/?since=5", both(5, None)),
            ("/room/x?since=0&log=ab1", both(0, Some("ab1"))),
            ("/?log=ab1&token=y&since=7", both(7, Some("ab1"))),
            ("/?since=1&since=2", both(2, None)),
            ("/?log=ab1", None),
            ("/?since=", None),
            ("/?since=-1", None),
            ("/?since=x&log=a", None),
            ("/?since=18446744073709551615", both(u64::MAX, None)),
            ("/?since=18446744073709551616", None),
            ("/?xsince=1", None),
        ];
        for (target, expected) in rows {
            let mut request = Request::new(());
            *request.uri_mut() = target.parse().expect("a target");
            assert_eq!(since(&request), expected, "{target}");
        }
    }
}
