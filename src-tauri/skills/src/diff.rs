//! In what two states of a skill differ.

use std::collections::BTreeSet;
use std::time::Duration;

use contract::skill::{SkillDiffFile, SkillFileChange};
use similar::{ChangeTag, TextDiff};

use crate::bundle::{Bundle, File};

/// Larger texts are said to differ and not compared.
const LARGEST: usize = 256 << 10;
/// A comparison that takes longer gets coarser instead.
const LONGEST: Duration = Duration::from_millis(200);
/// Longest patch that is shown, in bytes.
const LONGEST_PATCH: usize = 128 << 10;

/// The files in which `after` differs from `before`, SKILL.md first, then by path.
pub fn between(before: &Bundle, after: &Bundle) -> Vec<SkillDiffFile> {
    let paths: BTreeSet<(bool, &str)> =
        before.files().iter().chain(after.files()).map(|f| crate::hash::order(&f.path)).collect();
    paths.into_iter().filter_map(|(_, path)| file(path, before.file(path), after.file(path))).collect()
}

fn file(path: &str, before: Option<&File>, after: Option<&File>) -> Option<SkillDiffFile> {
    let change = match (before, after) {
        (None, None) => return None,
        (None, Some(_)) => SkillFileChange::Added,
        (Some(_), None) => SkillFileChange::Removed,
        (Some(a), Some(b)) if a.sha256 == b.sha256 => return None,
        (Some(_), Some(_)) => SkillFileChange::Changed,
    };
    let mut out = SkillDiffFile {
        path: path.to_owned(),
        change,
        before_sha256: before.map(|f| f.sha256.clone()),
        after_sha256: after.map(|f| f.sha256.clone()),
        additions: 0,
        deletions: 0,
        patch: None,
    };
    if let (Some(a), Some(b)) = (text(before), text(after)) {
        let diff = TextDiff::configure().timeout(LONGEST).diff_lines(a, b);
        for change in diff.iter_all_changes() {
            match change.tag() {
                ChangeTag::Insert => out.additions += 1,
                ChangeTag::Delete => out.deletions += 1,
                ChangeTag::Equal => {}
            }
        }
        let patch = diff.unified_diff().context_radius(3).to_string();
        out.patch = (patch.len() <= LONGEST_PATCH).then_some(patch);
    }
    Some(out)
}

/// A file's text; empty for one that is not there. `None`: it cannot be compared by lines.
fn text(file: Option<&File>) -> Option<&str> {
    let Some(file) = file else { return Some("") };
    if file.bytes.len() > LARGEST || file.bytes.contains(&0) {
        return None;
    }
    std::str::from_utf8(&file.bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bundle::Limits;

    fn bundle(files: &[(&str, &[u8])]) -> Bundle {
        Bundle::new(files.iter().map(|(p, b)| ((*p).to_owned(), b.to_vec())), &Limits::SKILL).unwrap()
    }

    #[test]
    fn each_file_that_differs_is_told_with_hashes_and_lines() {
        let before = bundle(&[
            ("SKILL.md", b"a\nb\nc\n"),
            ("gone.md", b"x\ny\n"),
            ("same.md", b"s"),
            ("z.bin", b"\0a"),
        ]);
        let after = bundle(&[
            ("SKILL.md", b"a\nB\nc\nd\n"),
            ("new.md", b"n\n"),
            ("same.md", b"s"),
            ("z.bin", b"\0b"),
        ]);
        let diff = between(&before, &after);
        let told: Vec<_> =
            diff.iter().map(|d| (d.path.as_str(), d.change, d.additions, d.deletions)).collect();
        use SkillFileChange as C;
        assert_eq!(
            told,
            [
                ("SKILL.md", C::Changed, 2, 1),
                ("gone.md", C::Removed, 0, 2),
                ("new.md", C::Added, 1, 0),
                ("z.bin", C::Changed, 0, 0)
            ]
        );
        assert_eq!(diff[0].patch.as_deref(), Some("@@ -1,3 +1,4 @@\n a\n-b\n+B\n c\n+d\n"));
        assert_eq!(diff[0].before_sha256.as_deref(), Some(before.files()[0].sha256.as_str()));
        assert_eq!((diff[2].before_sha256.as_deref(), diff[1].after_sha256.as_deref()), (None, None));
        assert_eq!(diff[3].patch, None);
        assert_eq!(between(&after, &after), []);
    }

    proptest! {
        #[test]
        fn any_two_files_can_be_compared(a in proptest::collection::vec(any::<u8>(), 0..200), b in "[ab\n\r]{0,60}") {
            let (a, b) = (bundle(&[("SKILL.md", &a)]), bundle(&[("SKILL.md", b.as_bytes())]));
            prop_assert_eq!(between(&a, &b).is_empty(), a == b);
        }
    }
}
