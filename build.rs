//! Compresses the page's files: `pages.rs` embeds that form alone, and browsers get less than half of the bytes.
//!
//! Prints how large the page is (`cargo build -vv` shows it, `bash .ci/run sizes` too), and refuses one that has grown
//! beyond its bound. No warning: Cargo would show that in each build of everybody who uses this crate.

use flate2::{Compression, GzBuilder};
use std::{env, error::Error, fs, io::Write, path::Path};

/// Bytes of all the page's files, before compression.
const MOST: usize = 60 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=src/chat/page");
    let out = env::var_os("OUT_DIR").ok_or("cargo gives no OUT_DIR")?;
    let (mut files, mut plain, mut packed) = (0, 0, 0);
    for entry in fs::read_dir("src/chat/page")? {
        let path = entry?.path();
        let content = fs::read(&path)?;
        let compressed = gzip(&content)?;
        let name = path.file_name().ok_or("a file without a name")?.to_string_lossy().into_owned();
        fs::write(Path::new(&out).join(name + ".gz"), &compressed)?;
        (files, plain, packed) = (files + 1, plain + content.len(), packed + compressed.len());
    }
    println!("the page: {files} files, {plain} bytes of at most {MOST}, {packed} with gzip");
    match plain <= MOST {
        true => Ok(()),
        false => Err(format!("the page has grown to {plain} bytes, more than {MOST}: src/chat/page").into()),
    }
}

/// Without name and time, so that the same file gives the same bytes.
fn gzip(content: &[u8]) -> Result<Vec<u8>, std::io::Error> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}
