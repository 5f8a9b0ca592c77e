//! Writing a skill into a folder of its own, named by its content: whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use contract::skill::SkillFileKind;

use crate::bundle::{Bundle, File, Limits};
use crate::tree;

/// What folders begin with while they are written or taken away.
const PARTIAL: &str = ".partial-";

/// Writes the skill below `root`, unless it is there. Answers its folder, `root/<hash>`.
///
/// A folder of that name in which something was changed is replaced: whoever asks for these bytes gets these bytes.
/// It is not forced onto the disk, since what a power failure leaves half written is recognised in the same way.
pub fn write_out(bundle: &Bundle, root: &Path) -> io::Result<PathBuf> {
    let hash = bundle.content_hash();
    let name = hash.strip_prefix("sha256:").unwrap_or(&hash);
    let dir = root.join(name);
    if holds(&dir, bundle) {
        return Ok(dir);
    }
    let partial = root.join(partial_name(name));
    let written = write_all(bundle, &partial).and_then(|()| put(&partial, &dir, bundle));
    if written.is_err() {
        // What is left of it is in nobody's way; the reason is what counts.
        let _ = fs::remove_dir_all(&partial);
    }
    written.map(|()| dir)
}

/// Whether a folder holds these files and no others.
pub fn holds(dir: &Path, bundle: &Bundle) -> bool {
    let Ok(entries) = tree::survey(dir, &Limits::SKILL) else { return false };
    entries.len() == bundle.files().len()
        && entries.iter().all(|e| {
            bundle
                .file(&e.path)
                .is_some_and(|f| matches!(&e.found, tree::Found::File(bytes) if *bytes == *f.bytes))
        })
}

/// Takes away what writers left behind that were killed. Nothing may be writing below `root` meanwhile.
pub fn sweep(root: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(root) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Puts the written folder into its place.
fn put(partial: &Path, dir: &Path, bundle: &Bundle) -> io::Result<()> {
    if fs::rename(partial, dir).is_ok() {
        return Ok(());
    }
    // Somebody else was quicker, or what stands there is not the skill.
    if holds(dir, bundle) {
        return fs::remove_dir_all(partial);
    }
    let old = dir.with_file_name(partial_name("old"));
    fs::rename(dir, &old)?;
    fs::rename(partial, dir)?;
    remove(&old)
}

fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

fn write_all(bundle: &Bundle, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    for file in bundle.files() {
        let at = dir.join(&file.path);
        if let Some(folder) = at.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&at, &file.bytes)?;
        permit(&at, file)?;
    }
    Ok(())
}

/// A script that names its interpreter can be started.
#[cfg(unix)]
fn permit(at: &Path, file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let starts = file.kind == SkillFileKind::Script && file.bytes.starts_with(b"#!");
    fs::set_permissions(at, fs::Permissions::from_mode(if starts { 0o755 } else { 0o644 }))
}

#[cfg(not(unix))]
fn permit(_: &Path, file: &File) -> io::Result<()> {
    let _ = file.kind == SkillFileKind::Script;
    Ok(())
}

/// A name that no other writer has, in this process or in another.
fn partial_name(name: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let name: String = name.chars().take(16).collect();
    format!("{PARTIAL}{}-{n}-{name}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(text: &str) -> Bundle {
        let files = [
            ("SKILL.md".to_owned(), b"---\nname: x\ndescription: y\n---\n".to_vec()),
            ("references/a.md".to_owned(), text.as_bytes().to_vec()),
            ("scripts/run.sh".to_owned(), b"#!/bin/sh\n".to_vec()),
        ];
        Bundle::new(files, &Limits::SKILL).unwrap()
    }

    fn names(root: &Path) -> Vec<String> {
        fs::read_dir(root).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_skill_lies_in_a_folder_named_by_its_content() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (bundle("a"), bundle("b"));
        let at = write_out(&a, root.path()).unwrap();
        assert!(a.content_hash().ends_with(at.file_name().unwrap().to_str().unwrap()));
        assert_eq!(tree::read(&at, tree::Scope::Folder, &Limits::SKILL).unwrap(), a);
        assert_eq!(write_out(&a, root.path()).unwrap(), at);
        assert_ne!(write_out(&b, root.path()).unwrap(), at);
        assert_eq!(names(root.path()).len(), 2);
    }

    #[test]
    fn what_was_changed_since_is_written_anew() {
        let root = tempfile::tempdir().unwrap();
        let a = bundle("a");
        let at = write_out(&a, root.path()).unwrap();
        let spoil: [fn(&Path); 4] = [
            |p| fs::write(p.join("references/a.md"), "other").unwrap(),
            |p| fs::write(p.join("more.md"), "").unwrap(),
            |p| fs::remove_file(p.join("SKILL.md")).unwrap(),
            |p| {
                fs::remove_dir_all(p).unwrap();
                fs::write(p, "a file").unwrap();
            },
        ];
        for spoil in spoil {
            spoil(&at);
            assert!(!holds(&at, &a));
            assert_eq!(write_out(&a, root.path()).unwrap(), at);
            assert!(holds(&at, &a));
            assert_eq!(names(root.path()).len(), 1);
        }
    }

    #[test]
    fn writers_of_one_skill_do_not_meet() {
        let root = tempfile::tempdir().unwrap();
        let a = bundle("a");
        std::thread::scope(|s| {
            for _ in 0..8 {
                s.spawn(|| assert!(holds(&write_out(&a, root.path()).unwrap(), &a)));
            }
        });
        assert_eq!(names(root.path()).len(), 1);
    }

    #[test]
    fn a_write_that_fails_leaves_nothing_and_remains_of_a_killed_one_are_swept() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(write_out(&bundle("a"), &file).is_err());

        let left = root.path().join(".partial-1-0-abc");
        fs::create_dir(&left).unwrap();
        sweep(root.path()).unwrap();
        assert!(!left.exists() && file.exists());
        sweep(&root.path().join("gone")).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_scripts_that_name_an_interpreter_can_be_started() {
        use std::os::unix::fs::PermissionsExt as _;

        let root = tempfile::tempdir().unwrap();
        let at = write_out(&bundle("a"), root.path()).unwrap();
        let mode = |p: &str| fs::metadata(at.join(p)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("scripts/run.sh"), mode("SKILL.md")), (0o755, 0o644));
    }
}
