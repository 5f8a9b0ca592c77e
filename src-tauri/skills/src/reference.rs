//! Finding the skill that a person or an agent names: by id, by key, or by a slug that only one has.

use contract::skill::{CatalogSkill, CompanySkill, CompanySkillListItem};

use crate::key;

/// What a skill can be named by.
pub trait Named {
    fn has_id(&self, id: &str) -> bool;
    fn key(&self) -> &str;
    fn slug(&self) -> &str;
}

macro_rules! named {
    ($($skill:ty),*) => {$(
        impl Named for $skill {
            fn has_id(&self, id: &str) -> bool {
                id.parse() == Ok(self.id)
            }
            fn key(&self) -> &str {
                &self.key
            }
            fn slug(&self) -> &str {
                &self.slug
            }
        }
    )*};
}

named!(CompanySkill, CompanySkillListItem);

impl Named for CatalogSkill {
    fn has_id(&self, id: &str) -> bool {
        self.id == id
    }
    fn key(&self) -> &str {
        &self.key
    }
    fn slug(&self) -> &str {
        &self.slug
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    #[error("no skill has the id, key or slug {0:?}")]
    Unknown(String),
    #[error("several skills have the slug {slug:?}: name one by its id or key ({})", choices.join(", "))]
    Ambiguous {
        slug: String,
        /// Their keys.
        choices: Vec<String>,
    },
}

/// The skill that a reference names. Keys and slugs are compared as they would be kept, so that `Code Review` finds
/// `code-review`.
pub fn resolve<'a, S: Named>(reference: &str, skills: &'a [S]) -> Result<&'a S, ReferenceError> {
    let reference = reference.trim();
    let unknown = || ReferenceError::Unknown(reference.chars().take(200).collect());
    if let Some(skill) = skills.iter().find(|s| s.has_id(reference) || s.key() == reference) {
        return Ok(skill);
    }
    if reference.contains('/') {
        let key = key::normalised(reference).ok_or_else(unknown)?;
        return skills.iter().find(|s| s.key() == key).ok_or_else(unknown);
    }
    let slug = key::slug(reference).ok_or_else(unknown)?;
    let mut having = skills.iter().filter(|s| s.slug() == slug);
    let found = having.next().ok_or_else(unknown)?;
    let others: Vec<&S> = having.collect();
    if others.is_empty() {
        return Ok(found);
    }
    let mut choices: Vec<String> = std::iter::once(found).chain(others).map(|s| s.key().to_owned()).collect();
    choices.sort();
    Err(ReferenceError::Ambiguous { slug, choices })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Skill(&'static str, &'static str, &'static str);

    impl Named for Skill {
        fn has_id(&self, id: &str) -> bool {
            self.0 == id
        }
        fn key(&self) -> &str {
            self.1
        }
        fn slug(&self) -> &str {
            self.2
        }
    }

    const SKILLS: [Skill; 3] = [
        Skill("1", "acme/tools/deploy", "deploy"),
        Skill("2", "local/0123456789/deploy", "deploy"),
        Skill("3", "acme/tools/code-review", "code-review"),
    ];

    #[test]
    fn a_skill_is_found_by_id_key_or_a_slug_that_only_it_has() {
        let id = |r| resolve(r, &SKILLS).map(|s| s.0);
        assert_eq!(id("2"), Ok("2"));
        assert_eq!(id("acme/tools/deploy"), Ok("1"));
        assert_eq!(id(" Acme/Tools/Deploy "), Ok("1"));
        assert_eq!(id("Code  Review"), Ok("3"));
        for unknown in ["", "  ", "nothing", "acme/deploy", "日本", "/"] {
            assert_eq!(id(unknown), Err(ReferenceError::Unknown(unknown.trim().into())));
        }
    }

    #[test]
    fn an_ambiguous_slug_is_refused_and_the_choices_are_named() {
        let error = resolve("deploy", &SKILLS).err().unwrap();
        assert_eq!(
            error.to_string(),
            "several skills have the slug \"deploy\": name one by its id or key \
             (acme/tools/deploy, local/0123456789/deploy)"
        );
    }
}
