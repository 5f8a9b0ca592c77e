//! Hashes by which files and skills are recognised.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Sha256::digest(bytes);
    let mut out = String::with_capacity(64);
    for byte in digest {
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from(DIGITS[usize::from(nibble)]));
        }
    }
    out
}

/// The first ten digits: enough to tell names apart, not to prove anything.
pub fn short(text: &str) -> String {
    let mut out = sha256(text.as_bytes());
    out.truncate(10);
    out
}

/// The hash of a whole skill: over paths and hashes of its files, SKILL.md first, then by path.
///
/// The input of the hash is Paperclip's: a JSON list of `{"path", "sha256"}`.
pub fn content<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    #[derive(Serialize)]
    struct Entry<'a> {
        path: &'a str,
        sha256: &'a str,
    }
    let mut entries: Vec<Entry<'_>> =
        files.into_iter().map(|(path, sha256)| Entry { path, sha256 }).collect();
    entries.sort_by_key(|e| order(e.path));
    // Serialising strings into memory cannot fail.
    let json = serde_json::to_vec(&entries).unwrap_or_default();
    format!("sha256:{}", sha256(&json))
}

/// The order of a skill's files.
pub fn order(path: &str) -> (bool, &str) {
    (path != crate::inventory::ENTRYPOINT, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_what_every_other_tool_prints() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(short("abc"), "ba7816bf8f");
    }

    #[test]
    fn a_skills_hash_depends_on_paths_and_bytes_and_not_on_the_order_given() {
        let a = content([("a.md", "1"), ("SKILL.md", "2")]);
        let json = br#"[{"path":"SKILL.md","sha256":"2"},{"path":"a.md","sha256":"1"}]"#;
        assert_eq!(a, format!("sha256:{}", sha256(json)));
        assert_eq!(a, content([("SKILL.md", "2"), ("a.md", "1")]));
        assert_ne!(a, content([("SKILL.md", "2"), ("b.md", "1")]));
        assert_ne!(a, content([("SKILL.md", "2"), ("a.md", "3")]));
    }
}
