//! The help texts as a table: paragraphs and flags, in their order, for each command.

use crate::support::markdown::{ROOT, read};
use std::{fs, path::Path};

/// A help text.
#[derive(Clone)]
pub struct Text {
    /// Its file, as seen from `src/cli/help`.
    pub file: &'static str,
    /// The first word of the command line that accepts its flags.
    command: &'static str,
    /// Its heading in the man page.
    pub title: &'static str,
}

const fn text(file: &'static str, command: &'static str, title: &'static str) -> Text {
    Text { file, command, title }
}

/// In the order of the man page. Another text in `src/cli/help` is that of a command of its name, and comes last.
pub const TEXTS: &[Text] = &[
    text("server", "", "DESCRIPTION"),
    text("limits", "", "LIMITS"),
    text("service", "", "SERVICE"),
    text("tls", "", "TLS"),
    text("history", "", "STORED HISTORY"),
    text("../cluster/help", "", "CLUSTER"),
    text("chat", "chat", "CHINWAG CHAT"),
    text("history_command", "history", "CHINWAG HISTORY"),
    text("ctl", "ctl", "CHINWAG CTL"),
    text("health", "health", "CHINWAG HEALTH"),
];

/// Flags that accept only certain values. A test compares them with the help.
pub const CHOICES: &[(&str, &[&str])] = &[("dialect", &["json", "text"]), ("history-sync", &["normal", "full"])];

/// What the first word of the command line chooses. The server has none.
pub struct Command {
    pub name: &'static str,
    pub texts: Vec<(Text, Vec<Block>)>,
}

impl Command {
    /// Each flag once: what a later text says of it has more detail. `--limit NAME` is a value.
    pub fn flags(&self) -> impl Iterator<Item = &Flag> {
        let flags = || self.all().filter(|flag| !matches!(flag.value, Value::Item(_)));
        flags()
            .enumerate()
            .filter(move |(at, flag)| flags().skip(at + 1).all(|later| later.long != flag.long))
            .map(|(_, flag)| flag)
    }

    /// The names of the limits.
    pub fn items(&self) -> impl Iterator<Item = &str> {
        self.all().filter_map(|flag| match &flag.value {
            Value::Item(name) => Some(name.as_str()),
            _ => None,
        })
    }

    fn all(&self) -> impl Iterator<Item = &Flag> {
        self.texts.iter().flat_map(|(_, blocks)| blocks).filter_map(|block| match block {
            Block::Flag(flag) => Some(flag),
            _ => None,
        })
    }

    /// The words that may follow the command: "The commands: who; kick WHO."
    pub fn words(&self) -> Vec<&str> {
        let blocks = self.texts.iter().flat_map(|(_, blocks)| blocks);
        let list = blocks.filter_map(|block| match block {
            Block::Prose(text) => text.strip_prefix("The commands: "),
            _ => None,
        });
        list.flat_map(|list| list.split("; ")).filter_map(|usage| usage.split([' ', '.']).next()).collect()
    }

    /// What the help says that the command does: its usage line, or its first paragraph.
    pub fn about(&self) -> String {
        let start = format!("chinwag {} ", self.name);
        let server = parse(&read("src/cli/help/server.txt"));
        let line = server.iter().find_map(|block| match block {
            Block::Usage(line) => line.strip_prefix(&start),
            _ => None,
        });
        let line = line.unwrap_or_else(|| panic!("server.txt has no usage line for {}", self.name));
        let line = line.split_once("  ").map_or(line, |(_, about)| about).trim();
        line.split(" (").next().unwrap_or(line).to_owned()
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum Block {
    Prose(String),
    Usage(String),
    Flag(Flag),
}

#[derive(Debug, PartialEq, Eq)]
pub struct Flag {
    pub long: String,
    pub short: Option<char>,
    pub value: Value,
    pub about: String,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Value {
    None,
    Optional(String),
    Required(String),
    /// In the list of limits, the name of one.
    Item(String),
}

impl Flag {
    /// The description in one clause, without the default.
    pub fn summary(&self) -> String {
        let clause = self.about.split("; ").next().unwrap_or_default();
        let clause = clause.rsplit_once(" [").map_or(clause, |(clause, _)| clause);
        clause.split(" (see ").next().unwrap_or(clause).trim().to_owned()
    }

    pub fn is_file(&self) -> bool {
        matches!(&self.value, Value::Optional(name) | Value::Required(name) if name == "FILE")
    }

    pub fn is_repeatable(&self) -> bool {
        self.about.contains("repeat")
    }

    pub fn choices(&self) -> &'static [&'static str] {
        CHOICES.iter().find(|(name, _)| *name == self.long).map_or(&[], |(_, values)| values)
    }
}

fn texts() -> Vec<Text> {
    let folder = fs::read_dir(Path::new(ROOT).join("src/cli/help")).expect("a folder");
    let files = folder.map(|entry| entry.expect("a file").file_name().to_string_lossy().replace(".txt", ""));
    let mut others: Vec<String> = files.filter(|file| TEXTS.iter().all(|text| text.file != file)).collect();
    others.sort();
    let others = others.into_iter().map(|name| {
        let title = format!("CHINWAG {}", name.to_uppercase()).leak();
        let name = name.leak();
        text(name, name, title)
    });
    TEXTS.iter().cloned().chain(others).collect()
}

/// All commands, the server first.
pub fn commands() -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    for text in texts() {
        let blocks = parse(&read(&format!("src/cli/help/{}.txt", text.file)));
        match commands.iter_mut().find(|command| command.name == text.command) {
            Some(command) => command.texts.push((text, blocks)),
            None => commands.push(Command { name: text.command, texts: vec![(text, blocks)] }),
        }
    }
    commands
}

/// Lines of `  -` are flags, deeper lines continue them, and paragraphs are joined.
pub fn parse(text: &str) -> Vec<Block> {
    let (mut blocks, mut new_paragraph) = (Vec::new(), true);
    for line in text.lines() {
        let content = line.trim();
        let continues = line.starts_with("          ");
        match (line.strip_prefix("usage: ").or(line.strip_prefix("       chinwag").map(|_| content)), blocks.last_mut())
        {
            (Some(usage), _) => blocks.push(Block::Usage(usage.to_owned())),
            _ if content.is_empty() => {}
            _ if line.starts_with("  -") => blocks.extend(flags(content).map(Block::Flag)),
            (_, Some(Block::Usage(_))) if continues => {}
            (_, Some(Block::Flag(flag))) if continues => flag.about = format!("{} {content}", flag.about),
            (_, Some(Block::Prose(prose))) if !new_paragraph => *prose += &format!(" {content}"),
            _ => blocks.push(Block::Prose(content.to_owned())),
        }
        new_paragraph = content.is_empty();
    }
    for block in &mut blocks {
        if let Block::Flag(flag) = block {
            flag.about = flag.about.split_whitespace().collect::<Vec<_>>().join(" ");
        }
    }
    blocks
}

/// A line may have several flags, three spaces apart.
fn flags(line: &str) -> impl Iterator<Item = Flag> {
    let starts: Vec<usize> = [0].into_iter().chain(line.match_indices("   -").map(|(at, _)| at + 3)).collect();
    (0..starts.len()).map(move |index| {
        let end = starts.get(index + 1).copied().unwrap_or(line.len());
        flag(line[starts[index]..end].trim())
    })
}

fn flag(text: &str) -> Flag {
    let (short, text) = match text.split_once(", ") {
        Some((short, rest)) if short.len() == 2 => (short.chars().nth(1), rest),
        _ => (None, text),
    };
    let text = text.strip_prefix("--").unwrap_or_else(|| panic!("{text:?} is not a long flag"));
    let end = text.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(text.len());
    let (long, rest) = text.split_at(end);
    let (word, about) = rest.get(1..).map_or(("", ""), |rest| rest.split_once(' ').unwrap_or((rest, "")));
    let (value, about) = match rest.as_bytes() {
        [b'[', ..] => (Value::Optional(word.trim_matches(['=', ']']).to_owned()), about),
        [b' ', b'A'..=b'Z', ..] => (Value::Required(word.to_owned()), about),
        [b' ', b'a'..=b'z', ..] if long == "limit" => (Value::Item(word.to_owned()), about),
        _ => (Value::None, rest.trim_start_matches(':')),
    };
    let about = match (about.trim(), long, long.strip_prefix("help-")) {
        ("", "version", _) => "print the version".to_owned(),
        ("", "help", _) => "print the flags".to_owned(),
        ("", _, Some("tls")) => "print help about TLS".to_owned(),
        ("" | "print this", _, Some(subject)) => format!("print help about {subject}"),
        (about, ..) => about.to_owned(),
    };
    Flag { long: long.to_owned(), short, value, about }
}
