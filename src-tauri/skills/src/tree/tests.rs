use super::*;
use crate::path::BadPath;

const SKILL: &str = "---\nname: x\ndescription: y\n---\n";

fn put(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let at = root.join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, text).unwrap();
    }
}

fn paths(bundle: &Bundle) -> Vec<&str> {
    bundle.files().iter().map(|f| f.path.as_str()).collect()
}

fn all(root: &Path) -> Vec<(String, Vec<String>)> {
    let found = read_tree(root, &SearchLimits::TREE, &Limits::SKILL).unwrap();
    found
        .into_iter()
        .map(|l| (l.path, paths(&l.bundle.unwrap()).into_iter().map(str::to_owned).collect()))
        .collect()
}

#[test]
fn every_folder_with_a_skill_is_found_with_the_files_that_are_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        ("README.md", "the project's"),
        ("SKILL.md", SKILL),
        ("references/a.md", ""),
        ("src/main.rs", ""),
        ("skills/one/SKILL.md", SKILL),
        ("skills/one/scripts/run.sh", ""),
        ("skills/one/.git/config", "secret"),
        ("skills/one/inner/SKILL.md", SKILL),
        ("skills/one/inner/b.md", ""),
        (".claude/skills/two/SKILL.md", SKILL),
        ("node_modules/p/SKILL.md", SKILL),
        (".git/SKILL.md", SKILL),
        ("skills/none/notes.md", ""),
        ("skills/lower/skill.md", SKILL),
    ];
    put(dir.path(), &files);
    let expected = [
        ("", vec!["SKILL.md", "references/a.md"]),
        (".claude/skills/two", vec!["SKILL.md"]),
        ("skills/one", vec!["SKILL.md", "scripts/run.sh"]),
        ("skills/one/inner", vec!["SKILL.md", "b.md"]),
    ];
    let expected: Vec<(String, Vec<String>)> = expected
        .into_iter()
        .map(|(p, f)| (p.to_owned(), f.into_iter().map(str::to_owned).collect()))
        .collect();
    assert_eq!(all(dir.path()), expected);

    // A tree in memory is split alike.
    let memory = files.iter().map(|(p, t)| ((*p).to_owned(), *t)).collect();
    let mut split: Vec<(String, Vec<String>)> = split(memory, &SearchLimits::TREE)
        .unwrap()
        .into_iter()
        .map(|part| (part.path, part.files.into_iter().map(|(p, _)| p).collect()))
        .collect();
    split.iter_mut().for_each(|(_, f)| f.sort_by(|a, b| crate::hash::order(a).cmp(&crate::hash::order(b))));
    assert_eq!(split, expected);
}

#[test]
fn a_lone_skill_at_the_root_is_all_of_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), &[("SKILL.md", SKILL), ("guide/a.md", ""), ("LICENSE", "")]);
    assert_eq!(all(dir.path())[0].1, ["SKILL.md", "LICENSE", "guide/a.md"]);
    let project = read(dir.path(), Scope::Project, &Limits::SKILL).unwrap();
    assert_eq!(paths(&project), ["SKILL.md"]);
}

#[test]
fn a_markdown_file_is_a_skill_and_another_file_is_none() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), &[("deploy.md", SKILL), ("x.txt", SKILL)]);
    assert_eq!(all(&dir.path().join("deploy.md")), [(String::new(), vec!["SKILL.md".to_owned()])]);
    for path in ["x.txt", "gone.md", "gone"] {
        let result = read_tree(&dir.path().join(path), &SearchLimits::TREE, &Limits::SKILL);
        assert!(matches!(result, Err(TreeError::NoSkill(_))), "{path}");
    }
}

#[test]
fn a_bad_skill_does_not_hold_up_the_others() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), &[("a/SKILL.md", SKILL), ("b/SKILL.md", SKILL), ("b/xx:y", "")]);
    let found = read_tree(dir.path(), &SearchLimits::TREE, &Limits::SKILL).unwrap();
    assert!(found[0].bundle.is_ok());
    let error = found[1].bundle.as_ref().err().unwrap();
    assert!(
        matches!(error, TreeError::Bundle(BundleError::Path { why: BadPath::Unportable, .. })),
        "{error}"
    );
}

#[test]
fn each_limit_holds() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), &[("a/SKILL.md", SKILL), ("a/b/c/d.md", "12345"), ("e/SKILL.md", SKILL)]);
    let read = |limits: Limits| read(&dir.path().join("a"), Scope::Folder, &limits).err();
    let limits = Limits::SKILL;
    assert!(read(limits).is_none());
    assert!(matches!(
        read(Limits { files: 1, ..limits }),
        Some(TreeError::Bundle(BundleError::ManyFiles(1)))
    ));
    assert!(matches!(read(Limits { depth: 1, ..limits }), Some(TreeError::Bundle(BundleError::Deep { .. }))));
    assert!(matches!(
        read(Limits { total_bytes: 34, ..limits }),
        Some(TreeError::Bundle(BundleError::Large(34)))
    ));
    assert!(matches!(
        read(Limits { file_bytes: 4, ..limits }),
        Some(TreeError::Bundle(BundleError::LargeFile { .. }))
    ));

    let find = |search: SearchLimits| discover(dir.path(), &search);
    let search = SearchLimits::TREE;
    assert!(matches!(find(SearchLimits { folders: 3, ..search }), Err(TreeError::ManyFolders(3))));
    assert!(matches!(find(SearchLimits { skills: 1, ..search }), Err(TreeError::ManySkills(1))));
    assert_eq!(find(SearchLimits { depth: 0, ..search }).unwrap(), []);
    let small = SearchLimits { total_bytes: 60, ..search };
    assert!(matches!(read_tree(dir.path(), &small, &limits), Err(TreeError::Large(60))));
}

#[cfg(unix)]
#[test]
fn links_within_the_skill_are_read_and_those_that_leave_it_refused() {
    use std::os::unix::fs::symlink;

    let dir = tempfile::tempdir().unwrap();
    put(
        dir.path(),
        &[("secret", "s3cret"), ("a/SKILL.md", SKILL), ("a/real.md", "text"), ("a/.git/config", "token")],
    );
    let skill = dir.path().join("a");
    symlink("real.md", skill.join("link.md")).unwrap();
    let b = read(&skill, Scope::Folder, &Limits::SKILL).unwrap();
    assert_eq!(&*b.file("link.md").unwrap().bytes, b"text");

    for target in ["../secret", "/etc/hostname", "gone", ".git/config", ".", "..", "link.md", "evil.md"] {
        let link = skill.join("evil.md");
        symlink(target, &link).unwrap();
        let result = read(&skill, Scope::Folder, &Limits::SKILL);
        let inside = target == "link.md";
        assert_eq!(result.is_ok(), inside, "{target}");
        if !inside {
            let error = result.err().unwrap();
            assert!(matches!(error, TreeError::Bundle(BundleError::Link(_))), "{target}: {error}");
        }
        // The audit is told of it, and nothing behind it is read.
        let entries = survey(&skill, &Limits::SKILL).unwrap();
        let evil = entries.iter().find(|e| e.path == "evil.md").unwrap();
        assert_eq!(evil.found, Found::Link(target.to_owned()));
        fs::remove_file(link).unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_became_a_link_meanwhile_gives_nothing_away() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), &[("outside/key", "s3cret"), ("a/SKILL.md", SKILL)]);
    std::os::unix::fs::symlink("../outside", dir.path().join("a/references")).unwrap();
    let root = dir.path().join("a").canonicalize().unwrap();
    // The walk saw a folder there, and opens this next.
    let found = content(&root.join("references/key"), Some(&root), &Limits::SKILL).unwrap();
    assert!(matches!(found, Found::Link(place) if place.ends_with("outside/key")));
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_leads_a_search_nowhere() {
    use std::os::unix::fs::symlink;

    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), &[("outside/SKILL.md", SKILL), ("tree/real/SKILL.md", SKILL)]);
    let tree = dir.path().join("tree");
    symlink("../outside", tree.join("out")).unwrap();
    symlink("real", tree.join("again")).unwrap();
    symlink(".", tree.join("loop")).unwrap();
    let found: Vec<String> =
        discover(&tree, &SearchLimits::TREE).unwrap().into_iter().map(|(p, _)| p).collect();
    assert_eq!(found, ["real"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_and_a_name_that_is_no_text_are_told_of_and_not_waited_for() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), &[("SKILL.md", SKILL)]);
    let pipe = dir.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert_eq!(content(&pipe, None, &Limits::SKILL).unwrap(), Found::Special);
    fs::write(dir.path().join(OsStr::from_bytes(b"\xff.md")), "").unwrap();
    let entries = survey(dir.path(), &Limits::SKILL).unwrap();
    let special = entries.iter().filter(|e| e.found == Found::Special).count();
    assert_eq!((entries.len(), special), (3, 2));
    let error = read(dir.path(), Scope::Folder, &Limits::SKILL).err().unwrap();
    assert!(matches!(error, TreeError::Bundle(BundleError::Special(_))));
}
