//! The sources as modules, and which file imports from which. Text only: macros and generated code are not seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// One file below `src`.
pub(crate) struct File {
    /// Below `src`, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text without comments and unit tests.
    pub(crate) code: String,
    /// The module that the file is, as in `["ws", "server"]`; empty for `lib.rs` and `main.rs`.
    module: Vec<String>,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text);
        let code = code.lines().map(|line| line.split("//").next().unwrap_or(line)).collect::<Vec<_>>().join("\n");
        let name = path.trim_end_matches(".rs");
        let module = if matches!(name, "lib" | "main") { "" } else { name };
        let module = module.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Self { path: path.to_owned(), text: text.to_owned(), code, module }
    }

    /// `ws`, `chat` or `cli`; the root's files have none.
    pub(crate) fn layer(&self) -> &str {
        self.module.first().map_or("", String::as_str)
    }

    /// Every path in a `use`, groups taken apart, and every qualified path in the code.
    pub(crate) fn paths(&self) -> Vec<Vec<String>> {
        self.used().into_iter().map(|(path, _)| path).chain(self.qualified()).collect()
    }

    /// Paths in `use`, each with the name that it has here.
    fn used(&self) -> Vec<(Vec<String>, String)> {
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("use ") {
            let line = self.code[..at].rsplit('\n').next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with("pub") {
                let tree = self.code[at + 4..].split(';').next().unwrap_or_default();
                expand(tree, &[], &mut found);
            }
        }
        found
    }

    fn qualified(&self) -> Vec<Vec<String>> {
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let words = self.code.split(|c: char| !word(c)).filter(|word| word.contains("::") && !word.ends_with("::"));
        words.map(|word| word.split("::").map(str::to_owned).collect()).collect()
    }
}

/// Takes `a::{b, c::{d as e}}` apart.
fn expand(tree: &str, prefix: &[String], found: &mut Vec<(Vec<String>, String)>) {
    for part in split_commas(tree) {
        let (path, group) = match part.split_once('{') {
            Some((path, group)) => (path.trim_end().trim_end_matches("::"), group.trim_end().strip_suffix('}')),
            None => (part, None),
        };
        let (path, alias) = path.split_once(" as ").map_or((path, None), |(path, alias)| (path, Some(alias.trim())));
        let mut whole = prefix.to_vec();
        whole.extend(
            path.split("::").map(str::trim).filter(|name| !name.is_empty() && *name != "self").map(str::to_owned),
        );
        if path.trim() == "self" || path.trim_start().starts_with("self::") && prefix.is_empty() {
            whole.insert(0, "self".into());
        }
        match group {
            Some(group) => expand(group, &whole, found),
            None => {
                let name = alias.map(str::to_owned).or_else(|| whole.last().cloned()).unwrap_or_default();
                found.push((whole, name));
            }
        }
    }
}

/// The parts between the commas that are in no inner group.
fn split_commas(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// All files below `src`, by module.
pub(crate) struct Tree {
    files: BTreeMap<String, File>,
    modules: BTreeMap<Vec<String>, String>,
}

impl Tree {
    pub(crate) fn of_this_crate() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        collect(&root, &root, &mut files);
        assert!(files.len() > 50, "the sources are not below {}", root.display());
        Self::of_files(files)
    }

    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self::of_files(files.iter().map(|(path, text)| File::new(path, text)).collect())
    }

    fn of_files(files: Vec<File>) -> Self {
        // `main.rs` is the root of another crate; `crate::cli` there is found below the same root.
        let modules = files.iter().filter(|file| file.path != "main.rs");
        let modules = modules.map(|file| (file.module.clone(), file.path.clone())).collect();
        Self { files: files.into_iter().map(|file| (file.path.clone(), file)).collect(), modules }
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values()
    }

    pub(crate) fn file(&self, path: &str) -> &File {
        &self.files[path]
    }

    /// The files that define what `file` imports, without itself and the modules that it is in.
    pub(crate) fn imports(&self, file: &File) -> BTreeSet<String> {
        let targets = file.paths().into_iter().filter_map(|path| self.resolve(&file.module, &path, 0));
        let is_above = |target: &String| file.module.starts_with(&self.files[target].module);
        targets.filter(|target| *target != file.path && !is_above(target)).collect()
    }

    /// The file that defines the item with that path, as seen from a module. `None`: it is not in this crate.
    fn resolve(&self, from: &[String], path: &[String], depth: usize) -> Option<String> {
        let mut module = from.to_vec();
        let mut rest = path.iter();
        match path.first()?.as_str() {
            "crate" | "chinwag" => {
                module.clear();
                rest.next();
            }
            "self" => drop(rest.next()),
            "super" => {}
            name => {
                let child = [from, &[name.to_owned()]].concat();
                let is_item = path.len() > 1 && self.reexport(from, name).is_some();
                if !self.modules.contains_key(&child) && !is_item {
                    return None;
                }
            }
        }
        for name in rest {
            if name == "super" {
                module.pop();
                continue;
            }
            module.push(name.clone());
            if !self.modules.contains_key(&module) {
                module.pop();
                return self.item(&module, name, depth);
            }
        }
        self.modules.get(&module).cloned()
    }

    /// The file that defines an item of a module: its own, or the one that it re-exports the item from.
    fn item(&self, module: &[String], name: &str, depth: usize) -> Option<String> {
        let reexported = self.reexport(module, name).filter(|_| depth < 8);
        let defined = reexported.and_then(|path| self.resolve(module, &path, depth + 1));
        defined.or_else(|| self.modules.get(module).cloned())
    }

    fn reexport(&self, module: &[String], name: &str) -> Option<Vec<String>> {
        let file = self.files.get(self.modules.get(module)?)?;
        file.used().into_iter().find(|(_, known)| known == name).map(|(path, _)| path)
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("the sources are readable") {
        let path = entry.expect("the sources are readable").path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "tests") {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with("tests.rs") {
            let name = path.strip_prefix(root).expect("found below it").to_string_lossy().replace('\\', "/");
            files.push(File::new(&name, &fs::read_to_string(&path).expect("a source file is text")));
        }
    }
}
