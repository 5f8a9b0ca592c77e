//! What agents are taught: the runtime skill that every agent gets, the instructions a new one starts with, and the
//! skills that a company gives them. Of these it knows the format, the catalog that ships with the program, how one is
//! read from a folder or an archive, audited, compared and written; not who has which.

pub mod archive;
pub mod audit;
pub mod bundle;
pub mod catalog;
pub mod diff;
pub mod front_matter;
pub mod hash;
pub mod inventory;
pub mod key;
pub mod path;
pub mod reference;
pub mod tree;
pub mod write;

use std::io;
use std::path::{Path, PathBuf};

use contract::agent::AgentRole;

/// The runtime skill's folder name, as agents see it.
pub const RUNTIME_SKILL: &str = "paperclip";

/// The runtime skill: how to work with the control plane.
pub const RUNTIME_SKILL_TEXT: &str = include_str!("../assets/paperclip/SKILL.md");

/// The files that a new agent's instructions consist of, the entry file first.
pub fn default_instructions(role: AgentRole) -> &'static [(&'static str, &'static str)] {
    const AGENT: &[(&str, &str)] = &[("AGENTS.md", include_str!("../assets/instructions/AGENTS.md"))];
    const CEO: &[(&str, &str)] = &[
        ("AGENTS.md", include_str!("../assets/instructions/CEO_AGENTS.md")),
        ("HEARTBEAT.md", include_str!("../assets/instructions/HEARTBEAT.md")),
        ("SOUL.md", include_str!("../assets/instructions/SOUL.md")),
        ("TOOLS.md", include_str!("../assets/instructions/TOOLS.md")),
    ];
    if role == AgentRole::Ceo { CEO } else { AGENT }
}

/// Unpacks the runtime skill below `root`, if it is not there as this version has it. Answers its folder.
pub fn unpack_runtime_skill(root: &Path) -> io::Result<PathBuf> {
    let dir = root.join(RUNTIME_SKILL);
    let file = dir.join("SKILL.md");
    if std::fs::read_to_string(&file).is_ok_and(|s| s == RUNTIME_SKILL_TEXT) {
        return Ok(dir);
    }
    std::fs::create_dir_all(&dir)?;
    // Whole or not at all: an agent may be reading it.
    let partial = dir.join("SKILL.partial");
    std::fs::write(&partial, RUNTIME_SKILL_TEXT)?;
    std::fs::rename(partial, file)?;
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens as the o200k vocabulary counts them; vendors differ by a few per cent.
    fn tokens(text: &str) -> usize {
        tiktoken_rs::o200k_base().unwrap().encode_ordinary(text).len()
    }

    #[test]
    fn the_runtime_skill_stays_lean() {
        let n = tokens(RUNTIME_SKILL_TEXT);
        assert!(n <= 1700, "the runtime skill costs {n} tokens in every heartbeat; 1700 is its budget");
    }

    #[test]
    fn the_default_instructions_stay_lean() {
        for role in [AgentRole::Ceo, AgentRole::Engineer] {
            let n: usize = default_instructions(role).iter().map(|(_, t)| tokens(t)).sum();
            assert!(n <= 450, "the instructions of a {role} cost {n} tokens; 450 is their budget");
        }
    }

    #[test]
    fn the_skill_names_only_routes_that_exist() {
        for line in RUNTIME_SKILL_TEXT.lines() {
            for call in line.split('`').skip(1).step_by(2) {
                let Some((method, path)) = call.split_once(" /api/") else { continue };
                let path = format!("/api/{}", path.split([' ', '?']).next().unwrap());
                let shape = |p: &str| {
                    p.split('/')
                        .map(|s| if s.starts_with('{') { "{}" } else { s })
                        .collect::<Vec<_>>()
                        .join("/")
                };
                let known = contract::operations::ALL
                    .iter()
                    .any(|o| o.method.as_str() == method && shape(o.path) == shape(&path));
                assert!(known, "{method} {path} is no operation");
            }
        }
    }

    #[test]
    fn an_older_skill_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let at = unpack_runtime_skill(dir.path()).unwrap();
        std::fs::write(at.join("SKILL.md"), "old").unwrap();
        unpack_runtime_skill(dir.path()).unwrap();
        assert_eq!(std::fs::read_to_string(at.join("SKILL.md")).unwrap(), RUNTIME_SKILL_TEXT);
    }
}
