//! The client page: embedded files and how they are served.
//!
//! Owns paths, content types and caching. Knows no sockets and no chat.

use crate::http::{Request, Response};

/// Answers GET and HEAD of the page's files; `None`: there is no such file. Fits [`crate::http::Site`].
pub fn respond(request: &Request) -> Option<Response> {
    todo!()
}
