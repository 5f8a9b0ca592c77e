//! What the sources may not contain.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::project::{Project, output};

/// Lines of code, without the tests at the end of a file.
const LONGEST: usize = 600;

/// Words that a folder's sources may not hold, with the reason.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "src-tauri/domain/src/",
        &[
            "std::fs",
            "std::net",
            "std::process",
            "std::env",
            "tokio::",
            "SystemTime",
            "Instant::now",
            "getrandom",
            "Timestamp::now",
            "Uuid::new_v",
            "Zoned::now",
        ],
        "rules are pure: no I/O, no clock, no randomness of their own",
    ),
    (
        "src-tauri/contract/src/",
        &["std::fs", "std::net", "std::process", "tokio::", "SystemTime", "Instant::now"],
        "the contract is data: it must build for the window as well",
    ),
    (
        "src-ui/src/",
        &["inner_html", "set_inner_html", "insert_adjacent_html", "document.write"],
        "what agents write is shown as text nodes, never as HTML",
    ),
    (
        "src-ui/src/",
        &["style=\"", "style=move", "style=format", "set_css_text"],
        "the page's policy allows no inline styles: use a class or a custom property",
    ),
];

/// Git calls that would reach another machine. What agents do in their own folders is theirs; the program does none.
const REMOTE_GIT: [&str; 7] = ["push", "fetch", "pull", "clone", "ls-remote", "remote", "submodule"];

pub fn check(project: &Project) -> Result<Vec<String>> {
    let listed = output(Command::new("git").current_dir(&project.root).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    let machine = machine_paths(&project.root);
    let mut broken = Vec::new();
    for name in listed.lines() {
        let Ok(bytes) = fs::read(project.root.join(name)) else {
            continue; // deleted, and not committed yet
        };
        let Ok(text) = String::from_utf8(bytes) else {
            continue; // a picture or a font
        };
        look(name, &text, &machine, &mut broken);
    }
    Ok(broken)
}

fn look(name: &str, text: &str, machine: &[String], broken: &mut Vec<String>) {
    for (number, line) in text.lines().enumerate() {
        if let Some(path) = machine.iter().find(|path| names_path(line, path)) {
            broken.push(format!("{name}:{}: names a path of this machine ({path})", number + 1));
        }
    }
    if !name.ends_with(".rs") {
        return;
    }
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let lines = code.lines().count();
    if lines > LONGEST {
        broken
            .push(format!("{name}: {lines} lines of code; beyond {LONGEST} a file holds more than one idea"));
    }
    if name.starts_with("src-tauri/") && !name.contains("/tests/") && !name.ends_with("/tests.rs") {
        for (number, line) in code.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            if let Some(word) = reaches_out(line) {
                broken.push(format!(
                    "{name}:{}: `git {word}`: the program calls no other machine's git",
                    number + 1
                ));
            }
        }
    }
    for (folder, words, reason) in FORBIDDEN.iter().filter(|(folder, ..)| name.starts_with(folder)) {
        let _ = folder;
        for (number, line) in code.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            if let Some(word) = words.iter().find(|w| line.contains(**w)) {
                broken.push(format!("{name}:{}: `{}`: {reason}", number + 1, word.trim()));
            }
        }
    }
}

/// Whether a line of code gives git a command that reaches another machine, as one argument or within a command line.
fn reaches_out(line: &str) -> Option<&'static str> {
    REMOTE_GIT.into_iter().find(|word| {
        let argument = line.contains(&format!("\"{word}\""))
            && (line.contains("Git::at") || line.contains(".args(") || line.contains(".arg("));
        argument || line.contains(&format!("git {word} ")) || line.contains(&format!("git {word}\""))
    })
}

/// Where this checkout and its owner live: nothing committed may say so.
fn machine_paths(root: &Path) -> Vec<String> {
    let home = std::env::var("HOME").unwrap_or_default();
    let parent = root.parent().map(|p| p.display().to_string()).unwrap_or_default();
    let mut paths = vec![root.display().to_string(), parent, home, "/Users".into()];
    paths.retain(|p| p.len() > 1);
    paths.into_iter().map(|p| format!("{p}/")).collect()
}

/// Whether a line holds this path as the beginning of one, not as the middle of another.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path)
        .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-~}*/".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_words_are_found_in_code_and_not_in_comments_or_tests() {
        let mut broken = Vec::new();
        let text =
            "// std::fs is not for us\nuse std::fs;\n\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
        look("src-tauri/domain/src/x.rs", text, &[], &mut broken);
        assert_eq!(broken.len(), 1, "{broken:?}");
        assert!(broken[0].starts_with("src-tauri/domain/src/x.rs:2: `std::fs`"));
        look("src-tauri/engine/src/x.rs", text, &[], &mut broken);
        assert_eq!(broken.len(), 1);
    }

    #[test]
    fn git_that_reaches_another_machine_is_found_in_shipped_code() {
        let mut broken = Vec::new();
        for line in ["Git::at(r).arg(\"push\")", "c.args([\"fetch\", \"--all\"]);", "run(\"git clone x\")"] {
            look("src-tauri/workspaces/src/x.rs", line, &[], &mut broken);
        }
        assert_eq!(broken.len(), 3, "{broken:?}");
        for (name, line) in [
            ("src-tauri/workspaces/tests/git.rs", "git(&r, &[\"push\"])"),
            ("src-tauri/workspaces/src/x.rs", "// git push is for people"),
            ("src-tauri/workspaces/src/x.rs", "list.push(\"x\")"),
        ] {
            look(name, line, &[], &mut broken);
        }
        assert_eq!(broken.len(), 3, "{broken:?}");
    }

    #[test]
    fn a_path_is_found_where_it_begins_only() {
        assert!(names_path("cd /build/tree/x", "/build/"));
        assert!(names_path("\"/build/x\"", "/build/"));
        assert!(!names_path("{root}/build/x", "/build/"));
        assert!(!names_path("target/build/x", "/build/"));
    }

    #[test]
    fn long_files_are_found_and_their_tests_not_counted() {
        let mut broken = Vec::new();
        let tests = format!("\n#[cfg(test)]\nmod tests {{\n{}}}\n", "// line\n".repeat(900));
        look("src-tauri/a.rs", &format!("{}{tests}", "fn a() {}\n".repeat(LONGEST)), &[], &mut broken);
        assert_eq!(broken, Vec::<String>::new());
        look("src-tauri/a.rs", &"fn a() {}\n".repeat(LONGEST + 1), &[], &mut broken);
        assert_eq!(broken.len(), 1);
    }
}
