//! Makes the page of `src/chat/page` ready to be sent: joins its scripts and its styles, strips comments, adds versions
//! to the addresses, and compresses the files. Writes the list that `src/chat/page.rs` includes.
//!
//! Prints the size of the page, which `cargo build -vv` and `bash .ci/run sizes` show, and fails if it is over its limit.

use flate2::{Compression, GzBuilder};
use std::{collections::BTreeMap, env, error::Error, fmt::Write as _, fs, io::Write, path::Path};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PAGE: &str = "src/chat/page";

/// Bytes of all files with gzip.
const MAX_SIZE: usize = 36 * 1024;

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
    let (mut list, mut size) = (String::new(), 0);
    for (name, gzip) in &files {
        let path = Path::new(&out).join(format!("{name}.gz"));
        fs::write(&path, gzip)?;
        writeln!(list, "    ({name:?}, include_bytes!({path:?})),")?;
        size += gzip.len();
    }
    fs::write(Path::new(&out).join("page.rs"), format!("&[\n{list}]\n"))?;
    println!("the page: {} files, {size} bytes of at most {MAX_SIZE}, with gzip", files.len());
    if size > MAX_SIZE {
        return Err(format!("{PAGE} has {size} bytes with gzip, more than {MAX_SIZE}").into());
    }
    Ok(())
}

/// The files that are sent, compressed. `room.html` is `index.html` for the addresses of rooms, which are one folder deeper.
fn page(sources: &BTreeMap<String, Vec<u8>>) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = vec![
        ("page.js".to_owned(), gzip(join_scripts(sources)?.as_bytes())?),
        ("style.css".to_owned(), gzip(join_styles(sources)?.as_bytes())?),
    ];
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

fn text<'a>(sources: &'a BTreeMap<String, Vec<u8>>, name: &str) -> Result<&'a str> {
    let content = sources.get(name).ok_or_else(|| format!("{PAGE}/{name} is missing"))?;
    Ok(std::str::from_utf8(content)?)
}

/// All styles in one file, `style.css` first.
fn join_styles(sources: &BTreeMap<String, Vec<u8>>) -> Result<String> {
    let others = sources.keys().filter(|name| name.ends_with(".css") && *name != "style.css");
    let mut joined = String::new();
    for name in std::iter::once("style.css").chain(others.map(String::as_str)) {
        joined += &strip(text(sources, name)?, "/*", "*/");
    }
    Ok(joined)
}

/// All scripts in one file. Each becomes a function that returns its exports, after those that it imports.
fn join_scripts(sources: &BTreeMap<String, Vec<u8>>) -> Result<String> {
    let (mut joined, mut order) = (String::new(), Vec::new());
    join_script(sources, "main.js", &mut joined, &mut order)?;
    for name in sources.keys().filter(|name| name.ends_with(".js")) {
        order.iter().find(|(done, _)| done == name).ok_or_else(|| format!("{name} is not imported"))?;
    }
    Ok(joined)
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

/// Checksum and length, which are at the end of the gzip form (RFC 1952 2.3.1). `page.rs` has the same function.
fn version(gzip: &[u8]) -> String {
    format!("{:016x}", gzip.last_chunk().copied().map_or(0, u64::from_be_bytes))
}

/// Without a name and a time, so that equal files give equal bytes.
fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}
