//! The two traces in ARCHITECTURE.md: every function that they name exists, and they stay below the sizes in [`TRACES`].

use std::{collections::BTreeSet, fs, path::Path};

/// A trace: the heading of its section, and how many functions and files it may have.
const TRACES: &[(&str, usize, usize)] = &[("## The life of a message", 40, 15), ("## The life of a handshake", 45, 16)];

#[test]
fn traces_name_functions_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for (heading, max_functions, max_files) in TRACES {
        let steps = trace(&document, heading);
        let files: BTreeSet<&str> = steps.iter().map(|(file, _)| *file).collect();
        assert!(steps.len() > 10, "{heading}: {} functions, the table is not where it was", steps.len());
        assert!(steps.len() <= *max_functions, "{heading}: {} functions", steps.len());
        assert!(files.len() <= *max_files, "{heading}: {} files", files.len());
        for (file, function) in steps {
            let source = fs::read_to_string(root.join(file)).unwrap_or_else(|why| panic!("{file}: {why}"));
            let defined = source.contains(&format!("fn {function}(")) || source.contains(&format!("fn {function}<"));
            assert!(defined, "{heading}: {file} has no function {function}");
        }
    }
}

/// The rows of the table in that section: `| [file](file) | `one`, `two` | … |`.
fn trace<'a>(document: &'a str, heading: &str) -> Vec<(&'a str, &'a str)> {
    let section = document.split(heading).nth(1).unwrap_or_else(|| panic!("no section {heading}"));
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| ["));
    let mut steps = Vec::new();
    for row in rows {
        let file = row.split("](").nth(1).and_then(|rest| rest.split(')').next()).expect("a link to a file");
        let functions = row.split('|').nth(2).expect("a column of functions");
        let names = functions.split('`').skip(1).step_by(2);
        steps.extend(names.map(|name| (file, name.rsplit("::").next().unwrap_or(name))));
    }
    steps
}
