//! Names of branches and folders, from whatever a person wrote.

/// Longest name of a branch, in bytes. Each part becomes the name of a file.
const LONGEST: usize = 120;

/// Makes a branch name of a rendered template: what git forbids becomes a dash, words of any script stay.
///
/// Follows git-check-ref-format(1). `None`: nothing is left.
pub fn branch_name(rendered: &str) -> Option<String> {
    let parts = rendered.split('/').map(part).filter(|p| !p.is_empty());
    let mut name = parts.collect::<Vec<_>>().join("/");
    cut(&mut name, LONGEST);
    while name.ends_with(['.', '-', '/']) || name.ends_with(".lock") {
        let shorter = name.strip_suffix(".lock").unwrap_or(&name[..name.len() - 1]).len();
        name.truncate(shorter);
    }
    // Refused by git although it is well formed.
    (!name.is_empty() && name != "HEAD" && name != "@").then_some(name)
}

/// Makes one folder name of a branch name. Never one of those that a folder has while it is taken away.
pub fn folder_name(branch: &str) -> String {
    let mut name = branch.replace('/', "-");
    if name.ends_with(".going") || name.ends_with(".gone") {
        name.push('-');
    }
    name
}

fn part(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let kept = c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '=');
        let c = if kept { c } else { '-' };
        if (c == '-' && out.ends_with('-')) || (c == '.' && out.ends_with('.')) {
            continue;
        }
        out.push(c);
    }
    let out = out.trim_matches(['-', '.']);
    out.strip_suffix(".lock").unwrap_or(out).to_owned()
}

fn cut(name: &mut String, at: usize) {
    if name.len() > at {
        let end = (0..=at).rev().find(|i| name.is_char_boundary(*i)).unwrap_or(0);
        name.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_written_becomes_a_branch_that_git_takes() {
        for (from, to) in [
            ("PAP-1-fix the   login", "PAP-1-fix-the-login"),
            ("feat/PAP-2: größer & schöner?", "feat/PAP-2-größer-schöner"),
            ("a..b", "a.b"),
            ("-x-", "x"),
            ("//a//b.lock/", "a/b"),
            ("日本 語", "日本-語"),
            (".lock", "lock"),
            ("x@{1}~^:\\[", "x-1"),
        ] {
            assert_eq!(branch_name(from).as_deref(), Some(to), "{from}");
        }
        for nothing in ["", " ", "///", "..", "@", "HEAD"] {
            assert_eq!(branch_name(nothing), None, "{nothing}");
        }
        let long = branch_name(&"ä".repeat(500)).unwrap();
        assert!(long.len() <= LONGEST && long.chars().all(|c| c == 'ä'));
        assert_eq!(folder_name("feat/x"), "feat-x");
        assert_eq!(folder_name("x.gone"), "x.gone-");
    }
}
