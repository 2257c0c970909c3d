//! What plain HTTP hears where all is at `https`.
//!
//! Owns the address in the answer. Its name is the request's own, once it is known to be ours: nobody is sent elsewhere.

use super::{host_of, refused};
use crate::{
    ws::access::Access,
    ws::http::{Request, Response},
};

/// 308 (RFC 9110 15.4.9) to the same path on that port; for whom names no host, or a foreign one, a refusal.
pub fn redirect(request: &Request, access: &Access, https_port: u16) -> Response {
    let host = match host_of(request) {
        Ok(Some(host)) => host,
        Ok(None) => return super::bad_request("Host is missing."),
        Err(refusal) => return refusal,
    };
    if let Err(refusal) = access.check_host(&host) {
        return refused(refusal);
    }
    let port = Some(https_port).filter(|port| *port != 443);
    let host = crate::ws::access::Host { port, ..host };
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let location = format!("https://{host}{target}");
    Response::text(308, format!("All is at {location}")).with("Location", location)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(host: &str, target: &str, port: u16) -> Response {
        let mut request = Request::new(());
        *request.uri_mut() = target.parse().expect("a target");
        request.headers_mut().insert("Host", host.parse().expect("a value"));
        redirect(&request, &Access::default(), port)
    }

    #[test]
    fn the_same_path_on_the_other_port() {
        for (host, target, port, location) in [
            ("localhost", "/", 443, "https://localhost/"),
            ("LOCALHOST:80", "/a?b=c", 8443, "https://localhost:8443/a?b=c"),
            ("[::1]:8080", "/room/x%20y", 443, "https://[::1]/room/x%20y"),
            ("x", "http://127.0.0.1:1/y", 2, "https://127.0.0.1:2/y"),
        ] {
            let response = answer(host, target, port);
            assert_eq!((response.status, response.header("Location")), (308, Some(location)));
        }
    }

    #[test]
    fn nobody_is_sent_elsewhere() {
        for (host, status) in [("evil.example", 421), ("a b", 400), ("", 400)] {
            let response = answer(host, "/", 443);
            assert_eq!((response.status, response.header("Location")), (status, None), "{host}");
        }
    }
}
