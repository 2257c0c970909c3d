//! `http::files` serves a folder, and nothing outside of it.

mod support;

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::symlink;

use chinwag::{Server, http};
use support::raw::{get, http as request};
use support::serving::addr;
use support::temp::Folder;

/// A folder `site` with a few files, beside a secret.
fn site(name: &str) -> (Folder, Server) {
    let folder = Folder::new(name);
    for (file, content) in [
        ("secret.txt", "secret"),
        ("site/index.html", "<h1>Home</h1>"),
        ("site/app.js", "1"),
        ("site/a b.txt", "space"),
        ("site/100%.txt", "percent"),
        ("site/data", "bytes"),
        ("site/.env", "secret"),
        ("site/.git/config", "secret"),
        ("site/sub/index.html", "sub"),
        ("site/empty/x.css", "2"),
    ] {
        let path = folder.path(file);
        fs::create_dir_all(std::path::Path::new(&path).parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    #[cfg(unix)]
    for (target, link) in [("../secret.txt", "site/link.txt"), ("..", "site/up"), ("app.js", "site/inside.js")] {
        symlink(target, folder.path(link)).expect("a link");
    }
    let builder = Server::builder().endpoint(|_| false).site(http::files(folder.path("site")).expect("a folder"));
    let server = builder.listen("127.0.0.1:0").expect("a free port").start().expect("enough threads");
    (folder, server)
}

#[test]
fn files_are_served_with_their_types() {
    let (_folder, server) = site("files");
    for (path, content, kind) in [
        ("/", "<h1>Home</h1>", "text/html; charset=utf-8"),
        ("/index.html", "<h1>Home</h1>", "text/html; charset=utf-8"),
        ("/app.js?v=1", "1", "text/javascript; charset=utf-8"),
        ("/a%20b.txt", "space", "text/plain; charset=utf-8"),
        ("/100%25.txt", "percent", "text/plain; charset=utf-8"),
        ("/data", "bytes", "application/octet-stream"),
        ("/sub/", "sub", "text/html; charset=utf-8"),
        ("//sub//index.html", "sub", "text/html; charset=utf-8"),
        ("/empty/x.css", "2", "text/css; charset=utf-8"),
        #[cfg(unix)]
        ("/inside.js", "1", "text/javascript; charset=utf-8"),
    ] {
        let answer = get(addr(&server), path);
        assert_eq!((answer.status, answer.text().as_str()), (200, content), "{path}");
        assert_eq!(answer.header("content-type"), Some(kind), "{path}");
    }
    let redirect = get(addr(&server), "/sub");
    assert_eq!((redirect.status, redirect.header("location")), (308, Some("./sub/")));
}

#[test]
fn nothing_else_is_served() {
    let (folder, server) = site("no-files");
    let absolute = folder.path("secret.txt");
    for path in [
        "/secret.txt",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/sub/../../secret.txt",
        "/sub/%2e%2e%2f%2e%2e%2fsecret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/C:secret.txt",
        "/ENV~1",
        "/GIT~1/config",
        &format!("/{absolute}"),
        "/link.txt",
        "/up/secret.txt",
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/sub/./index.html",
        "/data%00.txt",
        "/%ff",
        "/%",
        "/empty/",
        "/app.js/",
        "/missing",
    ] {
        let answer = get(addr(&server), path);
        assert!(answer.status == 404 || answer.status == 400, "{path}: {answer:?}");
        assert!(!answer.text().contains("secret"), "{path}");
    }
}

#[test]
fn only_get_and_head_are_possible() {
    let (_folder, server) = site("methods");
    let addr = addr(&server);
    for (method, status) in [("HEAD", 200), ("PUT", 405), ("DELETE", 405), ("OPTIONS", 204)] {
        let answer = request(addr, &format!("{method} /data HTTP/1.1\r\nHost: {addr}\r\n\r\n"));
        assert_eq!((answer.status, answer.body.len()), (status, if status == 405 { answer.body.len() } else { 0 }));
    }
}

/// Reading a pipe waits for a writer, which never comes.
#[cfg(unix)]
#[test]
fn pipes_are_not_read() {
    let (folder, server) = site("pipes");
    let made = std::process::Command::new("mkfifo").arg(folder.path("site/pipe")).status();
    assert!(made.expect("mkfifo is a program").success());
    assert_eq!(get(addr(&server), "/pipe").status, 404);
    assert!(http::files(folder.path("site/app.js")).is_err() && http::files(folder.path("none")).is_err());
}
