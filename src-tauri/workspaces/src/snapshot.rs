//! The whole state of a worktree as a commit on a hidden ref.
//!
//! The tree holds what lies in the folder, untracked files included. The first parent is what was checked out; the
//! second, when the index differs from both, is a commit of the index. Nobody's index, branch or file is touched.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{GitError, Result};
use crate::git::{Git, SLOW, path_of};
use crate::worktree::{Made, Wanted, create, list};

/// Where snapshots are kept. Git neither shows nor sends such refs unless it is asked for them.
pub const SNAPSHOTS: &str = "refs/paperclip/snapshots/";
/// Ignored paths that are named.
const MOST_NAMED: usize = 200;

/// What becomes of files that git is told to ignore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepIgnored {
    /// They are named in the snapshot's answer and left out of it.
    No,
    /// They are kept like all others.
    Yes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub reference: String,
    pub commit: String,
    /// What was checked out.
    pub head: String,
    pub branch: Option<String>,
    /// The folder held something that no commit of the branch has.
    pub unsaved: bool,
    /// The first of the ignored paths that were left out; a folder ends with a slash.
    pub ignored: Vec<String>,
    pub ignored_total: usize,
    /// Repositories within the folder, whose files no commit of this one can hold.
    pub nested: Vec<String>,
}

/// A temporary index beside the real one, gone when dropped.
struct TempIndex(PathBuf);

impl TempIndex {
    fn copy_of(worktree: &Path) -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let args = ["rev-parse", "--path-format=absolute", "--git-path", "index"];
        let index = PathBuf::from(Git::at(worktree).args(args).line()?);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let temp = index.with_file_name(format!("paperclip-index-{}-{number}", std::process::id()));
        if index.exists() {
            std::fs::copy(&index, &temp).map_err(GitError::io(&temp))?;
        }
        Ok(Self(temp))
    }
}

impl Drop for TempIndex {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_file(self.0.with_extension("lock"));
    }
}

/// Keeps the state of a worktree under [`SNAPSHOTS`]`name`. The same name again replaces the snapshot.
pub fn snapshot(worktree: &Path, name: &str, keep: KeepIgnored) -> Result<Snapshot> {
    let reference = format!("{SNAPSHOTS}{name}");
    let index = TempIndex::copy_of(worktree)?;
    let git = || Git::at(worktree).within(SLOW).env("GIT_INDEX_FILE", &index.0);
    let (there, head, _) = git().args(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).ask()?;
    if !there {
        return Err(GitError::NoCommit(worktree.to_owned()));
    }
    let head = String::from_utf8_lossy(&head).trim().to_owned();
    let head_tree = git().args(["rev-parse", "HEAD^{tree}"]).line()?;
    // Refused while there are conflicts: then the index has no tree, and all sides of it are commits already.
    let (staged, tree, _) = git().arg("write-tree").ask()?;
    let staged = staged.then(|| String::from_utf8_lossy(&tree).trim().to_owned());
    let nested = nested(&git, worktree, keep)?;
    let mut add = vec!["add".to_owned(), "--all".to_owned()];
    if keep == KeepIgnored::Yes {
        add.push("--force".to_owned());
    }
    add.extend(["--".to_owned(), ".".to_owned()]);
    add.extend(nested.iter().map(|path| format!(":(exclude,literal){}", path.trim_end_matches('/'))));
    git().args(&add).run()?;
    let tree = git().arg("write-tree").line()?;
    let index_commit = match &staged {
        Some(t) if *t != head_tree && *t != tree => {
            Some(commit(worktree, t, std::slice::from_ref(&head), "index")?)
        }
        _ => None,
    };
    let unsaved = tree != head_tree || staged.as_ref().is_some_and(|t| *t != head_tree) || staged.is_none();
    let mut parents = vec![head.clone()];
    parents.extend(index_commit);
    let commit = commit(worktree, &tree, &parents, &format!("Paperclip: snapshot {name}"))?;
    Git::at(worktree).args(["update-ref", reference.as_str(), commit.as_str()]).run()?;
    let (on_branch, branch, _) =
        Git::at(worktree).args(["symbolic-ref", "--quiet", "--short", "HEAD"]).ask()?;
    let branch = on_branch.then(|| String::from_utf8_lossy(&branch).trim().to_owned());
    let (ignored, ignored_total) =
        if keep == KeepIgnored::Yes { (Vec::new(), 0) } else { ignored(worktree)? };
    Ok(Snapshot { reference, commit, head, branch, unsaved, ignored, ignored_total, nested })
}

fn commit(worktree: &Path, tree: &str, parents: &[String], message: &str) -> Result<String> {
    let mut git = Git::at(worktree).args(["commit-tree", tree, "-m", message]);
    for parent in parents {
        git = git.args(["-p", parent.as_str()]);
    }
    for (name, value) in [
        ("GIT_AUTHOR_NAME", "Paperclip"),
        ("GIT_AUTHOR_EMAIL", "paperclip@localhost"),
        ("GIT_COMMITTER_NAME", "Paperclip"),
        ("GIT_COMMITTER_EMAIL", "paperclip@localhost"),
    ] {
        git = git.env(name, value);
    }
    git.line()
}

/// Repositories within the folder: untracked ones, and submodules that are checked out.
fn nested(git: &impl Fn() -> Git, worktree: &Path, keep: KeepIgnored) -> Result<Vec<String>> {
    let mut args = vec!["ls-files", "--others", "-z"];
    if keep == KeepIgnored::No {
        args.push("--exclude-standard");
    }
    let others = git().args(&args).run()?;
    // Git looks into every folder but those that are repositories of their own.
    let mut out: Vec<String> = names(&others).filter(|n| n.ends_with('/')).collect();
    let staged = git().args(["ls-files", "--stage", "-z"]).run()?;
    for line in names(&staged).filter(|l| l.starts_with("160000 ")) {
        if let Some((_, path)) = line.split_once('\t')
            && worktree.join(path).join(".git").exists()
        {
            out.push(path.to_owned());
        }
    }
    Ok(out)
}

fn ignored(worktree: &Path) -> Result<(Vec<String>, usize)> {
    let args = ["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"];
    let out = Git::at(worktree).args(args).run()?;
    Ok((names(&out).take(MOST_NAMED).collect(), names(&out).count()))
}

fn names(out: &[u8]) -> impl Iterator<Item = String> + '_ {
    let fields = out.split(|b| *b == 0).filter(|f| !f.is_empty());
    fields.map(|f| path_of(f).to_string_lossy().into_owned())
}

/// Brings a snapshot back as a worktree at `path`, with what was uncommitted uncommitted again.
///
/// The branch is the one that it was on if that is free and has not moved, else a new one beside it.
pub fn restore(repo: &Path, reference: &str, path: &Path, branch: &str) -> Result<Made> {
    let resolve = |spec: String| -> Result<Option<String>> {
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", spec.as_str()];
        let (ok, out, _) = Git::at(repo).args(args).ask()?;
        Ok(ok.then(|| String::from_utf8_lossy(&out).trim().to_owned()))
    };
    let missing = || GitError::SnapshotMissing(reference.to_owned());
    let commit = resolve(format!("{reference}^{{commit}}"))?.ok_or_else(missing)?;
    let head = resolve(format!("{commit}^1"))?.ok_or_else(missing)?;
    let index = resolve(format!("{commit}^2"))?;
    let free = free_branch(repo, branch, &head)?;
    let wanted = Wanted { repo, path, branch: &free, base: Some(&head) };
    let made = create(&wanted)?;
    let git = || Git::at(path).within(SLOW);
    git().args(["read-tree", "--reset", "-u", commit.as_str()]).run()?;
    git().args(["read-tree", index.as_deref().unwrap_or("HEAD")]).run()?;
    // Answers no as soon as something differs, which is what is wanted here.
    git().args(["update-index", "-q", "--refresh"]).ask()?;
    Ok(made)
}

/// A branch that `restore` may check out: the wanted one where it is free and stands at `head`, or one to be made.
fn free_branch(repo: &Path, wanted: &str, head: &str) -> Result<String> {
    let all = list(repo)?;
    for n in 0..100 {
        let name = match n {
            0 => wanted.to_owned(),
            1 => format!("{wanted}-restored"),
            n => format!("{wanted}-restored-{n}"),
        };
        let spec = format!("refs/heads/{name}^{{commit}}");
        let (there, at, _) = Git::at(repo).args(["rev-parse", "--verify", "--quiet", spec.as_str()]).ask()?;
        let stands = !there || String::from_utf8_lossy(&at).trim() == head;
        if stands && !all.iter().any(|e| e.branch.as_deref() == Some(name.as_str())) {
            return Ok(name);
        }
    }
    Err(GitError::BadBranch(wanted.to_owned()))
}

/// Gives up a snapshot for good. Answers whether it was there.
pub fn forget_snapshot(repo: &Path, reference: &str) -> Result<bool> {
    if !reference.starts_with(SNAPSHOTS) {
        return Err(GitError::SnapshotMissing(reference.to_owned()));
    }
    let there = Git::at(repo).args(["show-ref", "--verify", "--quiet", reference]).ask()?.0;
    if there {
        Git::at(repo).args(["update-ref", "-d", reference]).run()?;
    }
    Ok(there)
}
