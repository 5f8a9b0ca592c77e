//! Builds the frontend into `dist/` with cargo and the wasm-bindgen library: no other tool is installed, and the
//! lock file keeps that library and the one linked into the frontend at the same version.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::build::Profile;
use crate::editor;
use crate::project::{Project, say, step};

const TARGET: &str = "wasm32-unknown-unknown";

pub fn build(project: &Project, profile: Profile) -> Result<()> {
    let profile = match profile {
        Profile::Dev => "wasm-dev",
        Profile::Release => "wasm-release",
    };
    step(
        "build the frontend",
        &mut project.cargo(["build", "-p", "paperclip-ui", "-p", "paperclip-diagrams"].into_iter().chain([
            "--target",
            TARGET,
            "--profile",
            profile,
        ])),
    )?;
    let built = project.target.join(TARGET).join(profile);
    let begun = Instant::now();
    let mut files = bind(&built.join("paperclip-ui.wasm"), "app")?;
    for (name, bytes) in bind(&built.join("paperclip_diagrams.wasm"), "diagrams")? {
        files.push((Path::new("diagrams").join(name), bytes));
    }
    files.extend(page(project)?);
    let written = publish(&project.dist(), &files)?;
    let size = files.iter().find(|(n, _)| n == Path::new("app_bg.wasm")).map_or(0, |(_, b)| b.len());
    say(format_args!(
        "xtask: dist/ is ready: app_bg.wasm {} KiB, {written} files changed, bound in {:.1} s",
        size / 1024,
        begun.elapsed().as_secs_f32()
    ));
    Ok(())
}

/// Files by their path within a folder.
pub type Files = Vec<(PathBuf, Vec<u8>)>;

/// A module and its JavaScript glue.
fn bind(wasm: &Path, name: &str) -> Result<Files> {
    let out = wasm.with_extension("bound");
    let _ = fs::remove_dir_all(&out);
    fs::create_dir_all(&out)?;
    wasm_bindgen_cli_support::Bindgen::new()
        .input_path(wasm)
        .out_name(name)
        .web(true)?
        .typescript(false)
        .keep_debug(false)
        // Names of functions are two thirds of an unoptimised module, and only a debugger reads them.
        .remove_name_section(true)
        .remove_producers_section(true)
        // The page names the module itself, so that it can preload it.
        .omit_default_module_path(true)
        .generate(&out)
        .context("wasm-bindgen")?;
    collect(&out)
}

/// What the page is made of besides the module: the page itself, the styles as one file, the fonts, the editor.
fn page(project: &Project) -> Result<Files> {
    let ui = project.root.join("src-ui");
    let mut files = Files::new();
    for name in ["index.html", "boot.js"] {
        files.push((name.into(), fs::read(ui.join(name)).with_context(|| format!("src-ui/{name}"))?));
    }
    files.push(("style.css".into(), styles(&ui)?));
    for font in collect(&ui.join("fonts"))? {
        if font.0.extension().is_some_and(|e| e == "woff2") {
            files.push((Path::new("fonts").join(font.0), font.1));
        }
    }
    for name in ["draw.js", "worker.js"] {
        let path = Path::new("diagrams").join(name);
        let bytes = fs::read(ui.join(&path)).with_context(|| format!("src-ui/diagrams/{name}"))?;
        files.push((path, bytes));
    }
    for script in collect(&editor::bundle(project))? {
        if script.0.extension().is_some_and(|e| e == "js") {
            files.push((Path::new("editor").join(script.0), script.1));
        }
    }
    Ok(files)
}

/// `style.css`, or the sheets of `styles/` joined in the order of their names.
fn styles(ui: &Path) -> Result<Vec<u8>> {
    let single = ui.join("style.css");
    if single.is_file() {
        return fs::read(&single).context("src-ui/style.css");
    }
    let mut sheets = collect(&ui.join("styles"))?;
    sheets.retain(|(name, _)| name.extension().is_some_and(|e| e == "css"));
    let mut joined = Vec::new();
    for (name, sheet) in sheets {
        joined.extend_from_slice(format!("/* {} */\n", name.display()).as_bytes());
        joined.extend_from_slice(&sheet);
        joined.push(b'\n');
    }
    Ok(joined)
}

/// The files below a folder, in the order of their names. A folder that is not there is empty.
pub fn collect(dir: &Path) -> Result<Files> {
    fn walk(dir: &Path, base: &Path, files: &mut Files) -> Result<()> {
        for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                walk(&path, base, files)?;
            } else {
                files.push((path.strip_prefix(base)?.to_path_buf(), fs::read(&path)?));
            }
        }
        Ok(())
    }
    let mut files = Files::new();
    if dir.is_dir() {
        walk(dir, dir, &mut files)?;
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(files)
}

/// Makes `dist` hold exactly these files. Those that are right already are left alone, so that the desktop binary,
/// which embeds them and goes by their times, is not built anew for nothing.
pub fn publish(dist: &Path, files: &Files) -> Result<usize> {
    let mut written = 0;
    for (name, bytes) in files {
        let path = dist.join(name);
        if fs::read(&path).is_ok_and(|old| old == *bytes) {
            continue;
        }
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        written += 1;
    }
    for (name, _) in collect(dist)? {
        if !files.iter().any(|(kept, _)| *kept == name) {
            fs::remove_file(dist.join(name))?;
            written += 1;
        }
    }
    Ok(written)
}
