//! The path of a file within its skill.

/// Longest path, in bytes.
const LONGEST: usize = 240;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    #[error("it is empty")]
    Empty,
    #[error("it is longer than {LONGEST} bytes")]
    Long,
    #[error("it is absolute")]
    Absolute,
    #[error("it leaves the skill's folder")]
    Escapes,
    #[error("it holds an empty part or a `.`")]
    Crooked,
    #[error("it holds a character or an ending that not every system takes")]
    Unportable,
}

/// Checks a path from outside: relative, below the skill's folder on every system, written in one way only.
pub fn check(path: &str) -> Result<(), BadPath> {
    if path.is_empty() {
        return Err(BadPath::Empty);
    }
    if path.len() > LONGEST {
        return Err(BadPath::Long);
    }
    let bytes = path.as_bytes();
    let drive = bytes.len() > 1 && bytes[1] == b':' && bytes[0].is_ascii_alphabetic();
    if path.starts_with(['/', '\\', '~']) || drive {
        return Err(BadPath::Absolute);
    }
    // A backslash separates on one system and is a letter of the name on another.
    if path.split(['/', '\\']).any(|p| p.trim_end_matches([' ', '.']).is_empty() && p.starts_with("..")) {
        return Err(BadPath::Escapes);
    }
    if path.split('/').any(|p| p.is_empty() || p == ".") {
        return Err(BadPath::Crooked);
    }
    let unportable = |c: char| c.is_control() || matches!(c, '\\' | ':') || is_invisible(c);
    if path.contains(unportable) || path.split('/').any(|p| p.ends_with(['.', ' '])) {
        return Err(BadPath::Unportable);
    }
    Ok(())
}

/// Characters that show nothing, or show a text in another order than it has.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Folders below the skill's own.
pub fn depth(path: &str) -> usize {
    path.split('/').count().saturating_sub(1)
}

/// Folders of version control, and what other programs leave behind: never a part of a skill.
pub fn is_foreign(name: &str) -> bool {
    matches!(name, ".git" | ".hg" | ".svn" | ".jj" | ".bzr" | "CVS" | "__MACOSX" | ".DS_Store" | "Thumbs.db")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_paths_below_the_folder_are_taken() {
        for good in [
            "SKILL.md",
            "references/a.md",
            "a/b/c.d",
            ".hidden",
            "größe.md",
            "..a/b",
            "a..b",
            "~a".trim_start_matches('~'),
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("", BadPath::Empty),
            ("/etc/passwd", BadPath::Absolute),
            ("\\\\host\\share", BadPath::Absolute),
            ("~/x", BadPath::Absolute),
            ("C:/x", BadPath::Absolute),
            ("c:x", BadPath::Absolute),
            ("../x", BadPath::Escapes),
            ("a/../../x", BadPath::Escapes),
            ("a/..", BadPath::Escapes),
            ("a\\..\\..\\x", BadPath::Escapes),
            ("a/.. /x", BadPath::Escapes),
            ("a/.../x", BadPath::Escapes),
            ("a//b", BadPath::Crooked),
            ("a/", BadPath::Crooked),
            ("./a", BadPath::Crooked),
            ("a\\b", BadPath::Unportable),
            ("a\0b", BadPath::Unportable),
            ("a\nb", BadPath::Unportable),
            ("ab:stream", BadPath::Unportable),
            ("a./b", BadPath::Unportable),
            ("a ", BadPath::Unportable),
            ("a\u{202e}dm.exe", BadPath::Unportable),
        ] {
            assert_eq!(check(bad), Err(why), "{bad:?}");
        }
        assert_eq!(check(&"x".repeat(241)), Err(BadPath::Long));
    }

    proptest! {
        #[test]
        fn a_path_that_is_taken_stays_below_any_folder(path in "[a.~/\\\\: ]{0,12}") {
            if check(&path).is_ok() {
                let joined = std::path::Path::new("/root").join(&path);
                prop_assert!(joined.starts_with("/root"));
                prop_assert!(joined.components().all(|c| c != std::path::Component::ParentDir));
            }
        }
    }
}
