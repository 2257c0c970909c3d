//! The course at `/learn`, with the feature `learn`. Without it, nothing is there and nothing links to it.

mod support;

#[path = "../build/links.rs"]
mod links;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use support::markdown::ROOT;
use support::raw::{Answer, get};
use support::start_binary;

const IS_BUILT: bool = cfg!(feature = "learn");

#[test]
fn page_links_to_the_course_only_if_it_is_there() {
    let chinwag = start_binary(&[]);
    for path in ["/learn", "/learn/", "/learn/1-handshake", "/learn/ko", "/learn/ko/glossary", "/learn/style.css"] {
        assert_eq!(get(chinwag.addr(), path).status, if IS_BUILT { 200 } else { 404 }, "{path}");
    }
    for path in ["/learn/1-handshake.md", "/learn/README", "/learn/none", "/learn/ko/", "/learn/ko/../1-handshake"] {
        let is_there = IS_BUILT && path == "/learn/ko/";
        assert_eq!(get(chinwag.addr(), path).status, if is_there { 200 } else { 404 }, "{path}");
    }
    let inspector = get(chinwag.addr(), "/inspector.html").text();
    assert_eq!(inspector.contains("href=\"learn\""), IS_BUILT, "{inspector}");
}

#[test]
fn every_document_and_diagram_is_reachable_and_no_link_is_dead() {
    if !IS_BUILT {
        return;
    }
    let chinwag = start_binary(&[]);
    let pages = crawl(chinwag.addr());
    for path in ["", "ko/"].into_iter().flat_map(documents) {
        let page = pages.get(&format!("/{}", links::page_of(&path))).unwrap_or_else(|| panic!("{path} is not linked"));
        let source = fs::read_to_string(Path::new(ROOT).join(links::COURSE).join(&path)).expect("a document");
        assert_eq!(page.matches("<svg ").count(), source.matches("![").count(), "the diagrams of {path}");
        assert_eq!(page.matches("<details>").count(), source.matches("<details>").count(), "{path}");
        let language = if path.starts_with("ko/") { "ko" } else { "en" };
        assert!(page.contains(&format!("<html lang=\"{language}\">")), "{path}");
        for forbidden in ["<style", " style=", "<script", "<!--", ".md\"", ".md#", "](", "```"] {
            assert!(!page.contains(forbidden), "{path} has {forbidden}");
        }
    }
}

#[test]
fn course_has_the_security_policy_of_the_page() {
    let chinwag = start_binary(&[]);
    let policy = |answer: &Answer| answer.header("content-security-policy").map(str::to_owned);
    let page = policy(&get(chinwag.addr(), "/")).expect("a policy");
    assert!(page.starts_with("default-src 'none'") && !page.contains("unsafe"), "{page}");
    if IS_BUILT {
        for path in ["/learn", "/learn/ko/3-browser", "/learn/style.css"] {
            assert_eq!(policy(&get(chinwag.addr(), path)).as_deref(), Some(page.as_str()), "{path}");
        }
    }
}

#[test]
fn links_are_relative_or_lead_to_the_repository() {
    let repository = "https://forge.example/chinwag/";
    for (document, page, link, target) in [
        ("README.md", "learn", "1-handshake.md", "learn/1-handshake"),
        ("README.md", "learn/", "1-handshake.md#try-it", "1-handshake#try-it"),
        ("README.md", "learn", "ko/README.md", "learn/ko"),
        ("1-handshake.md", "learn/1-handshake", "README.md", "../learn"),
        ("1-handshake.md", "learn/1-handshake", "ko/1-handshake.md", "ko/1-handshake"),
        ("ko/2-frames.md", "learn/ko/2-frames", "../2-frames.md", "../2-frames"),
        ("ko/2-frames.md", "learn/ko/2-frames", "README.md", "../ko"),
        ("ko/README.md", "learn/ko", "2-frames.md", "ko/2-frames"),
        ("ko/README.md", "learn/ko/", "../README.md", "../../learn"),
        ("1-handshake.md", "learn/1-handshake", "#try-it", "#try-it"),
        ("1-handshake.md", "learn/1-handshake", "https://rfc.example/#4", "https://rfc.example/#4"),
        ("ko/1-handshake.md", "x", "../../PROTOCOL.md#a", "https://forge.example/chinwag/blob/HEAD/docs/PROTOCOL.md#a"),
        ("README.md", "x", "wire.py", "https://forge.example/chinwag/blob/HEAD/docs/course/wire.py"),
        ("README.md", "x", "../../examples/grow", "https://forge.example/chinwag/blob/HEAD/examples/grow"),
    ] {
        assert_eq!(links::target(document, page, link, repository).as_deref(), Some(target), "{link} on {page}");
    }
    assert_eq!(links::target("README.md", "learn", "wire.py", ""), None, "there is no repository to link to");
    assert_eq!(links::relative("learn", ""), "./");
    assert_eq!(links::relative("learn/ko/1-handshake", ""), "../../");
}

/// The pages that links lead to from `/learn`, by their path. Each link must be alive, and each anchor must exist.
fn crawl(addr: SocketAddr) -> BTreeMap<String, String> {
    let (mut pages, mut waiting) = (BTreeMap::new(), vec!["/learn".to_owned()]);
    let mut anchors = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if pages.contains_key(&path) {
            continue;
        }
        let answer = get(addr, &path);
        assert_eq!(answer.status, 200, "{path} is linked");
        let kind = answer.header("content-type").unwrap_or_default();
        assert!(path.contains('.') || kind == "text/html; charset=utf-8", "{path} is {kind}");
        let is_course = path.starts_with("/learn") && !path.contains(".css");
        let text = if is_course { answer.text() } else { String::new() };
        for link in text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            if link.contains("://") {
                assert!(link.starts_with("https://"), "{path}: {link}");
                continue;
            }
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if target.is_empty() { path.clone() } else { resolved(&path, target) };
            if !anchor.is_empty() {
                anchors.insert((target.clone(), anchor.to_owned()));
            }
            waiting.push(target);
        }
        pages.insert(path, text);
    }
    for (page, anchor) in anchors {
        assert!(pages[&page].contains(&format!("id=\"{anchor}\"")), "{page} has no heading {anchor}");
    }
    pages
}

/// A relative link, as browsers resolve it.
fn resolved(page: &str, link: &str) -> String {
    assert!(!link.starts_with('/'), "{page}: {link} does not work below a path prefix");
    let mut parts: Vec<&str> = page.split('/').skip(1).collect();
    parts.pop();
    let is_folder = link.ends_with('/') || link.ends_with("..");
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => assert!(parts.pop().is_some(), "{page}: {link} leads above the chat"),
            part => parts.push(part),
        }
    }
    format!("/{}{}", parts.join("/"), if is_folder && !parts.is_empty() { "/" } else { "" })
}

/// The documents in a folder of the course.
fn documents(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(ROOT).join(links::COURSE).join(folder)).expect("a folder");
    let names = entries.map(|entry| entry.expect("a readable folder").file_name().to_string_lossy().into_owned());
    let documents: Vec<_> = names.filter(|name| name.ends_with(".md")).map(|name| format!("{folder}{name}")).collect();
    assert!(documents.len() >= 20, "too few documents: {documents:?}");
    documents
}
