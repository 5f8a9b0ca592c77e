//! What a skill's files are: kinds, the trust that they ask for, languages.

use contract::skill::{SkillFileKind, SkillTrustLevel};

/// The file that makes a folder a skill.
pub const ENTRYPOINT: &str = "SKILL.md";

/// What a file is to its skill, by its path alone.
///
/// The rules are Paperclip's, so that an inventory made here and one made there agree; further script languages and
/// programs are added, since calling one of them a mere `other` would ask for less trust than it needs.
pub fn kind(path: &str) -> SkillFileKind {
    let path = path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    if name == "skill.md" {
        return SkillFileKind::Skill;
    }
    match path.split_once('/').map(|(folder, _)| folder) {
        Some("references") => return SkillFileKind::Reference,
        Some("scripts") => return SkillFileKind::Script,
        Some("assets") => return SkillFileKind::Asset,
        _ => {}
    }
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("md") => SkillFileKind::Markdown,
        Some(
            "sh" | "bash" | "zsh" | "fish" | "js" | "mjs" | "cjs" | "ts" | "mts" | "cts" | "py" | "rb" | "pl"
            | "php" | "lua" | "ps1" | "psm1" | "bat" | "cmd" | "vbs" | "exe" | "com" | "dll" | "so" | "dylib"
            | "jar" | "wasm",
        ) => SkillFileKind::Script,
        Some("png" | "jpg" | "jpeg" | "gif" | "svg" | "webp" | "pdf") => SkillFileKind::Asset,
        _ => SkillFileKind::Other,
    }
}

/// The trust that a skill with files of these kinds asks for.
pub fn trust(kinds: impl IntoIterator<Item = SkillFileKind>) -> SkillTrustLevel {
    kinds
        .into_iter()
        .map(|kind| match kind {
            SkillFileKind::Script => SkillTrustLevel::ScriptsExecutables,
            SkillFileKind::Asset | SkillFileKind::Other => SkillTrustLevel::Assets,
            SkillFileKind::Skill | SkillFileKind::Markdown | SkillFileKind::Reference => {
                SkillTrustLevel::MarkdownOnly
            }
        })
        .max()
        .unwrap_or(SkillTrustLevel::MarkdownOnly)
}

pub fn is_markdown(path: &str) -> bool {
    language(path) == Some("markdown")
}

/// The language of a file, for highlighting.
pub fn language(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    if name == "dockerfile" {
        return Some("dockerfile");
    }
    if name == "makefile" {
        return Some("makefile");
    }
    Some(match name.rsplit_once('.')?.1 {
        "md" | "mdx" | "markdown" => "markdown",
        "sh" | "bash" | "zsh" => "bash",
        "js" | "mjs" | "cjs" => "javascript",
        "jsx" => "jsx",
        "ts" | "mts" | "cts" => "typescript",
        "tsx" => "tsx",
        "py" => "python",
        "rb" => "ruby",
        "rs" => "rust",
        "go" => "go",
        "java" => "java",
        "c" | "h" => "c",
        "cpp" | "cc" | "hpp" => "cpp",
        "cs" => "csharp",
        "php" => "php",
        "ps1" | "psm1" => "powershell",
        "lua" => "lua",
        "sql" => "sql",
        "json" => "json",
        "yaml" | "yml" => "yaml",
        "toml" => "toml",
        "xml" | "svg" => "xml",
        "html" | "htm" => "html",
        "css" => "css",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_follows_the_folder_first_and_then_the_ending() {
        for (path, is) in [
            ("SKILL.md", SkillFileKind::Skill),
            ("nested/skill.md", SkillFileKind::Skill),
            ("references/run.sh", SkillFileKind::Reference),
            ("scripts/readme.md", SkillFileKind::Script),
            ("assets/template.md", SkillFileKind::Asset),
            ("guide/references/a.txt", SkillFileKind::Other),
            ("notes.MD", SkillFileKind::Markdown),
            ("run.SH", SkillFileKind::Script),
            ("tool.exe", SkillFileKind::Script),
            ("logo.PNG", SkillFileKind::Asset),
            ("references", SkillFileKind::Other),
            ("LICENSE", SkillFileKind::Other),
            ("data.json", SkillFileKind::Other),
            ("", SkillFileKind::Other),
        ] {
            assert_eq!(kind(path), is, "{path}");
        }
    }

    #[test]
    fn trust_is_that_of_the_file_that_asks_for_most() {
        use SkillFileKind as K;
        assert_eq!(trust([K::Skill, K::Markdown, K::Reference]), SkillTrustLevel::MarkdownOnly);
        assert_eq!(trust([K::Skill, K::Other]), SkillTrustLevel::Assets);
        assert_eq!(trust([K::Asset, K::Skill]), SkillTrustLevel::Assets);
        assert_eq!(trust([K::Script, K::Asset, K::Skill]), SkillTrustLevel::ScriptsExecutables);
        assert_eq!(trust([]), SkillTrustLevel::MarkdownOnly);
    }
}
