use std::io::Write as _;

use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

const SKILL: &[u8] = b"---\nname: x\ndescription: y\n---\n";

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        writer.start_file(*path, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn read(bytes: &[u8]) -> Result<Vec<Packed>, ArchiveError> {
    read_zip(bytes, &SearchLimits::TREE, &Limits::SKILL)
}

fn only(bytes: &[u8]) -> Result<Bundle, BundleError> {
    let mut found = read(bytes).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0).bundle
}

#[test]
fn all_skills_of_an_archive_are_read_and_equal_those_of_a_folder() {
    let files: [(&str, &[u8]); 5] = [
        ("repo-main/README.md", b"not a skill's"),
        ("repo-main/skills/a/SKILL.md", SKILL),
        ("repo-main/skills/a/references/r.md", b"text"),
        ("repo-main/skills/b/SKILL.md", SKILL),
        ("__MACOSX/repo-main/skills/a/SKILL.md", SKILL),
    ];
    let found = read(&zip(&files)).unwrap();
    let paths: Vec<&str> = found.iter().map(|p| p.path.as_str()).collect();
    assert_eq!(paths, ["repo-main/skills/a", "repo-main/skills/b"]);
    let from_files = Bundle::new(
        [("SKILL.md".to_owned(), SKILL), ("references/r.md".to_owned(), b"text".as_slice())],
        &Limits::SKILL,
    );
    assert_eq!(found[0].bundle, from_files);
    assert!(read(&zip(&[("x.md", b"")])).unwrap().is_empty());
}

/// Replaces a name by another of the same length, in both directories of the archive.
fn renamed(mut bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(from.len()).position(|w| w == from.as_bytes()) {
        at += found;
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

#[test]
fn a_name_that_leaves_the_archive_refuses_all_of_it() {
    let good = zip(&[("SKILL.md", SKILL), ("aaaaaaaaaa.md", b"x")]);
    for (evil, why) in [
        ("../../../xx.m", BadPath::Escapes),
        ("a/../../aa.md", BadPath::Escapes),
        ("..\\..\\..\\xx.m", BadPath::Escapes),
        ("/etc/passwd.m", BadPath::Absolute),
        ("C:/windows/xx", BadPath::Absolute),
        ("aaaa//aaaa.md", BadPath::Crooked),
    ] {
        let bytes = renamed(good.clone(), "aaaaaaaaaa.md", evil);
        match read(&bytes) {
            Err(ArchiveError::Path { why: got, .. }) => assert_eq!(got, why, "{evil:?}"),
            Err(ArchiveError::Broken(_)) => {}
            other => panic!("{evil:?}: {other:?}"),
        }
    }
    let colon = only(&renamed(good, "aaaaaaaaaa.md", "aaaaa:aaaa.md"));
    assert!(matches!(colon, Err(BundleError::Path { why: BadPath::Unportable, .. })));
}

#[test]
fn a_name_that_comes_twice_is_refused_in_either_spelling() {
    let good = zip(&[("SKILL.md", SKILL), ("a.md", b"x"), ("b.md", b"y")]);
    assert!(matches!(read(&renamed(good.clone(), "b.md", "a.md")), Err(ArchiveError::Broken(_))));
    assert!(matches!(only(&renamed(good, "b.md", "A.md")), Err(BundleError::Clash { .. })));
}

#[test]
fn links_and_devices_within_a_skill_are_refused_and_elsewhere_passed_over() {
    let with = |path: &str| {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("s/SKILL.md", SimpleFileOptions::default()).unwrap();
        writer.write_all(SKILL).unwrap();
        writer.add_symlink(path, "/etc/passwd", SimpleFileOptions::default()).unwrap();
        writer.finish().unwrap().into_inner()
    };
    assert_eq!(only(&with("s/evil")), Err(BundleError::Link("evil".into())));
    assert!(only(&with("elsewhere")).is_ok());
}

#[test]
fn bombs_are_refused_before_they_are_unpacked() {
    let zeros = vec![0; 1 << 20];
    let bytes = zip(&[("SKILL.md", SKILL), ("zeros", &zeros)]);
    assert!(matches!(read(&bytes), Err(ArchiveError::Bomb(path)) if path == "zeros"));
    // Small files of one letter pack as well and harm nobody.
    assert!(only(&zip(&[("SKILL.md", SKILL), ("small", &[0; 4096])])).is_ok());

    let large = vec![b'x'; (1 << 20) + 1];
    assert!(matches!(only(&zip(&[("SKILL.md", SKILL), ("x", &large)])), Err(BundleError::LargeFile { .. })));
    let many: Vec<String> = (0..=500).map(|n| format!("{n}.md")).collect();
    let mut files: Vec<(&str, &[u8])> = many.iter().map(|n| (n.as_str(), b"".as_slice())).collect();
    files.push(("SKILL.md", SKILL));
    assert_eq!(only(&zip(&files)), Err(BundleError::ManyFiles(500)));
    let tight = Limits { total_bytes: 40, ..Limits::SKILL };
    let bytes = zip(&[("SKILL.md", SKILL), ("a", &[b'x'; 10])]);
    let found = read_zip(&bytes, &SearchLimits::TREE, &tight).unwrap();
    assert_eq!(found[0].bundle, Err(BundleError::Large(40)));
    let small = SearchLimits { total_bytes: 40, ..SearchLimits::TREE };
    let refused = read_zip(&bytes, &small, &Limits::SKILL);
    assert!(matches!(refused, Err(ArchiveError::Tree(TreeError::Large(40)))));
}

#[test]
fn a_size_that_is_a_lie_is_noticed() {
    let text = [b'x'; 100];
    let mut bytes = zip(&[("SKILL.md", SKILL), ("a.md", &text)]);
    // The directory entry of a.md: its size stands 24 bytes into it.
    let entry = bytes.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    bytes[entry + 24..entry + 28].copy_from_slice(&10_u32.to_le_bytes());
    assert!(matches!(read(&bytes), Err(ArchiveError::Broken(_) | ArchiveError::Size(_))));
}

#[test]
fn what_is_no_archive_or_half_of_one_is_refused() {
    let good = zip(&[("SKILL.md", SKILL)]);
    for bytes in [&b""[..], b"PK", b"no archive", &good[..good.len() - 10], &good[10..]] {
        assert!(matches!(read(bytes), Err(ArchiveError::Broken(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_damaged_archive_never_panics(at in 0_usize..400, with in any::<u8>(), cut in 0_usize..400) {
        let mut bytes = zip(&[("SKILL.md", SKILL), ("references/a.md", b"some text that is packed")]);
        let len = bytes.len();
        bytes[at % len] = with;
        let _ = read(&bytes);
        bytes.truncate(cut % len);
        let _ = read(&bytes);
    }

    #[test]
    fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }
}
