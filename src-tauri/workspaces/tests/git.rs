//! Worktrees and snapshots against the system's own git.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use workspaces::*;

/// A repository with a commit on `main`, and a place for worktrees.
struct Bench {
    dir: tempfile::TempDir,
    repo: PathBuf,
}

fn git(dir: &Path, args: &[&str]) -> String {
    let out = Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

impl Bench {
    fn new() -> Self {
        Self::named("repo")
    }

    fn named(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repo = dir.path().canonicalize().unwrap().join(name);
        std::fs::create_dir_all(&repo).unwrap();
        git(&repo, &["init", "-q"]);
        write(&repo.join("a.txt"), "one\ntwo\nthree\n");
        write(&repo.join("sub/b.txt"), "b\n");
        write(&repo.join(".gitignore"), "target/\n*.log\n");
        git(&repo, &["add", "-A"]);
        git(&repo, &["commit", "-qm", "first"]);
        Self { dir, repo }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join("worktrees/company").join(name)
    }

    fn trash(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join("worktrees/.trash")
    }

    fn make(&self, branch: &str) -> (PathBuf, Made) {
        let path = self.place(&folder_name(branch));
        let wanted = Wanted { repo: &self.repo, path: &path, branch, base: None };
        let made = create(&wanted).unwrap();
        (path, made)
    }

    fn remove(&self, path: &Path, name: &str) -> Removed {
        remove(&self.repo, path, name, KeepIgnored::No, &self.trash()).unwrap()
    }
}

/// All files of a folder but git's own, with their bytes and whether they may be executed.
fn files(root: &Path) -> BTreeMap<String, (Vec<u8>, bool)> {
    let mut out = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap().flatten() {
            let (path, meta) = (entry.path(), entry.path().symlink_metadata().unwrap());
            if entry.file_name() == ".git" {
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if meta.is_symlink() {
                out.insert(
                    name,
                    (std::fs::read_link(&path).unwrap().to_string_lossy().as_bytes().to_owned(), false),
                );
            } else if meta.is_dir() {
                open.push(path);
            } else {
                let runs = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o100 != 0;
                out.insert(name, (std::fs::read(&path).unwrap(), runs));
            }
        }
    }
    out
}

#[test]
fn a_worktree_is_made_once_and_found_again() {
    let b = Bench::named("a répo with späces 日本");
    let (path, made) = b.make("PAP-1-größer-日本");
    assert!(made.created && made.branch_created);
    assert_eq!((made.base.as_str(), made.branch.as_deref()), ("main", Some("PAP-1-größer-日本")));
    assert_eq!(made.base_commit, made.head);
    assert_eq!(files(&path), files(&b.repo));
    write(&path.join("new file ü.txt"), "n\n");
    let (_, again) = b.make("PAP-1-größer-日本");
    assert!(!again.created && !again.branch_created);
    assert!(path.join("new file ü.txt").exists(), "what was there stays");
    let read = status(&path, 10).unwrap();
    assert_eq!((read.total, read.untracked), (1, 1));
    assert_eq!(read.changes[0].path, "new file ü.txt");
    assert!(git(&b.repo, &["status", "--porcelain"]).is_empty(), "the repository itself is untouched");
}

#[test]
fn what_cannot_be_worked_with_is_refused_with_its_reason() {
    let b = Bench::new();
    let outside = b.dir.path().join("plain");
    std::fs::create_dir_all(&outside).unwrap();
    let path = b.place("x");
    let wanted = |repo: &Path, branch: &str, base: Option<&str>| {
        create(&Wanted { repo, path: &path, branch, base }).unwrap_err().reason()
    };
    assert_eq!(wanted(&b.dir.path().join("gone"), "x", None), Reason::FolderMissing);
    assert_eq!(wanted(&outside, "x", None), Reason::NotARepository);
    assert_eq!(wanted(&b.repo, "x", Some("release/9")), Reason::BaseMissing);
    assert_eq!(wanted(&b.repo, "a..b", None), Reason::BadBranch);
    assert_eq!(wanted(&b.repo, "--force", None), Reason::BadBranch);
    assert_eq!(wanted(&b.repo, "main", None), Reason::BranchInUse);
    let empty = b.dir.path().join("empty");
    std::fs::create_dir_all(&empty).unwrap();
    git(&empty, &["init", "-q"]);
    assert_eq!(wanted(&empty, "x", None), Reason::NoCommit);
    write(&path.join("precious"), "p");
    assert_eq!(wanted(&b.repo, "x", None), Reason::PathTaken);
    assert!(path.join("precious").exists());
    std::fs::remove_dir_all(&path).unwrap();

    // In the middle of a merge nobody can say what a branch would start from, unless somebody did.
    git(&b.repo, &["checkout", "-qb", "other"]);
    write(&b.repo.join("a.txt"), "other\n");
    git(&b.repo, &["commit", "-qam", "other"]);
    git(&b.repo, &["checkout", "-q", "main"]);
    write(&b.repo.join("a.txt"), "mine\n");
    git(&b.repo, &["commit", "-qam", "mine"]);
    let merge = Command::new("git").args(["merge", "-q", "other"]).current_dir(&b.repo).output().unwrap();
    assert!(!merge.status.success());
    assert_eq!(wanted(&b.repo, "x", None), Reason::RepositoryBusy);
    assert!(create(&Wanted { repo: &b.repo, path: &path, branch: "x", base: Some("main") }).is_ok());
}

#[test]
fn hooks_and_the_network_are_not_for_worktrees() {
    let b = Bench::new();
    let mark = b.dir.path().join("hook-ran");
    let hook = b.repo.join(".git/hooks/post-checkout");
    write(&hook, &format!("#!/bin/sh\ntouch '{}'\n", mark.display()));
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    git(&b.repo, &["remote", "add", "origin", "https://example.invalid/x.git"]);
    let (path, _) = b.make("x");
    assert!(path.exists() && !mark.exists());
    let missing =
        create(&Wanted { repo: &b.repo, path: &b.place("y"), branch: "y", base: Some("origin/main") });
    assert_eq!(missing.unwrap_err().reason(), Reason::BaseMissing, "what is not here is not fetched");
}

#[test]
fn another_branch_is_taken_over_when_nothing_is_unsaved_or_it_was_only_renamed() {
    let b = Bench::new();
    let (path, _) = b.make("x");
    git(&path, &["checkout", "-qb", "mine"]);
    assert_eq!(b.make("x").1.branch.as_deref(), Some("mine"), "clean: as it is");
    write(&path.join("a.txt"), "unsaved\n");
    let dirty = create(&Wanted { repo: &b.repo, path: &path, branch: "x", base: None }).unwrap_err();
    assert_eq!(dirty.reason(), Reason::WorktreeDirty, "{dirty}");
    git(&b.repo, &["branch", "-D", "x"]);
    assert_eq!(b.make("x").1.branch.as_deref(), Some("mine"), "there is no x any more");
    git(&path, &["checkout", "-q", "--detach"]);
    git(&b.repo, &["branch", "x"]);
    let detached = create(&Wanted { repo: &b.repo, path: &path, branch: "x", base: None }).unwrap_err();
    assert!(detached.to_string().contains("on no branch"), "{detached}");
    git(&path, &["checkout", "-q", "--", "a.txt"]);
    let made = b.make("x").1;
    assert_eq!((made.created, made.branch), (false, None));
    assert_eq!(status(&path, 1).unwrap().state, State::Detached);
}

#[test]
fn a_base_that_is_renamed_later_stops_nobody_who_is_at_work() {
    let b = Bench::new();
    let (path, made) = b.make("x");
    write(&path.join("c"), "c");
    git(&path, &["add", "-A"]);
    git(&path, &["commit", "-qm", "c"]);
    write(&b.repo.join("d"), "d");
    git(&b.repo, &["add", "-A"]);
    git(&b.repo, &["commit", "-qm", "d"]);
    let apart = drift(&path, "main").unwrap().unwrap();
    assert_eq!((apart.ahead, apart.behind), (1, 1));
    assert_eq!(apart.merge_base.as_deref(), Some(made.base_commit.as_str()));
    git(&b.repo, &["branch", "-m", "main", "trunk"]);
    assert_eq!(drift(&path, "main").unwrap(), None);
    let again = create(&Wanted { repo: &b.repo, path: &path, branch: "x", base: Some("main") }).unwrap();
    assert!(!again.created && again.base_commit.is_empty());
    // The commit that it started from is still known.
    assert_eq!(drift(&path, &made.base_commit).unwrap().unwrap().ahead, 1);
}

#[test]
fn a_folder_that_somebody_deleted_is_made_anew_on_its_branch() {
    let b = Bench::new();
    let (path, _) = b.make("x");
    write(&path.join("c"), "c");
    git(&path, &["add", "-A"]);
    git(&path, &["commit", "-qm", "c"]);
    std::fs::remove_dir_all(&path).unwrap();
    let (_, again) = b.make("x");
    assert!(again.created && !again.branch_created && path.join("c").exists());
    let (other, _) = b.make("y");
    std::fs::remove_dir_all(&other).unwrap();
    assert_eq!(b.remove(&other, "y"), Removed::default());
    assert_eq!(list(&b.repo).unwrap().len(), 2, "the record is gone, that of x is not");
}

#[test]
fn a_locked_worktree_is_worked_in_and_never_taken_away() {
    let b = Bench::new();
    let (path, _) = b.make("x");
    git(&b.repo, &["worktree", "lock", "--reason", "on a stick", path.to_str().unwrap()]);
    assert!(!b.make("x").1.created);
    let refused = remove(&b.repo, &path, "x", KeepIgnored::No, &b.trash()).unwrap_err();
    assert_eq!(refused.reason(), Reason::WorktreeLocked);
    assert!(refused.to_string().contains("on a stick") && path.join("a.txt").exists());
    std::fs::remove_dir_all(&path).unwrap();
    assert_eq!(prune_entry(&b.repo, &path).unwrap_err().reason(), Reason::WorktreeLocked);
}

/// A worktree with something of every kind that can be lost.
fn messy(b: &Bench, branch: &str) -> PathBuf {
    let (path, _) = b.make(branch);
    write(&path.join("committed"), "c\n");
    git(&path, &["add", "-A"]);
    git(&path, &["commit", "-qm", "work"]);
    write(&path.join("a.txt"), "staged\n");
    git(&path, &["add", "a.txt"]);
    write(&path.join("a.txt"), "and changed again\n");
    std::fs::remove_file(path.join("sub/b.txt")).unwrap();
    write(&path.join("new/deep/ü n.txt"), "untracked\n");
    write(&path.join("run.sh"), "#!/bin/sh\n");
    std::fs::set_permissions(path.join("run.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    std::os::unix::fs::symlink("a.txt", path.join("link")).unwrap();
    std::fs::write(path.join("binary"), [0, 159, 146, 150, 255]).unwrap();
    write(&path.join("target/debug/out"), "made\n");
    write(&path.join("x.log"), "log\n");
    path
}

#[test]
fn a_snapshot_holds_everything_and_touches_nothing() {
    let b = Bench::new();
    let path = messy(&b, "x");
    let index = PathBuf::from(git(&path, &["rev-parse", "--path-format=absolute", "--git-path", "index"]));
    let (before, index_before) = (files(&path), std::fs::read(&index).unwrap());
    let status_before = git(&path, &["-c", "core.fileMode=true", "status", "--porcelain=v2"]);
    let kept = snapshot(&path, "w1/1", KeepIgnored::No).unwrap();
    assert!(kept.unsaved && kept.nested.is_empty());
    assert_eq!(kept.reference, "refs/paperclip/snapshots/w1/1");
    assert_eq!((kept.ignored, kept.ignored_total), (vec!["target/".to_owned(), "x.log".to_owned()], 2));
    assert_eq!(files(&path), before);
    assert_eq!(std::fs::read(&index).unwrap(), index_before);
    assert_eq!(git(&path, &["status", "--porcelain=v2"]), status_before);
    assert!(!git(&b.repo, &["branch", "--all"]).contains("paperclip"), "it is no branch");
    let left: Vec<_> = std::fs::read_dir(index.parent().unwrap()).unwrap().flatten().collect();
    assert!(left.iter().all(|e| !e.file_name().to_string_lossy().starts_with("paperclip-index")));
    let shown = git(&b.repo, &["show", &format!("{}:new/deep/ü n.txt", kept.commit)]);
    assert_eq!(shown, "untracked");
    let staged = git(&b.repo, &["show", &format!("{}^2:a.txt", kept.commit)]);
    assert_eq!(staged, "staged", "what was staged and overwritten is kept as well");
    let all = snapshot(&path, "w1/2", KeepIgnored::Yes).unwrap();
    assert_eq!(git(&b.repo, &["show", &format!("{}:target/debug/out", all.commit)]), "made");
    assert!(!snapshot(&b.make("clean").0, "w2/1", KeepIgnored::No).unwrap().unsaved);
}

#[test]
fn what_is_taken_away_comes_back_byte_for_byte() {
    let b = Bench::new();
    let path = messy(&b, "x");
    let mut before = files(&path);
    before.retain(|name, _| !name.starts_with("target/") && name != "x.log");
    let status_before = git(&path, &["status", "--porcelain"]);
    let gone = b.remove(&path, "w1/1");
    let kept = gone.snapshot.unwrap();
    assert!(!path.exists() && gone.aside.is_none());
    assert_eq!(list(&b.repo).unwrap().len(), 1, "the repository knows of no worktree any more");
    git(&b.repo, &["gc", "-q", "--prune=now"]);
    let made = restore(&b.repo, &kept.reference, &path, "x").unwrap();
    assert_eq!(made.branch.as_deref(), Some("x"));
    assert_eq!(files(&path), before);
    assert_eq!(git(&path, &["status", "--porcelain"]), status_before);
    assert!(forget_snapshot(&b.repo, &kept.reference).unwrap());
    assert!(!forget_snapshot(&b.repo, &kept.reference).unwrap());
    assert!(forget_snapshot(&b.repo, "refs/heads/main").is_err(), "nothing but snapshots");
    let again = restore(&b.repo, &kept.reference, &b.place("z"), "z").unwrap_err();
    assert_eq!(again.reason(), Reason::SnapshotMissing);
}

#[test]
fn a_branch_that_has_moved_on_is_left_alone_by_what_comes_back() {
    let b = Bench::new();
    let path = messy(&b, "x");
    let before = files(&path);
    let kept = b.remove(&path, "w1/1").snapshot.unwrap();
    let (_, other) = b.make("x");
    assert!(!other.branch_created);
    write(&path.join("later"), "l");
    git(&path, &["add", "-A"]);
    git(&path, &["commit", "-qm", "later"]);
    let back = b.place("back");
    let made = restore(&b.repo, &kept.reference, &back, "x").unwrap();
    assert_eq!(made.branch.as_deref(), Some("x-restored"));
    assert_eq!(files(&back)["a.txt"], before["a.txt"]);
    assert!(path.join("later").exists() && !back.join("later").exists());
    // A detached state comes back on a branch.
    let (loose, _) = b.make("loose");
    git(&loose, &["checkout", "-q", "--detach"]);
    write(&loose.join("d"), "d");
    git(&loose, &["add", "-A"]);
    git(&loose, &["commit", "-qm", "on no branch"]);
    let kept = b.remove(&loose, "w2/1").snapshot.unwrap();
    assert_eq!(kept.branch, None);
    let made = restore(&b.repo, &kept.reference, &loose, "loose-head").unwrap();
    assert!(loose.join("d").exists() && made.branch.as_deref() == Some("loose-head"));
}

#[test]
fn repositories_within_a_worktree_are_kept_as_folders() {
    let b = Bench::new();
    let (path, _) = b.make("x");
    let inner = path.join("vendor/inner");
    std::fs::create_dir_all(&inner).unwrap();
    git(&inner, &["init", "-q"]);
    write(&inner.join("only here"), "precious");
    write(&path.join("new"), "n");
    let gone = b.remove(&path, "w1/1");
    assert_eq!(gone.snapshot.unwrap().nested, ["vendor/inner/"]);
    let place = gone.aside.unwrap();
    assert!(place.starts_with(b.trash()) && !path.exists());
    assert_eq!(list(&b.repo).unwrap().len(), 1);
    put_folder_back(&place, &path).unwrap();
    assert_eq!(std::fs::read_to_string(path.join("vendor/inner/only here")).unwrap(), "precious");
    assert_eq!(put_folder_back(&place, &path).unwrap_err().reason(), Reason::FolderMissing);
    purge_folder(&place).unwrap();
}

#[test]
fn the_repository_itself_and_strangers_folders_are_never_taken_away() {
    let b = Bench::new();
    let refused = |path: &Path| remove(&b.repo, path, "n", KeepIgnored::No, &b.trash()).unwrap_err().reason();
    assert_eq!(refused(&b.repo), Reason::PathTaken);
    let stranger = b.place("stranger");
    write(&stranger.join("f"), "f");
    assert_eq!(refused(&stranger), Reason::PathTaken);
    assert!(stranger.join("f").exists() && b.repo.join("a.txt").exists());
}

#[test]
fn a_removal_that_was_interrupted_is_finished_or_taken_back() {
    let b = Bench::new();
    for finish in [true, false] {
        let branch = if finish { "x" } else { "y" };
        let path = messy(&b, branch);
        let before = files(&path);
        // As a program leaves it that is killed before the snapshot was made.
        let aside = path.with_file_name(format!("{branch}.going"));
        std::fs::rename(&path, &aside).unwrap();
        let root = b.dir.path().canonicalize().unwrap().join("worktrees");
        let found = survey(&root, std::slice::from_ref(&path));
        assert_eq!((found.interrupted, found.orphans, found.missing), (vec![path.clone()], vec![], vec![]));
        if finish {
            let kept = b.remove(&path, "w/1").snapshot.unwrap();
            assert!(kept.unsaved && !aside.exists() && !path.exists());
            restore(&b.repo, &kept.reference, &path, branch).unwrap();
            assert_eq!(files(&path)["a.txt"], before["a.txt"]);
            b.remove(&path, "w/2");
        } else {
            let made = b.make(branch).1;
            assert!(!made.created && !aside.exists());
            assert_eq!(files(&path), before);
            assert!(git(&path, &["status", "--porcelain"]).contains("run.sh"));
        }
    }
}

#[test]
fn what_is_kept_is_never_kept_again_with_half_of_its_files() {
    let b = Bench::new();
    let path = messy(&b, "x");
    let before = files(&path);
    let kept = snapshot(&path, "w/1", KeepIgnored::No).unwrap();
    // As a program leaves it that is killed while it deletes.
    let rest = path.with_file_name("x.gone");
    std::fs::rename(&path, &rest).unwrap();
    std::fs::remove_file(rest.join("a.txt")).unwrap();
    let root = b.dir.path().canonicalize().unwrap().join("worktrees");
    let found = survey(&root, std::slice::from_ref(&path));
    assert_eq!((found.leftovers, found.orphans), (vec![rest.clone()], vec![]));
    assert_eq!(b.remove(&path, "w/1"), Removed::default());
    assert!(!rest.exists() && has_snapshot(&b.repo, &kept.reference).unwrap());
    restore(&b.repo, &kept.reference, &path, "x").unwrap();
    assert_eq!(files(&path)["a.txt"], before["a.txt"]);
    assert_eq!(main_repository(&path), Some(b.repo.clone()));
    assert_eq!(main_repository(&b.repo), None);
}

#[test]
fn a_snapshot_that_fails_takes_nothing_away() {
    let b = Bench::new();
    let path = messy(&b, "x");
    let before = files(&path);
    // A name under an existing ref cannot become a folder of refs.
    snapshot(&path, "w1", KeepIgnored::No).unwrap();
    assert!(remove(&b.repo, &path, "w1/1", KeepIgnored::No, &b.trash()).is_err());
    assert_eq!(files(&path), before);
    assert!(!b.make("x").1.created, "and it is the worktree that it was");
}

#[test]
fn a_creation_that_was_killed_is_done_again() {
    let b = Bench::new();
    let slow = b.dir.path().join("slow");
    write(&slow, "");
    write(&b.repo.join(".gitattributes"), "*.slow filter=slow\n");
    for n in 0..3 {
        write(&b.repo.join(format!("{n}.slow")), "content\n");
    }
    git(&b.repo, &["add", "-A"]);
    git(&b.repo, &["commit", "-qm", "slow files"]);
    let smudge = format!("test -e '{}' && sleep 20; cat", slow.display());
    git(&b.repo, &["config", "filter.slow.smudge", &smudge]);
    let path = b.place("x");
    let mut command = Command::new("git");
    command.args(["worktree", "add", "-q", "--no-track", "-b", "x"]).arg(&path).arg("main");
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.current_dir(&b.repo).spawn().unwrap();
    let began = Instant::now();
    while !path.join(".gitattributes").exists() && began.elapsed() < Duration::from_secs(15) {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(200));
    let group = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
    child.wait().unwrap();
    std::fs::remove_file(&slow).unwrap();
    assert!(!path.join("2.slow").exists(), "it was in the middle");

    let (_, made) = b.make("x");
    assert!(made.created && !made.branch_created);
    assert_eq!(std::fs::read_to_string(path.join("2.slow")).unwrap(), "content\n");
    assert!(git(&path, &["status", "--porcelain"]).is_empty());
    assert!(list(&b.repo).unwrap().iter().all(|e| e.locked.is_none()));
}

#[test]
fn a_survey_tells_orphans_and_missing_ones() {
    let b = Bench::new();
    let (known, _) = b.make("known");
    let (orphan, _) = b.make("orphan");
    let (lost, _) = b.make("lost");
    std::fs::remove_dir_all(&lost).unwrap();
    write(&b.trash().join("kept/f"), "f");
    let root = b.dir.path().canonicalize().unwrap().join("worktrees");
    let away = PathBuf::from("/no/such/disk/worktree");
    let found = survey(&root, &[known, lost.clone(), away]);
    assert_eq!((found.orphans, found.missing), (vec![orphan], vec![lost]), "a disk that is away is no loss");
}

#[test]
fn a_difference_shows_commits_changes_and_new_files_within_its_bounds() {
    let b = Bench::new();
    let path = messy(&b, "x");
    std::fs::write(path.join("huge"), "line\n".repeat(100_000)).unwrap();
    write(&b.repo.join("elsewhere"), "not ours\n");
    git(&b.repo, &["add", "-A"]);
    git(&b.repo, &["commit", "-qm", "the base moves on"]);
    let all = diff(&path, Some("main"), None, 100, 0).unwrap();
    let of = |name: &str| all.files.iter().find(|f| f.path == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(all.total, all.files.len());
    assert!(all.files.iter().all(|f| f.patch.is_empty() && f.path != "elsewhere"));
    assert_eq!((of("a.txt").additions, of("a.txt").deletions), (1, 3));
    assert_eq!(of("committed").kind, ChangeKind::Added);
    assert_eq!(of("sub/b.txt").kind, ChangeKind::Deleted);
    assert_eq!(of("new/deep/ü n.txt").kind, ChangeKind::Untracked);
    assert!(of("binary").binary);
    assert!(!all.files.iter().any(|f| f.path.starts_with("target")));
    let one = diff(&path, Some("main"), Some("a.txt"), 1, 10_000).unwrap();
    assert_eq!(one.files[0].patch, "@@ -1,3 +1 @@\n-one\n-two\n-three\n+and changed again\n");
    let cut = diff(&path, Some("main"), Some("huge"), 1, 1000).unwrap();
    assert!(cut.files[0].cut && cut.files[0].patch.len() <= 1000 && cut.files[0].additions == 100_000);
    let few = diff(&path, Some("main"), None, 2, 0).unwrap();
    assert_eq!((few.files.len(), few.total), (2, all.total));
    assert!(
        diff(&path, Some("no-such-base"), None, 10, 0).unwrap().total > 0,
        "then against what is committed"
    );
}

#[test]
fn a_branch_is_deleted_only_where_it_is_expected_and_unused() {
    let b = Bench::new();
    let (path, made) = b.make("x");
    assert!(!delete_branch(&b.repo, "x", &made.head).unwrap(), "it is checked out");
    b.remove(&path, "w/1");
    let elsewhere = git(&b.repo, &["rev-parse", "HEAD^{tree}"]);
    assert!(!delete_branch(&b.repo, "x", &elsewhere).unwrap(), "it has moved");
    assert!(delete_branch(&b.repo, "x", &made.head).unwrap());
    assert!(!git(&b.repo, &["branch"]).contains('x'));
}
