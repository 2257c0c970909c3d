//! Makes the page of `src/chat/page` ready to be sent: joins its scripts and its styles, strips comments, adds versions
//! to the addresses, and compresses the files. Writes the list that `src/chat/page.rs` includes.
//!
//! The inspector, which is files named `inspector…`, is loaded when it is opened: it has a script and a style of its own.
//!
//! With the feature `learn`, the page also has the course, which `build/course.rs` makes.
//!
//! Prints the size of the page, which `cargo build -vv` and `bash .ci/run sizes` show, and fails if it is over its limit.

use flate2::{Compression, GzBuilder};
use std::{collections::BTreeMap, env, error::Error, fmt::Write as _, fs, io::Write, path::Path};

#[cfg(feature = "learn")]
#[path = "build/course.rs"]
mod course;
#[cfg(feature = "learn")]
#[path = "build/links.rs"]
mod links;
#[cfg(feature = "learn")]
use course::files as course;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PAGE: &str = "src/chat/page";

/// Bytes of the files that each reader loads, with gzip.
const MAX_SIZE: usize = 36 * 1024;

/// Bytes of the other files: the inspector, and the icons of an installed page.
const MAX_LATER: usize = 34 * 1024;

/// What the names of files begin with that are loaded later.
const INSPECTOR: &str = "inspector";
const ICONS: &str = "icon-";

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed={PAGE}");
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    let mut sources = BTreeMap::new();
    for entry in fs::read_dir(PAGE)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("a file name is not UTF-8")?;
        sources.insert(name.to_owned(), fs::read(path)?);
    }
    let files = page(&sources)?;
    let (mut size, mut later) = (0, 0);
    for (name, gzip) in &files {
        let is_later = name.starts_with(INSPECTOR) || name.starts_with(ICONS);
        *if is_later { &mut later } else { &mut size } += gzip.len();
    }
    let mut list = String::new();
    for (name, gzip) in files.into_iter().chain(course()?) {
        let path = Path::new(&out).join(format!("{}.gz", name.replace('/', "_")));
        fs::write(&path, &gzip)?;
        writeln!(list, "    ({name:?}, {:?}, include_bytes!({path:?})),", version(&gzip))?;
    }
    fs::write(Path::new(&out).join("page.rs"), format!("&[\n{list}]\n"))?;
    println!("the page: {size} bytes of at most {MAX_SIZE}, with gzip; loaded later: {later} of at most {MAX_LATER}");
    if size > MAX_SIZE || later > MAX_LATER {
        return Err(format!("{PAGE} has {size} bytes of at most {MAX_SIZE}, and {later} of at most {MAX_LATER}").into());
    }
    Ok(())
}

/// The files of the course, compressed.
#[cfg(not(feature = "learn"))]
fn course() -> Result<Vec<(String, Vec<u8>)>> {
    Ok(Vec::new())
}

/// The files that are sent, compressed. `room.html` is `index.html` for the addresses of rooms, which are one folder deeper.
fn page(sources: &BTreeMap<String, Vec<u8>>) -> Result<Vec<(String, Vec<u8>)>> {
    let (page_script, inspector_script) = join_scripts(sources)?;
    let mut files = vec![
        ("inspector.js".to_owned(), gzip(inspector_script.as_bytes())?),
        ("inspector.css".to_owned(), gzip(join_styles(sources, |name| name.starts_with(INSPECTOR))?.as_bytes())?),
        ("inspector.html".to_owned(), gzip(inspector(text(sources, "inspector.html")?).as_bytes())?),
        ("style.css".to_owned(), gzip(join_styles(sources, |name| !name.starts_with(INSPECTOR))?.as_bytes())?),
    ];
    let page_script = files.iter().fold(page_script, |script, (name, gzip)| {
        script.replace(&format!("'./{name}'"), &format!("'./{name}?v={}'", version(gzip)))
    });
    files.push(("page.js".to_owned(), gzip(page_script.as_bytes())?));
    for (name, content) in sources {
        if ![".js", ".css", ".html"].iter().any(|ending| name.ends_with(ending)) {
            files.push((name.clone(), gzip(content)?));
        }
    }
    let html = strip(text(sources, "index.html")?, "<!--", "-->");
    for (name, folder) in [("index.html", ""), ("room.html", "../")] {
        let mut html = html.clone();
        for (file, gzip) in &files {
            html = html.replace(&format!("=\"{file}\""), &format!("=\"{folder}{file}?v={}\"", version(gzip)));
        }
        files.push((name.to_owned(), gzip(html.as_bytes())?));
    }
    Ok(files)
}

/// The inspector's part of the page. Its link to the course stays only if the course is there.
fn inspector(html: &str) -> String {
    let lines = html.lines().filter(|line| cfg!(feature = "learn") || !line.contains("id=\"course\""));
    strip(&lines.collect::<Vec<_>>().join("\n"), "<!--", "-->")
}

fn text<'a>(sources: &'a BTreeMap<String, Vec<u8>>, name: &str) -> Result<&'a str> {
    let content = sources.get(name).ok_or_else(|| format!("{PAGE}/{name} is missing"))?;
    Ok(std::str::from_utf8(content)?)
}

/// The styles of one part in one file.
fn join_styles(sources: &BTreeMap<String, Vec<u8>>, is_part: impl Fn(&str) -> bool) -> Result<String> {
    let mut joined = String::new();
    for name in sources.keys().filter(|name| name.ends_with(".css") && is_part(name)) {
        joined += &strip(text(sources, name)?, "/*", "*/");
    }
    Ok(joined)
}

/// The scripts of the page, and those of the inspector, each in one file. A script becomes a function that returns its
/// exports, after those that it imports. The inspector's file gets the scripts of the page as an argument.
fn join_scripts(sources: &BTreeMap<String, Vec<u8>>) -> Result<(String, String)> {
    let (mut page, mut inspector, mut order) = (String::new(), String::new(), Vec::new());
    join_script(sources, "main.js", &mut page, &mut order)?;
    let scripts: Vec<_> = order.iter().map(|(name, _)| variable(name)).collect();
    let scripts = scripts.join(", ");
    let (import, entry) = ("import('./inspector.js')", variable("inspector.js"));
    let page = page.replace(import, &format!("{import}.then((file) => file.start({{ {scripts} }}))"));
    join_script(sources, "inspector.js", &mut inspector, &mut order)?;
    let inspector = format!("export const start = ({{ {scripts} }}) => {{\n{inspector}return {entry};\n}};\n");
    for name in sources.keys().filter(|name| name.ends_with(".js")) {
        order.iter().find(|(done, _)| done == name).ok_or_else(|| format!("{name} is not imported"))?;
    }
    Ok((page, inspector))
}

/// Adds a script and what it imports. `order` has the scripts that were begun, and whether they are complete.
fn join_script(
    sources: &BTreeMap<String, Vec<u8>>,
    name: &str,
    joined: &mut String,
    order: &mut Vec<(String, bool)>,
) -> Result<()> {
    match order.iter().find(|(begun, _)| begun == name) {
        Some((_, true)) => return Ok(()),
        Some((_, false)) => return Err(format!("{name} imports itself in a circle").into()),
        None => order.push((name.to_owned(), false)),
    }
    let (mut body, mut exports) = (String::new(), Vec::new());
    for line in strip_script(text(sources, name)?).lines() {
        if let Some(import) = line.strip_prefix("import ") {
            let (names, file) = import.rsplit_once("'./").ok_or_else(|| format!("{name}: {line}"))?;
            let file = file.trim_end_matches("';");
            join_script(sources, file, joined, order)?;
            if let Some(names) = names.strip_suffix(" from ") {
                writeln!(body, "const {names} = {};", variable(file))?;
            }
        } else if let Some(rest) = line.strip_prefix("export ") {
            let declared = rest.trim_start_matches("async ").split([' ', '(', ';']).nth(1);
            exports.push(declared.ok_or_else(|| format!("{name}: {line}"))?.to_owned());
            body += &format!("{rest}\n");
        } else {
            body += &format!("{line}\n");
        }
    }
    let exports = exports.join(", ");
    writeln!(joined, "const {} = (() => {{\n{body}return {{ {exports} }};\n}})();", variable(name))?;
    order.iter_mut().filter(|(begun, _)| begun == name).for_each(|(_, complete)| *complete = true);
    Ok(())
}

/// `inspector-try.js` is `inspector_try_js` in the joined script.
fn variable(file: &str) -> String {
    file.replace(['-', '.'], "_")
}

/// Without comments and indentation. A comment at the end of a line stays if it has a quotation mark, because it may be
/// part of a string.
fn strip_script(script: &str) -> String {
    let mut stripped = String::new();
    let mut in_comment = false;
    for line in script.lines().map(str::trim) {
        let begins = line.starts_with("/*");
        if in_comment || begins {
            in_comment = !line.ends_with("*/");
        } else if !line.starts_with("//") && !line.is_empty() {
            let code = line.split_once(" // ").filter(|(_, comment)| !comment.contains(['\'', '"', '`']));
            stripped += code.map_or(line, |(code, _)| code.trim_end());
            stripped.push('\n');
        }
    }
    stripped
}

/// Without indentation and what is between these marks.
fn strip(content: &str, begin: &str, end: &str) -> String {
    let mut parts = content.split(begin);
    let first = parts.next().unwrap_or_default().to_owned();
    let kept = parts.fold(first, |kept, part| kept + part.split_once(end).map_or("", |(_, rest)| rest));
    let lines = kept.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Checksum and length, which are at the end of the gzip form (RFC 1952 2.3.1).
fn version(gzip: &[u8]) -> String {
    format!("{:016x}", gzip.last_chunk().copied().map_or(0, u64::from_be_bytes))
}

/// Without a name and a time, so that equal files give equal bytes.
fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}
