//! Compresses the files of the page with gzip, and writes the list that `src/chat/page.rs` includes.
//!
//! Prints the size of the page, which `cargo build -vv` and `bash .ci/run sizes` show, and fails if it is over its limit.

use flate2::{Compression, GzBuilder};
use std::{env, error::Error, fs, io::Write, path::Path};

const PAGE: &str = "src/chat/page";

/// Bytes of all files before compression.
const MAX_SIZE: usize = 60 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PAGE}");
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    let out = Path::new(&out);
    let mut paths = fs::read_dir(PAGE)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    paths.sort();
    let (mut list, mut size, mut compressed_size) = (String::new(), 0, 0);
    for path in &paths {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("a file name is not UTF-8")?;
        let content = fs::read(path)?;
        let compressed = gzip(&content)?;
        let compressed_path = out.join(format!("{name}.gz"));
        fs::write(&compressed_path, &compressed)?;
        list += &format!("    ({name:?}, include_bytes!({compressed_path:?})),\n");
        (size, compressed_size) = (size + content.len(), compressed_size + compressed.len());
    }
    fs::write(out.join("page.rs"), format!("&[\n{list}]\n"))?;
    println!("the page: {} files, {size} bytes of at most {MAX_SIZE}, {compressed_size} with gzip", paths.len());
    if size > MAX_SIZE {
        return Err(format!("{PAGE} has {size} bytes, more than {MAX_SIZE}").into());
    }
    Ok(())
}

/// Without a name and a time, so that equal files give equal bytes.
fn gzip(content: &[u8]) -> Result<Vec<u8>, std::io::Error> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}
