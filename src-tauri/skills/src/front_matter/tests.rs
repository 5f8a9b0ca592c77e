use proptest::prelude::*;

use super::*;

fn front(yaml: &str) -> Result<FrontMatter, FrontMatterError> {
    parse(&format!("---\n{yaml}\n---\nbody\n")).map(|p| p.front)
}

fn yaml_error(yaml: &str) -> String {
    match front(yaml) {
        Err(e @ FrontMatterError::Yaml { .. }) => e.to_string(),
        other => panic!("{yaml:.60}: {other:?}"),
    }
}

#[test]
fn all_fields_are_read_where_the_format_and_where_paperclip_has_them() {
    let f = front(
        "name: My  Skill\ndescription: >\n  Does it.\n  Use when needed.\nlicense: MIT\ncompatibility: needs git\n\
         allowed-tools: Bash(git:*) Read\nmetadata:\n  paperclip-roles: engineer, qa\n  paperclip-tags: a, b c,\n  \
         paperclip-default-install: \"true\"\n  author: me",
    )
    .unwrap();
    assert_eq!(f.name.as_deref(), Some("My Skill"));
    assert_eq!(f.description.as_deref(), Some("Does it. Use when needed."));
    assert_eq!(f.allowed_tools, ["Bash(git:*)", "Read"]);
    assert_eq!(f.roles, ["engineer", "qa"]);
    assert_eq!(f.tags, ["a", "b c"]);
    assert!(f.default_install);
    assert_eq!(f.metadata["author"], "me");

    let f = front("name: 2048\nkey: a/b\ntags: [x, 7]\nrecommendedForRoles:\n- cto\nmetadata:\n  paperclip:\n    requires: [c/d]\n    skillKey: other")
        .unwrap();
    assert_eq!(f.name.as_deref(), Some("2048"));
    assert_eq!((f.key.as_deref(), f.description), (Some("a/b"), None));
    assert_eq!(
        (f.tags, f.roles, f.requires),
        (vec!["x".into(), "7".into()], vec!["cto".into()], vec!["c/d".into()])
    );
}

#[test]
fn a_key_is_found_in_each_of_its_places() {
    for yaml in [
        "key: a/b",
        "skillKey: a/b",
        "metadata: {skillKey: a/b}",
        "metadata: {canonicalKey: a/b}",
        "metadata: {paperclipSkillKey: a/b}",
        "metadata: {paperclip: {skillKey: a/b}}",
        "metadata: {paperclip: {key: a/b}}",
        "key: '  '\nmetadata: {paperclip: {key: a/b}}",
    ] {
        assert_eq!(front(yaml).unwrap().key.as_deref(), Some("a/b"), "{yaml}");
    }
    assert_eq!(front("key: [a]").unwrap().key, None);
}

#[test]
fn byte_order_mark_windows_lines_and_blanks_after_a_fence_are_taken() {
    let p = parse("\u{feff}---  \r\nname: a\r\ndescription: b\r\n---\t\r\nbody\r\n").unwrap();
    assert_eq!(p.front.name.as_deref(), Some("a"));
    assert_eq!(p.front.description.as_deref(), Some("b"));
    assert_eq!(p.body, "body\r\n");
    // The closing line may be the file's last.
    assert_eq!(parse("---\nname: a\n---").unwrap().body, "");
}

#[test]
fn a_file_without_front_matter_or_with_half_of_it_says_so() {
    for text in
        ["", "# Title\n", "\n---\nname: a\n---\n", "--- \u{0}\nname: a\n---\n", "----\nname: a\n----\n"]
    {
        assert_eq!(parse(text).err(), Some(FrontMatterError::Absent), "{text:?}");
    }
    for text in ["---", "---\nname: a\n", "---\nname: a\n----\n"] {
        assert_eq!(parse(text).err(), Some(FrontMatterError::Unclosed), "{text:?}");
    }
    assert_eq!(parse_bytes(b"---\nname: \xff\n---\n").err(), Some(FrontMatterError::NotText));
}

#[test]
fn huge_front_matter_is_not_even_parsed() {
    let long = format!("---\n{}---\n", "a: b\n".repeat(4000));
    assert_eq!(parse(&long).err(), Some(FrontMatterError::Unclosed));
    let fits = format!("---\nname: a\n# {}\n---\n", "x".repeat(LONGEST - 20));
    assert!(parse(&fits).is_ok());
}

#[test]
fn malformed_yaml_names_its_line() {
    assert!(yaml_error("name: a\n\tdescription: b").starts_with("line "), "tab");
    assert!(
        yaml_error("name: a\nname: b").starts_with("line 3"),
        "duplicate: {}",
        yaml_error("name: a\nname: b")
    );
    yaml_error("name: [a");
    yaml_error("name: \"a");
    yaml_error("{name: a");
    yaml_error("name: a\n  b: c");
    assert_eq!(front("- a\n- b").err(), Some(FrontMatterError::NoFields("list")));
    assert_eq!(front("just words").err(), Some(FrontMatterError::NoFields("single value")));
    assert_eq!(front("# nothing").unwrap(), FrontMatter::default());
}

#[test]
fn a_colon_in_a_plain_description_is_understood() {
    let f = front("name: a\ndescription: Use when: it \"breaks\" \\ always: yes").unwrap();
    assert_eq!(f.description.as_deref(), Some("Use when: it \"breaks\" \\ always: yes"));
    // Only there, and never over something that is broken elsewhere too.
    yaml_error("other: a: b");
    yaml_error("description: a: b\nx: [");
}

#[test]
fn anchors_aliases_and_merge_keys_are_refused_before_they_grow() {
    yaml_error("name: &a x\ndescription: *a");
    yaml_error("a: &a x");
    yaml_error("base: {x: 1}\nb:\n  <<: {x: 2}");
    let mut bomb = "a0: &a0 [x, x]\n".to_owned();
    for n in 1..30 {
        bomb.push_str(&format!("a{n}: &a{n} [*a{}, *a{0}]\n", n - 1));
    }
    yaml_error(&bomb);
    yaml_error(&format!("a: {}{}", "[".repeat(2000), "]".repeat(2000)));
    yaml_error(&format!("a: {}", "- ".repeat(3000)));
    yaml_error(&format!("a: [{}]", "1,".repeat(5000)));
}

#[test]
fn fields_of_the_wrong_shape_are_named() {
    let wrong = |yaml: &str| match front(yaml) {
        Err(FrontMatterError::Field { field, .. }) => field,
        other => panic!("{yaml}: {other:?}"),
    };
    assert_eq!(wrong("name: [a]"), "name");
    assert_eq!(wrong("description: {a: b}"), "description");
    assert_eq!(wrong("metadata: text"), "metadata");
    assert_eq!(wrong("tags: {a: b}"), "tags");
    assert_eq!(wrong("tags: [[a]]"), "tags");
    assert_eq!(wrong("name: \"a\\u0007\""), "name");
    assert_eq!(wrong(&format!("name: {}", "x".repeat(201))), "name");
    assert_eq!(wrong(&format!("description: {}", "x".repeat(4097))), "description");
    assert_eq!(wrong(&format!("tags: [{}]", "a,".repeat(65))), "tags");
}

#[test]
fn compatibility_says_whether_an_agent_can_find_it() {
    let of = |text: &str| compatibility(&parse(text).map(|p| p.front));
    assert_eq!(of("---\nname: a\ndescription: b\n---\n"), SkillCompatibility::Compatible);
    assert_eq!(of("---\nname: a\n---\n"), SkillCompatibility::Unknown);
    assert_eq!(of("---\nname: a\ndescription: ''\n---\n"), SkillCompatibility::Unknown);
    assert_eq!(of("# no front matter"), SkillCompatibility::Unknown);
    assert_eq!(of("---\nname: [\n---\n"), SkillCompatibility::Invalid);
}

proptest! {
    #[test]
    fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_bytes(&bytes);
        let mut framed = b"---\n".to_vec();
        framed.extend(&bytes);
        framed.extend(b"\n---\n");
        let _ = parse_bytes(&framed);
    }

    #[test]
    fn anything_that_looks_like_yaml_is_taken(yaml in "([a-z]{1,4}|[-:?,\\[\\]{}#&*!|>'\"%@` \n\t]|: |- |\n  ){0,80}") {
        let _ = front(&yaml);
    }

    #[test]
    fn a_quoted_text_comes_back_as_it_was(text in "[^\\p{Cc}]{1,80}") {
        let quoted = Value::String(text.clone()).to_string();
        let got = front(&format!("description: {quoted}")).unwrap().description;
        let expected = text.trim();
        prop_assert_eq!(got.as_deref(), (!expected.is_empty()).then_some(expected));
    }
}
