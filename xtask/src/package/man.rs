//! Manual pages, made from what the programs themselves answer to `--help`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::VERSION;
use crate::project::output;

pub struct Page {
    pub program: String,
    pub text: String,
}

/// The page of a program that is built.
pub fn of(program: &Path) -> Result<Page> {
    let name = program.file_stem().context("a program has a name")?.to_string_lossy().into_owned();
    let help = output(Command::new(program).arg("--help"))?;
    Ok(page(&name, &help))
}

pub fn page(program: &str, help: &str) -> Page {
    let mut lines = help.lines();
    let about = lines.next().unwrap_or_default();
    let mut text = format!(
        ".TH {} 1 \"\" \"Paperclip Desktop {VERSION}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n",
        program.to_uppercase(),
        escaped(program),
        escaped(about),
    );
    for line in lines.filter(|l| !l.trim().is_empty()) {
        if let Some(usage) = line.strip_prefix("Usage: ") {
            text.push_str(&format!(".SH SYNOPSIS\n.B {}\n", escaped(usage)));
        } else if let Some(heading) = line.strip_suffix(':').filter(|l| !l.starts_with(' ')) {
            text.push_str(&format!(".SH \"{}\"\n", escaped(&heading.to_uppercase())));
        } else if line.starts_with(' ') {
            // An option or a command, and what it is for beside it.
            let (what, meaning) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
            text.push_str(&format!(".TP\n.B {}\n{}\n", escaped(what), escaped(meaning.trim())));
        } else {
            text.push_str(&format!(".PP\n{}\n", escaped(line)));
        }
    }
    text.push_str(&format!(".SH FILES\n.TP\n.I ~/.local/share/paperclip\\-desktop\nAll files of the program, where nothing else is asked for.\n.SH \"SEE ALSO\"\n{}\n", other(program)));
    Page { program: program.to_owned(), text }
}

fn other(program: &str) -> &'static str {
    if program == "paperclip" { ".BR paperclip\\-desktop (1)" } else { ".BR paperclip (1)" }
}

/// Text that roff shows as it stands.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    // A line that begins with one of these would be taken for a request.
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
