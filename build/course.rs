//! Makes the pages of `/learn` from the Markdown of docs/course. The diagrams become part of the pages, because the page's
//! security policy allows no style in an SVG file.

use super::{Result, gzip, links, strip, version};
use links::{COURSE, LEARN};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use std::{collections::BTreeSet, env, fs, path::Path};

const STYLE: &str = "build/course.css";

/// What differs between the languages: the folder of the documents, the language, and the words above each page.
const LANGUAGES: [(&str, &str, [&str; 3]); 2] =
    [("", "en", ["Course", "Chat", "한국어"]), ("ko/", "ko", ["강좌", "채팅", "English"])];

/// The pages and their style: address and compressed content.
pub(crate) fn files() -> Result<Vec<(String, Vec<u8>)>> {
    let repository = env::var("CARGO_PKG_REPOSITORY").unwrap_or_default();
    for path in [COURSE, STYLE] {
        println!("cargo::rerun-if-changed={path}");
    }
    let mut styles = BTreeSet::new();
    let mut pages = Vec::new();
    for (folder, ..) in LANGUAGES {
        for entry in fs::read_dir(Path::new(COURSE).join(folder))? {
            let name = entry?.file_name().into_string().map_err(|_| "a file name is not UTF-8")?;
            if !name.ends_with(".md") {
                continue;
            }
            let document = format!("{folder}{name}");
            let address = links::page_of(&document);
            // The first page is at its address with and without a slash at the end.
            let second = name.starts_with("README").then(|| format!("{address}/"));
            for page in [Some(address), second].into_iter().flatten() {
                let body = body(&document, &page, &repository, &mut styles)?;
                pages.push((page, document.clone(), body));
            }
        }
    }
    let style = fs::read_to_string(STYLE)? + &styles.into_iter().collect::<String>();
    let style = gzip(strip(&style, "/*", "*/").as_bytes())?;
    let mut files = Vec::new();
    for (address, document, (title, body)) in pages {
        files.push((address.clone(), gzip(page(&address, &document, &title, &body, &version(&style)).as_bytes())?));
    }
    files.push((format!("{LEARN}/style.css"), style));
    files.sort();
    Ok(files)
}

/// A whole page. Its links are relative.
fn page(address: &str, document: &str, title: &str, body: &str, version: &str) -> String {
    let [this, other] = if document.starts_with("ko/") { [1, 0] } else { [0, 1] };
    let (folder, language, [course, chat, switch]) = LANGUAGES[this];
    let (other_folder, other_language, _) = LANGUAGES[other];
    let to = |target: &str| links::relative(address, target);
    let name = document.trim_start_matches("ko/");
    let (first, twin) =
        (links::page_of(&format!("{folder}README.md")), links::page_of(&format!("{other_folder}{name}")));
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<meta charset=\"utf-8\">\n<title>{title} · chinwag</title>\n\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
        <link rel=\"icon\" href=\"{}\" type=\"image/svg+xml\">\n<link rel=\"stylesheet\" href=\"{}?v={version}\">\n\
        <header><nav aria-label=\"chinwag\"><a href=\"{}\">{chat}</a> <a href=\"{}\">{course}</a> \
        <a href=\"{}\" lang=\"{other_language}\" hreflang=\"{other_language}\">{switch}</a></nav></header>\n\
        <main>\n{body}</main>\n",
        to("icon.svg"),
        to(&format!("{LEARN}/style.css")),
        to(""),
        to(&first),
        to(&twin),
    )
}

/// The title and the content of a document as HTML.
fn body(document: &str, page: &str, repository: &str, styles: &mut BTreeSet<String>) -> Result<(String, String)> {
    let text = fs::read_to_string(format!("{COURSE}{document}"))?;
    let events: Vec<Event> = Parser::new_ext(&text, Options::ENABLE_TABLES).collect();
    let (mut title, mut made, mut open) = (String::new(), Vec::new(), Vec::new());
    let mut ids = BTreeSet::new();
    let mut at = 0;
    while let Some(event) = events.get(at) {
        match event.clone() {
            Event::Start(Tag::Heading { level, classes, attrs, .. }) => {
                let words = words(&events[at + 1..], &TagEnd::Heading(level));
                if level == HeadingLevel::H1 {
                    title = escaped(&words);
                }
                let id = Some(CowStr::from(anchor(&words, &mut ids)));
                made.push(Event::Start(Tag::Heading { level, id, classes, attrs }));
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let target = links::target(document, page, &dest_url, repository);
                open.push(target.is_some());
                made.push(match target {
                    Some(target) => Event::Start(Tag::Link { link_type, dest_url: target.into(), title, id }),
                    None => Event::InlineHtml("<span>".into()),
                });
            }
            Event::End(TagEnd::Link) => {
                let is_link = open.pop().unwrap_or(true);
                made.push(if is_link { event.clone() } else { Event::InlineHtml("</span>".into()) });
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                let words = words(&events[at + 1..], &TagEnd::Image);
                let folder = Path::new(COURSE).join(document);
                let file = folder.parent().ok_or("a document has a folder")?.join(&*dest_url);
                let svg = fs::read_to_string(&file).map_err(|why| format!("{}: {why}", file.display()))?;
                made.push(Event::InlineHtml(diagram(&svg, &escaped(&words), styles)?.into()));
                at += events[at..].iter().position(|event| *event == Event::End(TagEnd::Image)).unwrap_or(0);
            }
            Event::Html(html) if html.starts_with("<!--") => {}
            other => made.push(other),
        }
        at += 1;
    }
    let mut body = String::new();
    html::push_html(&mut body, made.into_iter());
    // An empty cell is not a header of its column. Code that is wider than the screen scrolls with the arrow keys.
    Ok((title, body.replace("<th></th>", "<td></td>").replace("<pre>", "<pre tabindex=\"0\">")))
}

/// The text until the end of a heading or an image.
fn words(events: &[Event], end: &TagEnd) -> String {
    let inner = events.iter().take_while(|event| !matches!(event, Event::End(found) if found == end));
    inner
        .filter_map(|event| if let Event::Text(text) | Event::Code(text) = event { Some(&**text) } else { None })
        .collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The anchor that GitHub gives to a heading.
fn anchor(words: &str, ids: &mut BTreeSet<String>) -> String {
    let kept = words.to_lowercase().replace(' ', "-");
    let kept: String = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect();
    let number = (0..).find(|n| !ids.contains(&numbered(&kept, *n))).unwrap_or_default();
    ids.insert(numbered(&kept, number));
    numbered(&kept, number)
}

fn numbered(id: &str, number: usize) -> String {
    if number == 0 { id.to_owned() } else { format!("{id}-{number}") }
}

/// The diagram with this title, in the reader's language. Its style becomes a part of the style of the course.
fn diagram(svg: &str, title: &str, styles: &mut BTreeSet<String>) -> Result<String> {
    let missing = "a diagram has no title or style";
    let (head, rest) = svg.split_once("<title>").ok_or(missing)?;
    let (_, rest) = rest.split_once("</title>").ok_or(missing)?;
    let (_, rest) = rest.split_once("<style>").ok_or(missing)?;
    let (style, rest) = rest.split_once("</style>").ok_or(missing)?;
    styles.insert(style.to_owned());
    // Without line breaks, which would end the paragraph.
    Ok(format!("{head}<title>{title}</title>{rest}").replace('\n', ""))
}
