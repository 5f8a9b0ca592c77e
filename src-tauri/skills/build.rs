//! Embeds the files of the catalog: a list of them with their bytes, as `catalog_files.rs`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("catalog");
    let mut files = Vec::new();
    for kind in ["bundled", "optional"] {
        list(&root.join(kind), kind, &mut files)?;
    }
    files.sort();
    let mut code = String::from("pub(crate) static FILES: &[(&str, &[u8])] = &[\n");
    for (name, at) in files {
        code.push_str(&format!("    ({name:?}, include_bytes!({:?})),\n", at.display().to_string()));
    }
    code.push_str("];\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("catalog_files.rs"), code)?;
    writeln!(io::stdout(), "cargo:rerun-if-changed={}", root.display())
}

/// Regular files only. What else there may be is found by the tests of the catalog.
fn list(dir: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let (kind, name) = (entry.file_type()?, entry.file_name());
        let Some(name) = name.to_str() else { continue };
        let path = format!("{prefix}/{name}");
        if kind.is_dir() {
            list(&entry.path(), &path, files)?;
        } else if kind.is_file() {
            files.push((path, entry.path()));
        }
    }
    Ok(())
}
