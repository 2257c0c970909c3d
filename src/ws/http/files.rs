//! Serves the files of a folder, and nothing outside of it.

use super::{Method, Request, Response, percent_decoded};
use std::{fs, io, path::Path, path::PathBuf};

/// Larger files are not served: a response is in memory as a whole.
const MAX_SIZE: u64 = 64 * 1024 * 1024;

/// A handler that serves the files below a folder, for [`Builder::site`](crate::Builder::site). A folder is served by its
/// `index.html`.
///
/// It serves no hidden files (`.git`), follows no link out of the folder, and knows no `..`.
///
/// Everybody may read them: no access token is needed.
///
/// ```
/// # let folder = std::env::temp_dir();
/// let server = chinwag::Server::builder()
///     .site(chinwag::http::files(folder)?)
///     .listen("127.0.0.1:0")?
///     .start()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The folder does not exist, or cannot be read.
pub fn files(folder: impl AsRef<Path>) -> io::Result<impl Fn(&Request) -> Option<Response> + Send + Sync + 'static> {
    let folder = folder.as_ref().canonicalize()?;
    fs::read_dir(&folder)?;
    Ok(move |request: &Request| respond(&folder, request))
}

fn respond(folder: &Path, request: &Request) -> Option<Response> {
    let path = request.uri().path();
    let file = locate(folder, &percent_decoded(path)?)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Some(Response::method_not_allowed());
    }
    let metadata = file.metadata().ok()?;
    if metadata.is_dir() {
        // Relative, because a proxy may have removed the first part of the path.
        let location = format!("./{}/", path.rsplit('/').next().unwrap_or_default());
        return Some(Response::text(308, format!("This folder is at {location}")).with("Location", location));
    }
    if metadata.len() > MAX_SIZE {
        return Some(Response::text(500, "This file is too large for this server."));
    }
    // Reading from a pipe or a device could wait for ever.
    let content = metadata.is_file().then(|| fs::read(&file).ok())??;
    Some(Response::bytes(200, media_type(&file), content).with("Cache-Control", "no-cache"))
}

/// The file or folder at a path, with its links resolved.
fn locate(folder: &Path, path: &str) -> Option<PathBuf> {
    let mut file = folder.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        // Hidden files, `..`, and what Windows takes for a separator, a drive or the short name of a hidden file.
        if part.starts_with('.') || part.contains(['\\', ':', '\0']) || cfg!(windows) && part.contains('~') {
            return None;
        }
        file.push(part);
    }
    if path.ends_with('/') {
        file.push("index.html");
    }
    file.canonicalize().ok().filter(|file| file.starts_with(folder))
}

pub(crate) fn media_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" | "md" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}
