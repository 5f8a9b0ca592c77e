//! The licences of what is in the package: the program's own, those of its fonts and icons, and those of the
//! libraries that are linked into the binaries, which all ask to be handed on with them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::project::{Project, output};

/// What is packed; all that these are linked with comes along.
const ROOTS: [&str; 4] = ["paperclip-desktop", "paperclip-cli", "paperclip-ui", "paperclip-diagrams"];

/// Files of others within the program: their part of the checkout, their licence's name, and its text.
const INCLUDED: [(&str, &str, &str); 4] = [
    ("src-ui/fonts/inter-*", "OFL-1.1", "src-ui/fonts/LICENSE-Inter.txt"),
    ("src-ui/fonts/jetbrains-mono-*", "OFL-1.1", "src-ui/fonts/LICENSE-JetBrainsMono.txt"),
    ("src-ui/editor/dist/*.js", "MIT", "src-ui/editor/dist/LICENSES.txt"),
    ("src-ui/src/components/icons.rs", "ISC", "src-ui/icons/LICENSE-Lucide.txt"),
];

/// Debian's copyright file: machine-readable, each licence in full.
pub fn copyright(project: &Project) -> Result<String> {
    let read = |path: &str| fs::read_to_string(project.root.join(path)).with_context(|| path.to_owned());
    let mut text = include_str!("../../package/copyright").to_owned();
    text.push_str(&field(&read("LICENSE")?));
    for (files, licence, path) in INCLUDED {
        let full = read(path)?;
        let holder =
            full.lines().find(|l| l.starts_with("Copyright")).context("a licence names its holder")?;
        let holder =
            ["Copyright", " (c)", " (C)"].iter().fold(holder, |h, sign| h.trim_start_matches(sign)).trim();
        text.push_str(&format!(
            "\nFiles: {files}\nCopyright: {holder}\nLicense: {licence}\n{}",
            field(&full)
        ));
    }
    Ok(text)
}

/// Text as the continuation of a field.
fn field(text: &str) -> String {
    let line = |l: &str| if l.trim().is_empty() { " .\n".to_owned() } else { format!(" {l}\n") };
    text.lines().map(line).collect()
}

/// The libraries that are linked into the binaries and the frontend, with the texts of their licences.
pub fn of_libraries(project: &Project) -> Result<String> {
    let host = output(Command::new("rustc").arg("-vV"))?;
    let host =
        host.lines().find_map(|l| l.strip_prefix("host: ")).context("rustc names its host")?.to_owned();
    let metadata = output(&mut project.cargo([
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--filter-platform",
        host.as_str(),
        "--filter-platform",
        "wasm32-unknown-unknown",
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata")?;
    let mut listed = String::new();
    // Most libraries share their texts word for word.
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in linked(&metadata) {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        let name = format!("{} {}", text("name"), text("version"));
        listed.push_str(&format!("{name}: {}\n", text("license")));
        let folder = Path::new(text("manifest_path")).parent().context("a manifest lies in a folder")?;
        for licence in texts_in(folder)? {
            texts.entry(licence).or_default().insert(name.clone());
        }
    }
    let mut out = format!(
        "Libraries that are linked into Paperclip Desktop, with their licences.\n\
         Rust's standard library is under MIT OR Apache-2.0.\n\n{listed}"
    );
    for (text, names) in texts {
        let names: Vec<String> = names.into_iter().collect();
        out.push_str(&format!("\n{}\n{}\n\n{}\n", "-".repeat(78), names.join(", "), text.trim_end()));
    }
    Ok(out)
}

/// The packages of others that the roots are linked with, by name and version.
fn linked(metadata: &Value) -> Vec<&Value> {
    let id = |v: &Value| v["id"].as_str().unwrap_or_default().to_owned();
    let packages: HashMap<String, &Value> =
        metadata["packages"].as_array().into_iter().flatten().map(|p| (id(p), p)).collect();
    let nodes: HashMap<String, &Value> =
        metadata["resolve"]["nodes"].as_array().into_iter().flatten().map(|n| (id(n), n)).collect();
    let is_root = |p: &Value| ROOTS.iter().any(|r| p["name"] == *r);
    let mut open: Vec<String> =
        packages.iter().filter(|(_, p)| is_root(p)).map(|(id, _)| id.clone()).collect();
    let mut seen: BTreeSet<String> = open.iter().cloned().collect();
    while let Some(next) = open.pop() {
        for dep in nodes.get(&next).and_then(|n| n["deps"].as_array()).into_iter().flatten() {
            let normal = dep["dep_kinds"].as_array().into_iter().flatten().any(|k| k["kind"].is_null());
            let pkg = dep["pkg"].as_str().unwrap_or_default();
            if normal && seen.insert(pkg.to_owned()) {
                open.push(pkg.to_owned());
            }
        }
    }
    // What has no source is of this workspace.
    let mut found: Vec<&Value> =
        seen.iter().filter_map(|id| packages.get(id).copied()).filter(|p| !p["source"].is_null()).collect();
    let key = |p: &Value| (p["name"].as_str().map(str::to_owned), p["version"].as_str().map(str::to_owned));
    found.sort_by_key(|p| key(p));
    found
}

/// The licences that lie in a package's folder.
fn texts_in(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        let is_licence =
            ["LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT"].iter().any(|p| name.starts_with(p));
        if is_licence && path.is_file() {
            found.push(String::from_utf8_lossy(&fs::read(&path)?).replace('\r', ""));
        }
    }
    Ok(found)
}
