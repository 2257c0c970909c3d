//! From http:// to https://.

use super::{accepted_host, bad_request};
use crate::ws::access::{Access, Host};
use crate::ws::http::{Request, Response};

/// Redirects to the same path on that port, with 308 (RFC 9110 15.4.9). A request without an accepted host is refused, so
/// that a client is never sent to another server.
#[must_use]
pub(crate) fn redirect(request: &Request, access: &Access, https_port: u16) -> Response {
    let host = match accepted_host(request, access) {
        Ok(Some(host)) => Host { port: Some(https_port).filter(|port| *port != 443), ..host },
        Ok(None) => return bad_request("Host is missing."),
        Err(refusal) => return refusal,
    };
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let target = if target.starts_with('/') { target } else { "/" };
    let location = format!("https://{host}{target}");
    Response::text(308, format!("This server uses HTTPS: {location}")).with("Location", location)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirected(host: &str, target: &str, port: u16) -> Response {
        let mut request = Request::new(());
        *request.uri_mut() = target.parse().expect("a target");
        request.headers_mut().insert("Host", host.parse().expect("a value"));
        redirect(&request, &Access::default(), port)
    }

    #[test]
    fn redirect_keeps_the_path_and_changes_the_port() {
        for (host, target, port, location) in [
            ("localhost", "/", 443, "https://localhost/"),
            ("LOCALHOST:80", "/a?b=c", 8443, "https://localhost:8443/a?b=c"),
            ("[::1]:8080", "/room/x%20y", 443, "https://[::1]/room/x%20y"),
            ("x", "http://127.0.0.1:1/y", 2, "https://127.0.0.1:2/y"),
            ("localhost", "*", 443, "https://localhost/"),
        ] {
            let response = redirected(host, target, port);
            assert_eq!((response.status, response.header("Location")), (308, Some(location)));
        }
    }

    #[test]
    fn redirect_never_leads_to_a_foreign_host() {
        for (host, status) in [("evil.example", 421), ("a b", 400), ("", 400)] {
            let response = redirected(host, "/", 443);
            assert_eq!((response.status, response.header("Location")), (status, None), "{host}");
        }
    }
}
