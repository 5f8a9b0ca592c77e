//! Links within a skill that lead nowhere.

use std::collections::BTreeSet;

use super::Hit;

/// Longest target of a link, in bytes.
const LONGEST: usize = 500;

/// Links of a Markdown file to files that the skill does not have. Code is passed over.
pub(super) fn broken(path: &str, text: &str, paths: &BTreeSet<&str>) -> Vec<Hit> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut fence: Option<&str> = None;
    let mut out = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|m| trimmed.starts_with(m));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (Some(_), _) => {}
            (None, None) => {
                for target in targets(line) {
                    if let Some(why) = wrong(folder, target, paths) {
                        let target: String = target.chars().take(200).collect();
                        let message = format!("The link to {} {why}.", crate::bundle::shown(&target));
                        out.push(Hit { line: u32::try_from(n + 1).unwrap_or(u32::MAX), message });
                    }
                }
            }
        }
    }
    out
}

/// Targets of `[text](target "title")` and `[name]: target`.
fn targets(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    if let Some((_, rest)) =
        line.trim_start().strip_prefix('[').filter(|l| !l.starts_with('^')).and_then(|l| l.split_once("]:"))
        && rest.starts_with(' ')
    {
        out.extend(rest.split_whitespace().next());
    }
    // Every other piece between backticks is code.
    for piece in line.split('`').step_by(2) {
        for (at, _) in piece.match_indices("](") {
            let inner = &piece[at + 2..];
            let target = match inner.strip_prefix('<') {
                Some(inner) => up_to(inner, b'>'),
                None => up_to(inner, b')').and_then(|t| t.split_whitespace().next()),
            };
            out.extend(target);
        }
    }
    out
}

/// What stands before the next such byte, if that is near.
fn up_to(text: &str, end: u8) -> Option<&str> {
    text.bytes().take(LONGEST).position(|b| b == end).map(|at| &text[..at])
}

fn wrong(folder: &str, target: &str, paths: &BTreeSet<&str>) -> Option<&'static str> {
    let target = target.trim_matches(['<', '>']);
    let path = target.split(['#', '?']).next().unwrap_or_default();
    let has_scheme = path.find(':').is_some_and(|at| {
        at > 1 && path[..at].bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    });
    // Placeholders are for whoever fills in a template.
    if path.is_empty() || has_scheme || path.starts_with("//") || path.contains(['{', '$', '<', '…']) {
        return None;
    }
    if path.starts_with('/') {
        return Some("leaves the skill");
    }
    let path = decoded(path);
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return Some("leaves the skill"),
            ".." => {}
            part => parts.push(part),
        }
    }
    let to = parts.join("/");
    let below = format!("{to}/");
    let is_there = to.is_empty()
        || paths.contains(to.as_str())
        || paths.range(below.as_str()..).next().is_some_and(|p| p.starts_with(&below));
    (!is_there).then_some("leads nowhere")
}

/// `%20` and the like.
fn decoded(path: &str) -> String {
    if !path.contains('%') {
        return path.to_owned();
    }
    let bytes = path.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |i: usize| bytes.get(i).and_then(|b| char::from(*b).to_digit(16));
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(a), Some(b)) => {
                out.push(u8::try_from(a * 16 + b).unwrap_or(b'%'));
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        let paths = ["SKILL.md", "references/a.md", "references/my file.md", "assets/x/y.png"];
        broken(path, text, &paths.into_iter().collect()).len()
    }

    #[test]
    fn links_to_files_that_are_not_there_are_found() {
        for text in [
            "[a](references/b.md)",
            "![a](assets/z.png \"t\")",
            "[a](../outside.md)",
            "[a](/etc/x)",
            "[a]: references/b.md",
            "[a](<references/no such.md>)",
            "`code` [a](gone.md)",
        ] {
            assert_eq!(count("SKILL.md", text), 1, "{text}");
        }
        assert_eq!(count("references/a.md", "[a](references/a.md)"), 1);
    }

    #[test]
    fn other_links_are_sound() {
        for text in [
            "[a](references/a.md#part) and [b](./references/a.md?x)",
            "[a](references/my%20file.md) [b](<references/my file.md>)",
            "[a](assets/x/) [b](assets)",
            "[a](https://acme.io) [b](mailto:a@b.c) [c](#here) [d](agent://x) [e](//h/x)",
            "[a](references/<name>.md) [b]({path}) [c]($X) [d](…)",
            "`[a](gone.md)`",
            "```\n[a](gone.md)\n```",
            "~~~md\n```\n[a](gone.md)\n~~~",
            "- [ ] todo, [x] done, a[1](no link",
            "[^1]: a footnote",
        ] {
            assert_eq!(count("SKILL.md", text), 0, "{text}");
        }
        assert_eq!(count("references/a.md", "[a](../SKILL.md) [b](my%20file.md)"), 0);
    }
}
