//! Every exercise of docs/course runs as it is written, and prints what the chapter says.
//!
//! The first line of a code block says what it is. A chapter's blocks run in order:
//! - `sh start`: programs to start, one a line. Those at the same address end first, as with Ctrl-C.
//! - `sh run`: commands. `js console 127.0.0.1:9001`: code for the browser's console, on the page at that address.
//! - `text see`: all that the last of these printed, where `…` stands for anything.
//!
//! The documents in docs/course/ko repeat the code blocks of the English ones, and are not run.
//!
//! Programs listen on free ports instead of those in the text. `CHINWAG_BLESS=1 cargo test --test course` writes the outputs
//! that do not match. Then write `…` where they differ from run to run. `CHINWAG_CHAPTER=12` runs one chapter.

#![cfg(unix)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::markdown::{ROOT, collect, prose};
use support::script::{lines, printed, run_to_end};
use support::temp::Folder;
use support::{DEADLINE, python, skip, wait_until};

/// Some exercises wait for a deadline of the server, and a browser starts slowly on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Whether every document of the course must have a Korean one.
const KOREAN_IS_COMPLETE: bool = true;

/// Chapters that run at the same time.
const LANES: usize = 3;

/// Stand-ins. Cargo cannot build while it tests, so programs come from where it has put them.
const STAND_INS: [(&str, &str); 2] = [
    ("python3", "exec \"$COURSE_PYTHON\" \"$@\""),
    (
        "cargo",
        r#"program=chinwag; shift
while [ $# -gt 0 ]; do case $1 in
    --example) program=examples/$2; shift 2;;
    --features) shift 2;;
    --) shift; break;;
    *) shift;;
esac; done
exec "$COURSE_BIN/$program" "$@""#,
    ),
];

#[test]
fn exercises_print_what_the_chapters_say() {
    let mut chapters = chapters();
    assert!(chapters.len() >= 17, "too few chapters: {chapters:?}");
    if let Ok(only) = std::env::var("CHINWAG_CHAPTER") {
        chapters.retain(|path| path.to_string_lossy().contains(&format!("/{only}-")));
    }
    let failures: Vec<String> = std::thread::scope(|scope| {
        let lane = |lane| chapters.iter().skip(lane).step_by(LANES).flat_map(|path| Lesson::new(path).run());
        let lanes: Vec<_> = (0..LANES).map(|n| scope.spawn(move || lane(n).collect::<Vec<_>>())).collect();
        lanes.into_iter().flat_map(|lane| lane.join().expect("a chapter panicked")).collect()
    });
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

#[test]
fn diagrams_show_what_the_examples_send() {
    let examples = support::example::path("02_echo");
    let mut command = Command::new(python(&["ssl"]).expect("there is Python"));
    command.arg(format!("{ROOT}/docs/course/diagrams.py")).arg("--check").arg(examples.parent().expect("a folder"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    support::run(command, PATIENCE);
}

#[test]
fn chapters_have_the_same_parts() {
    for path in chapters() {
        let (name, text) = (path.display(), read(&path));
        let lines: Vec<&str> = text.lines().collect();
        let count = lines.iter().filter(|line| !line.is_empty()).count();
        assert!((60..=140).contains(&count), "{name} has {count} lines that are not empty");
        assert!(
            lines[0].starts_with("# ") && lines[2].starts_with('*') && lines[2].ends_with("?*"),
            "{name}: a question"
        );
        for part in ["\n## Try it\n", "\n## Questions\n", "<summary>Answers</summary>", "\n## Read on\n"] {
            assert!(text.contains(part), "{name} has no {part:?}");
        }
        let exercises = section(&text, "Try it").lines().filter(|line| line.starts_with("### ")).count();
        let answers = section(&text, "Try it").matches("<summary>What you should see</summary>").count();
        assert!(exercises >= 2 && exercises == answers, "{name}: {exercises} exercises, {answers} answers");
        let questions = section(&text, "Questions").split("<details>").next().unwrap_or_default();
        let (count, predictions) = (numbered(questions), questions.matches("*Predict*").count());
        assert!(count == 3 && predictions == 1, "{name}: {count} questions, {predictions} predictions");
        assert_eq!(numbered(section(&text, "Questions")), 6, "{name}: an answer for each question");
    }
}

#[test]
fn korean_documents_match_the_english_ones() {
    let folder = Path::new(ROOT).join("docs/course");
    let [english, korean] = ["", "ko"].map(|language| names(&folder.join(language)));
    let missing: Vec<&String> = english.difference(&korean).collect();
    assert!(!KOREAN_IS_COMPLETE || missing.is_empty(), "not in docs/course/ko: {missing:?}");
    for name in korean {
        let [english, korean] = ["", "ko"].map(|language| read(&folder.join(language).join(&name)));
        assert_eq!(outline(&korean), outline(&english), "the outline of docs/course/ko/{name}");
        let [english, korean] = [&english, &korean].map(|text| blocks(text).map(|block| (block.info, block.code)));
        assert_eq!(korean.collect::<Vec<_>>(), english.collect::<Vec<_>>(), "the code of docs/course/ko/{name}");
    }
}

/// The page and the course name each thing alike, with the word that MDN uses in Korean.
#[test]
fn korean_texts_have_one_word_for_each_term() {
    let terms = [
        ("하위 프로토콜", &["서브 프로토콜", "서브프로토콜", "하위프로토콜"][..]),
        ("핸드셰이크", &["핸드쉐이크", "악수"]),
        ("메시지", &["메세지"]),
        ("브라우저", &["브라우져"]),
    ];
    let mut paths = Vec::new();
    collect(&Path::new(ROOT).join("docs"), "md", &mut paths);
    collect(&Path::new(ROOT).join("src/chat/page"), "js", &mut paths);
    let texts: Vec<(PathBuf, String)> = paths.into_iter().map(|path| (path.clone(), read(&path))).collect();
    for (term, others) in terms {
        for folder in ["docs/course/ko", "src/chat/page"] {
            let is_there = |(path, text): &(PathBuf, String)| {
                path.starts_with(Path::new(ROOT).join(folder)) && text.contains(term)
            };
            assert!(texts.iter().any(is_there), "{folder} has no {term}");
        }
        for (path, text) in &texts {
            for other in others {
                assert!(!text.contains(other), "{}: {other} is called {term} here", path.display());
            }
        }
    }
}

/// A green run means that the search works.
#[test]
fn blocks_and_outputs_are_compared() {
    let text = "a\n```sh start\nb\n```\n\n```text see\nc\n```\n";
    let found = blocks(text).map(|block| (block.info, block.code)).collect::<Vec<_>>();
    assert_eq!(found, [("sh start", "b\n"), ("text see", "c\n")]);
    for (expected, actual, fits) in
        [("a\n", "a\n", true), ("a…c\n", "abbc\n", true), ("…\nc\n", "a\nb\nc\n", true), ("a…\n", "b\n", false)]
    {
        assert_eq!(matches(expected, actual), fits, "{expected:?} {actual:?}");
    }
    assert!(!matches("a\n", "a\nb\n") && !matches("a…a\n", "a\n"));
}

/// The chapters, without README, glossary and lesson plans.
fn chapters() -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(ROOT).join("docs/course")).expect("a folder");
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let is_chapter = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.ends_with(".md") && name.starts_with(|first: char| first.is_ascii_digit())
    };
    let mut chapters: Vec<PathBuf> = paths.filter(is_chapter).collect();
    chapters.sort();
    chapters
}

/// The documents in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a readable folder").file_name());
    entries.map(|name| name.to_string_lossy().into_owned()).filter(|name| name.ends_with(".md")).collect()
}

/// The headings, exercises, numbered lines and folded answers of a document, in order.
fn outline(text: &str) -> Vec<&'static str> {
    let starts = ["# ", "## ", "### 1", "### 2", "### 3", "### 4", "### ", "1. ", "2. ", "3. ", "<details>"];
    let start = |line: &str| starts.into_iter().find(|start| line.starts_with(start));
    prose(text).lines().filter_map(start).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a chapter is text")
}

fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let rest = text.split_once(&format!("\n## {title}\n")).map_or("", |(_, rest)| rest);
    rest.split("\n## ").next().unwrap_or_default()
}

fn numbered(text: &str) -> usize {
    ["1. ", "2. ", "3. "].iter().map(|number| text.lines().filter(|line| line.starts_with(number)).count()).sum()
}

#[derive(Debug)]
struct Block<'a> {
    info: &'a str,
    code: &'a str,
    start: usize,
}

/// The code blocks of a document.
fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, opened) = rest.split_once("\n```")?;
        let (info, body) = opened.split_once('\n')?;
        let end = body.find("```\n").or_else(|| body.ends_with("```").then(|| body.len() - 3))?;
        rest = &body[end + 3..];
        Some(Block { info, code: &body[..end], start: body.as_ptr() as usize - text.as_ptr() as usize })
    })
}

fn matches(expected: &str, actual: &str) -> bool {
    let mut parts = expected.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = actual.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// One chapter while its blocks run.
struct Lesson<'a> {
    path: &'a Path,
    folder: Folder,
    programs: Vec<Program>,
    output: String,
}

struct Program {
    /// The address in the text.
    written: String,
    /// Where it listens.
    real: String,
    child: Child,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl<'a> Lesson<'a> {
    fn new(path: &'a Path) -> Lesson<'a> {
        let name = path.file_stem().expect("a file").to_string_lossy();
        let folder = Folder::new(&format!("course-{name}"));
        symlink(Path::new(ROOT).join("docs"), folder.path("docs")).expect("a new folder");
        fs::create_dir(folder.path("bin")).expect("a new folder");
        for (name, code) in STAND_INS {
            let file = folder.path(&format!("bin/{name}"));
            fs::write(&file, format!("#!/bin/bash\n{code}\n")).expect("a new file");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("the file is there");
        }
        Lesson { path, folder, programs: Vec::new(), output: String::new() }
    }

    /// Runs all blocks. Returns the outputs that differ.
    fn run(mut self) -> Vec<String> {
        let text = read(self.path);
        let (mut blessed, mut failures) = (text.clone(), Vec::new());
        let mut differing = Vec::new();
        let found: Vec<Block> = blocks(&text).collect();
        for (at, block) in found.iter().enumerate() {
            match block.info.split_once(' ').unwrap_or_default() {
                ("sh", "start") => {
                    // CI also runs this with all features.
                    if lacks_feature(block.code) {
                        break;
                    }
                    block.code.lines().for_each(|line| self.start(line));
                }
                ("sh", "run") => self.output = self.commands(block.code),
                ("js", console) => {
                    let Some(page) = console.strip_prefix("console ") else { continue };
                    let see = found[at..].iter().find(|block| block.info == "text see").expect("something to see");
                    self.output = self.console(page, block.code, see.code.lines().count());
                }
                ("text", "see") if !matches(block.code, &self.output) => {
                    failures.push(format!("{}:\n{}--- but it was\n{}", self.path.display(), block.code, self.output));
                    differing.push((block.start, block.code.len(), self.output.clone()));
                }
                _ => {}
            }
        }
        for (start, length, output) in differing.into_iter().rev() {
            blessed.replace_range(start..start + length, &output);
        }
        if blessed != text && std::env::var_os("CHINWAG_BLESS").is_some() {
            fs::write(self.path, blessed).expect("a chapter can be written");
            failures.clear();
        }
        failures
    }

    /// Starts a program, and waits until it listens.
    fn start(&mut self, line: &str) {
        let line = line.split(" #").next().unwrap_or_default().trim();
        let is_redis = line.starts_with("redis-server");
        let written = if is_redis { "127.0.0.1:6379".to_owned() } else { own_address(line) };
        self.programs.retain(|program| program.written != written);
        let mut code = self.with_real_addresses(line).replace(&written, "127.0.0.1:0");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        if is_redis {
            code = format!("exec {} --bind 127.0.0.1", code.replace("6379", &free.port().to_string()));
        }
        let mut command = self.bash(&code.replace("cargo run", "exec cargo run"));
        let listen = if code.contains("--tls") { "CHINWAG_LISTEN_TLS" } else { "CHINWAG_LISTEN" };
        if !code.contains("--listen") {
            command.env(listen, "127.0.0.1:0");
        }
        // A pipe for stdin, too: some examples end with their input.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("there is bash");
        let output = lines(child.stdout.take().expect("a pipe"));
        let real = if is_redis {
            wait_until(DEADLINE, "Redis listens", || std::net::TcpStream::connect(free).is_ok());
            free.to_string()
        } else {
            let address = |text: String| Some(text.split_once("://")?.1.split(['/', ' ', ',']).next()?.to_owned());
            let first = || output.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{line}: no line with an address"));
            std::iter::repeat_with(first).find_map(address).expect("it never ends")
        };
        self.programs.push(Program { written, real, child });
    }

    fn commands(&self, code: &str) -> String {
        let command = self.bash(&format!("exec 2>&1\n{}", self.with_real_addresses(code)));
        self.with_written_addresses(&printed(&run_to_end(command, PATIENCE)).replace('\r', ""))
    }

    /// What the code prints in the console, up to that many lines.
    fn console(&self, page: &str, code: &str, count: usize) -> String {
        let Some(python) = python(&["playwright.sync_api"]) else {
            skip("no Python with playwright; set CHINWAG_PYTHON to one");
            return String::new();
        };
        let mut command = Command::new(python);
        command
            .arg(format!("{ROOT}/tests/python/console.py"))
            .arg(self.with_real_addresses(&format!("http://{page}/")));
        command.arg(count.to_string()).arg(self.with_real_addresses(code));
        self.with_written_addresses(&printed(&run_to_end(command, PATIENCE)))
    }

    fn bash(&self, code: &str) -> Command {
        let mut command = Command::new("bash");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CHINWAG_") {
                command.env_remove(name);
            }
        }
        let bin = Path::new(env!("CARGO_BIN_EXE_chinwag")).parent().expect("a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let python = std::env::var_os("CHINWAG_PYTHON").unwrap_or_else(|| "python3".into());
        command
            .env("PATH", format!("{}:{path}", self.folder.path("bin")))
            .env("COURSE_BIN", bin)
            .env("COURSE_PYTHON", python);
        command.env("XDG_STATE_HOME", self.folder.path("state")).env("PYTHONDONTWRITEBYTECODE", "1");
        command.current_dir(self.folder.path(".")).arg("-c").arg(code);
        command
    }

    fn with_real_addresses(&self, text: &str) -> String {
        self.programs.iter().fold(text.to_owned(), |text, program| text.replace(&program.written, &program.real))
    }

    fn with_written_addresses(&self, text: &str) -> String {
        self.programs.iter().fold(text.to_owned(), |text, program| text.replace(&program.real, &program.written))
    }
}

/// The first address in a line that starts a program, or the default one.
fn own_address(line: &str) -> String {
    let words = line.split([' ', '=']);
    words.map(str::to_owned).find(|word| word.starts_with("127.0.0.1:")).unwrap_or("127.0.0.1:6502".into())
}

/// Whether these programs need a feature that this build does not have.
fn lacks_feature(code: &str) -> bool {
    let built = [
        ("cluster", cfg!(feature = "cluster")),
        ("deflate", cfg!(feature = "deflate")),
        ("history", cfg!(feature = "history")),
        ("tls", cfg!(feature = "tls")),
    ];
    let needs = |feature: &str| code.contains(&format!("--features {feature}"));
    built.iter().any(|(feature, is_built)| needs(feature) && !is_built)
}
