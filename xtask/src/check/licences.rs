//! Every package's licence against those that a program under the MIT licence can be given away with.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{packages, text};

/// SPDX identifiers. MPL-2.0 asks only that changes to its own files stay open, and none are made here.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OFL-1.1",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
    "bzip2-1.0.6",
];

pub fn check(metadata: &Value) -> Vec<String> {
    packages(metadata).filter_map(|package| judge(text(package, "name"), package)).collect()
}

/// The packages of an npm lock file.
pub fn of_lock(path: &Path) -> Result<Vec<String>> {
    let lock = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lock: Value = serde_json::from_str(&lock).with_context(|| path.display().to_string())?;
    let packages = lock["packages"].as_object().context("a lock file lists packages")?;
    // The one without a path is the folder's own.
    Ok(packages.iter().filter(|(path, _)| !path.is_empty()).filter_map(|(path, p)| judge(path, p)).collect())
}

/// What is wrong with a package's licence.
fn judge(name: &str, package: &Value) -> Option<String> {
    let version = text(package, "version");
    match package["license"].as_str() {
        None => Some(format!("{name} {version} names no licence")),
        Some(expression) => match allowed(expression) {
            Some(true) => None,
            Some(false) => Some(format!("{name} {version} is under {expression}")),
            None => Some(format!("{name} {version}: `{expression}` is no SPDX expression")),
        },
    }
}

/// Whether an SPDX expression can be met with the allowed licences alone; `None` when it cannot be read.
fn allowed(expression: &str) -> Option<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words };
    let verdict = reader.any()?;
    reader.words.is_empty().then_some(verdict)
}

struct Reader<'a> {
    words: &'a [&'a str],
}

impl Reader<'_> {
    fn eat(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((first, rest)) if first.eq_ignore_ascii_case(word) => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> Option<bool> {
        let mut verdict = self.all()?;
        while self.eat("OR") {
            verdict |= self.all()?;
        }
        Some(verdict)
    }

    fn all(&mut self) -> Option<bool> {
        let mut verdict = self.one()?;
        while self.eat("AND") {
            verdict &= self.one()?;
        }
        Some(verdict)
    }

    fn one(&mut self) -> Option<bool> {
        if self.eat("(") {
            let verdict = self.any()?;
            return self.eat(")").then_some(verdict);
        }
        let (id, rest) = self.words.split_first()?;
        if ["OR", "AND", "WITH", ")"].contains(id) {
            return None;
        }
        self.words = rest;
        if self.eat("WITH") {
            let (exception, rest) = self.words.split_first()?;
            self.words = rest;
            return Some(ALLOWED.contains(&format!("{id} WITH {exception}").as_str()));
        }
        Some(ALLOWED.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn one_allowed_alternative_is_enough_and_every_conjunct_counts() {
        assert_eq!(allowed("MIT"), Some(true));
        assert_eq!(allowed("MIT/Apache-2.0"), Some(true));
        assert_eq!(allowed("GPL-3.0-only OR MIT"), Some(true));
        assert_eq!(allowed("GPL-3.0-only AND MIT"), Some(false));
        assert_eq!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"), Some(true));
        assert_eq!(allowed("MIT OR GPL-2.0 AND Zlib"), Some(true), "AND binds tighter");
        assert_eq!(allowed("Apache-2.0 WITH LLVM-exception OR AGPL-3.0"), Some(true));
        assert_eq!(allowed("GPL-2.0 WITH Classpath-exception-2.0"), Some(false));
    }

    #[test]
    fn what_is_no_expression_is_not_taken_for_one() {
        for broken in ["", "MIT OR", "(MIT", "MIT)", "AND MIT", "MIT Apache-2.0"] {
            assert_eq!(allowed(broken), None, "{broken:?}");
        }
    }
}
