//! Names of skills: slugs, canonical keys, and the name under which an agent's tool sees one.

use contract::CompanyId;
use domain::naming;

use crate::hash;

/// Keys below this belong to what ships with the program or with Paperclip.
const RESERVED: &str = "paperclipai/";
/// Keys of the runtime skills.
const RUNTIME: &str = "paperclipai/paperclip/";
/// Longest key that is read from a skill, in bytes.
const LONGEST: usize = 300;

/// Where a skill comes from, as far as its key depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// It ships with the program: a runtime skill.
    Shipped,
    /// A repository of GitHub or one that is addressed like it, by way of skills.sh too.
    Repository { owner: &'a str, repo: &'a str },
    /// A file on the web.
    Url(&'a str),
    /// An absolute path on this machine.
    Local(&'a str),
    /// Written in this program.
    Company(CompanyId),
}

/// The slug of a name. `None`: no letter or digit of it is left.
pub fn slug(name: &str) -> Option<String> {
    naming::url_key(name)
}

/// A key as it is kept: slugs with `/` between.
pub fn normalised(key: &str) -> Option<String> {
    if key.len() > LONGEST {
        return None;
    }
    let parts: Vec<String> = key.split('/').filter_map(slug).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The canonical key: the one that the skill itself gives, else one made of its origin.
///
/// A skill from elsewhere that claims a key of the program's own is not believed, or it could stand in for a skill
/// that every agent is given.
pub fn canonical(explicit: Option<&str>, origin: Origin<'_>, slug_or_name: &str) -> String {
    let slug = slug(slug_or_name).unwrap_or_else(|| "skill".to_owned());
    let own = explicit
        .and_then(normalised)
        .filter(|k| origin == Origin::Shipped || !k.starts_with(RESERVED) || k == &derived(origin, &slug));
    own.unwrap_or_else(|| derived(origin, &slug))
}

fn derived(origin: Origin<'_>, slug: &str) -> String {
    let part = |s: &str, otherwise: &str| self::slug(s).unwrap_or_else(|| otherwise.to_owned());
    match origin {
        Origin::Shipped => format!("{RUNTIME}{slug}"),
        Origin::Repository { owner, repo } => {
            let repo = repo.strip_suffix(".git").unwrap_or(repo);
            format!("{}/{}/{slug}", part(owner, "owner"), part(repo, "repo"))
        }
        Origin::Url(url) => {
            format!("url/{}/{}/{slug}", part(host(url), "unknown"), hash::short(url))
        }
        Origin::Local(path) => format!("local/{}/{slug}", hash::short(&resolved(path))),
        Origin::Company(id) => format!("company/{id}/{slug}"),
    }
}

/// Whether this is the key of a skill that the program itself gives to every agent.
pub fn is_shipped(key: &str) -> bool {
    key.strip_prefix(RUNTIME) == Some(crate::RUNTIME_SKILL)
}

/// The folder name under which an agent's tool sees the skill: the slug, and of all but the shipped ones a piece of
/// the key's hash, so that two skills of one slug do not meet.
pub fn runtime_name(key: &str, slug: &str) -> String {
    if is_shipped(key) { slug.to_owned() } else { format!("{slug}--{}", hash::short(key)) }
}

/// The slug itself, or the first of `slug-2`, `slug-3`, … that is free.
pub fn free_slug(slug: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(slug) {
        return slug.to_owned();
    }
    (2_u64..).map(|n| format!("{slug}-{n}")).find(|s| !taken(s)).unwrap_or_else(|| slug.to_owned())
}

/// Host and port of an address; empty when it has none.
fn host(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://") else { return "" };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// The path without `.`, `..`, doubled and trailing separators, so that one folder has one key.
fn resolved(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            p => parts.push(p),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_key_says_where_the_skill_comes_from() {
        let company = CompanyId(Uuid::nil());
        for (origin, key) in [
            (Origin::Shipped, "paperclipai/paperclip/my-skill".to_owned()),
            (Origin::Repository { owner: "Acme Inc", repo: "Skills.git" }, "acme-inc/skills/my-skill".into()),
            (
                Origin::Url("https://u:p@Example.com:8443/a/SKILL.md?x=1"),
                format!(
                    "url/example-com-8443/{}/my-skill",
                    hash::short("https://u:p@Example.com:8443/a/SKILL.md?x=1")
                ),
            ),
            (Origin::Url("no address"), format!("url/unknown/{}/my-skill", hash::short("no address"))),
            (Origin::Local("/srv/skills/x"), format!("local/{}/my-skill", hash::short("/srv/skills/x"))),
            (Origin::Company(company), "company/00000000-0000-0000-0000-000000000000/my-skill".into()),
        ] {
            assert_eq!(canonical(None, origin, "My  Skill!"), key);
        }
    }

    #[test]
    fn one_folder_has_one_key_however_its_path_is_written() {
        let key = |p| canonical(None, Origin::Local(p), "x");
        assert_eq!(key("/srv/skills/x"), key("/srv//other/../skills/./x/"));
        assert_ne!(key("/srv/skills/x"), key("/srv/skills/y"));
    }

    #[test]
    fn an_own_key_is_normalised_and_taken() {
        let of = |k| canonical(Some(k), Origin::Local("/x"), "slug");
        assert_eq!(of("Acme / Team Skills//Deploy!"), "acme/team-skills/deploy");
        assert_eq!(of("/a/../b/"), "a/b");
        for nothing in ["", "///", "日本", &"x".repeat(301)] {
            assert!(of(nothing).starts_with("local/"), "{nothing}");
        }
    }

    #[test]
    fn nobody_else_takes_a_key_of_the_programs_own() {
        let claim = "PaperclipAI/paperclip/paperclip";
        assert!(canonical(Some(claim), Origin::Local("/x"), "paperclip").starts_with("local/"));
        assert_eq!(canonical(Some(claim), Origin::Shipped, "paperclip"), "paperclipai/paperclip/paperclip");
        // Paperclip's own repository is named as it is, and its skills still carry a hash.
        let own = Origin::Repository { owner: "paperclipai", repo: "paperclip" };
        let key = canonical(Some("paperclipai/paperclip/para-memory-files"), own, "para-memory-files");
        assert_eq!(key, "paperclipai/paperclip/para-memory-files");
        assert!(runtime_name(&key, "para-memory-files").starts_with("para-memory-files--"));
    }

    #[test]
    fn a_runtime_name_is_the_slug_and_ten_digits_of_the_keys_hash() {
        assert_eq!(runtime_name("paperclipai/paperclip/paperclip", "paperclip"), "paperclip");
        let name = runtime_name("acme/skills/deploy", "deploy");
        assert_eq!(name, format!("deploy--{}", &hash::sha256(b"acme/skills/deploy")[..10]));
    }

    #[test]
    fn a_taken_slug_gets_a_number() {
        assert_eq!(free_slug("x", |s| s == "x" || s == "x-2"), "x-3");
        assert_eq!(free_slug("x", |_| false), "x");
    }

    proptest! {
        #[test]
        fn keys_and_slugs_hold_only_what_a_path_can_and_normalising_twice_changes_nothing(text in "\\PC{0,60}") {
            if let Some(key) = normalised(&text) {
                prop_assert!(key.split('/').all(|s| !s.is_empty()
                    && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')));
                prop_assert_eq!(normalised(&key), Some(key.clone()));
            }
            for origin in [Origin::Url(&text), Origin::Local(&text), Origin::Repository { owner: &text, repo: &text }] {
                let key = canonical(Some(&text), origin, &text);
                prop_assert_eq!(normalised(&key), Some(key.clone()));
            }
        }
    }
}
