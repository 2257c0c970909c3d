//! Where the links of the course lead when the course is served. Without dependencies, so that tests/learn.rs includes it.

/// The documents of the course, in the repository.
pub(crate) const COURSE: &str = "docs/course/";

/// The address of the course, below the chat's.
pub(crate) const LEARN: &str = "learn";

/// The address of a document of the course, below the chat's: `ko/1-handshake.md` is at `learn/ko/1-handshake`. The first
/// document of a language is at the address of its folder.
pub(crate) fn page_of(document: &str) -> String {
    let name = document.strip_suffix(".md").unwrap_or(document);
    let name = name.strip_suffix("README").unwrap_or(name);
    format!("{LEARN}/{name}").trim_end_matches('/').to_owned()
}

/// What a link of `document` becomes on the page at the address `page`. `None` if it leads into the repository and
/// `repository`, its address, is empty.
pub(crate) fn target(document: &str, page: &str, link: &str, repository: &str) -> Option<String> {
    if link.contains("://") || link.starts_with('#') {
        return Some(link.to_owned());
    }
    let (path, fragment) = link.find('#').map_or((link, ""), |at| link.split_at(at));
    let path = join(&format!("{COURSE}{document}"), path);
    let in_course = path.strip_prefix(COURSE).filter(|path| path.ends_with(".md"));
    match in_course {
        Some(document) => Some(relative(page, &page_of(document)) + fragment),
        None if repository.is_empty() => None,
        None => Some(format!("{}/blob/HEAD/{path}{fragment}", repository.trim_end_matches('/'))),
    }
}

/// The path of a link in a file, both in the repository.
fn join(file: &str, link: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The address `to` as a link on the page `from`. Both are below the same folder, which is not known here.
pub(crate) fn relative(from: &str, to: &str) -> String {
    let folder = from.rfind('/').map_or("", |end| &from[..=end]);
    let (from, to): (Vec<&str>, Vec<&str>) = (folder.split_terminator('/').collect(), to.split('/').collect());
    let common = from.iter().zip(&to[..to.len() - 1]).take_while(|(from, to)| from == to).count();
    let link = "../".repeat(from.len() - common) + &to[common..].join("/");
    if link.is_empty() { "./".to_owned() } else { link }
}
