//! The man page and the completions in `packaging` are made from the help texts, which are the table of all flags.
//!
//! `CHINWAG_BLESS=1 cargo test --test packaging` writes them anew. `.ci/package` tries them in the shells.

// Nothing is exported from a test.
#![allow(unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod completions;
mod man;
mod table;

use std::{fs, path::Path};
use support::markdown::{ROOT, read};
use table::{Command, Flag, Value, commands};

#[test]
fn man_page_is_made_from_the_help() {
    check("packaging/chinwag.1", &man::page(&commands()));
}

/// Also of those that have only flags.
#[test]
fn no_section_of_the_man_page_is_empty() {
    let page = man::page(&commands());
    let lines: Vec<_> = page.lines().collect();
    for pair in lines.windows(2).filter(|pair| pair[0].starts_with(".SH ")) {
        assert!(!pair[1].starts_with(".SH "), "{} is empty", pair[0]);
    }
}

#[test]
fn completions_are_made_from_the_help() {
    let commands = commands();
    check("packaging/completions/chinwag.bash", &completions::bash(&commands));
    check("packaging/completions/_chinwag", &completions::zsh(&commands));
    check("packaging/completions/chinwag.fish", &completions::fish(&commands));
}

/// Compares a file with what it should be, or corrects it.
#[track_caller]
fn check(file: &str, expected: &str) {
    if std::env::var_os("CHINWAG_BLESS").is_some() {
        fs::write(Path::new(ROOT).join(file), expected).expect("a file that can be written");
    }
    assert_eq!(read(file), expected, "{file} is old: run this test with CHINWAG_BLESS=1");
}

/// A module may have its help beside it. Its flags must be in the man page as well.
#[test]
fn every_help_text_is_used() {
    let folder = fs::read_dir(Path::new(ROOT).join("src/cli")).expect("a folder");
    let paths = folder.map(|entry| entry.expect("a file").path()).filter(|path| path.join("help.txt").exists());
    let found: Vec<String> =
        paths.map(|path| format!("../{}/help", path.file_name().expect("a name").to_string_lossy())).collect();
    let missing: Vec<_> = found.iter().filter(|file| table::TEXTS.iter().all(|text| text.file != *file)).collect();
    assert!(missing.is_empty(), "tests/packaging/table.rs must name {missing:?}");
}

#[test]
fn every_command_of_ctl_is_completed() {
    let commands = commands();
    let ctl = commands.iter().find(|command| command.name == "ctl").expect("chinwag ctl");
    let words = ctl.words();
    assert_eq!(words[..4], ["who", "rooms", "stats", "bans"]);
    assert_eq!(words.last(), Some(&"notice"));
    let list = words.join(" ");
    for (shell, text) in [
        ("bash", completions::bash(&commands)),
        ("zsh", completions::zsh(&commands)),
        ("fish", completions::fish(&commands)),
    ] {
        assert!(text.contains(&list), "{shell}: {list}");
    }
}

/// A flag that is renamed must not stay in the service's files.
#[test]
fn variables_of_the_packages_are_flags() {
    let commands = commands();
    let variable = |flag: &Flag| format!("CHINWAG_{}", flag.long.to_uppercase().replace('-', "_"));
    let known: Vec<String> = commands.iter().flat_map(Command::flags).map(variable).collect();
    for file in ["packaging/chinwag.default", "packaging/Containerfile", "docs/DEVICE.md"] {
        let text = read(file);
        let uses = text.match_indices("CHINWAG_").map(|(at, _)| &text[at..]);
        let names =
            uses.map(|rest| rest.split(|c: char| !c.is_ascii_uppercase() && c != '_').next().unwrap_or_default());
        let names: Vec<&str> = names.collect();
        assert!(!names.is_empty(), "{file} has no variable");
        let unknown: Vec<_> = names.iter().filter(|name| !known.iter().any(|flag| flag == *name)).collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?} is not the variable of a flag");
    }
}

#[test]
fn values_of_choices_are_in_the_help() {
    let commands = commands();
    for (name, values) in table::CHOICES {
        let mut flags = commands.iter().flat_map(Command::flags).filter(|flag| flag.long == *name);
        let about = &flags.next().unwrap_or_else(|| panic!("there is no --{name}")).about;
        let missing: Vec<_> = values.iter().filter(|value| !about.contains(**value)).collect();
        assert!(missing.is_empty(), "--{name}: {missing:?} is not in {about:?}");
    }
}

#[test]
fn flags_are_read_with_value_and_description() {
    let text = "a b: c.\n\nusage: chinwag [FLAGS]\n           or more\n       chinwag chat\n  --listen ADDR:PORT   where\n                       to listen [1]\n  \
                -v, --verbose   more (-vv: all)   -q, --quiet: less\n  --cert[=FILE] a file\n  --limit head   bytes [8]\n\nend\n";
    let blocks = table::parse(text);
    let flag = |long: &str, short, value, about: &str| {
        table::Block::Flag(Flag { long: long.into(), short, value, about: about.into() })
    };
    let expected = [
        table::Block::Prose("a b: c.".into()),
        table::Block::Usage("chinwag [FLAGS]".into()),
        table::Block::Usage("chinwag chat".into()),
        flag("listen", None, Value::Required("ADDR:PORT".into()), "where to listen [1]"),
        flag("verbose", Some('v'), Value::None, "more (-vv: all)"),
        flag("quiet", Some('q'), Value::None, "less"),
        flag("cert", None, Value::Optional("FILE".into()), "a file"),
        flag("limit", None, Value::Item("head".into()), "bytes [8]"),
        table::Block::Prose("end".into()),
    ];
    assert_eq!(blocks, expected);
}
