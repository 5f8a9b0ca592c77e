//! The prompt bundle: instructions and skills of an agent in one folder, named for its contents. Claude Code
//! reads it through `--add-dir`; a session is only resumed with the bundle it began with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::adapter::{AdapterError, Instructions, RunContext, SkillMount};

const INSTRUCTIONS_FILE: &str = "agent-instructions.md";
/// A skill larger than this is a mistake.
const MAX_SKILL_BYTES: u64 = 64 << 20;
const MAX_SKILL_FILES: usize = 5000;

pub struct Bundle {
    pub key: String,
    pub dir: PathBuf,
    /// The file for the system prompt, when the agent has instructions.
    pub instructions: Option<PathBuf>,
}

/// Builds the bundle, or finds it built. Skills are copied, so that a run neither sees them change nor
/// changes them.
pub fn build(run: &RunContext) -> Result<Bundle, AdapterError> {
    let text = run.instructions.as_ref().map(with_directive);
    let failed = |source| AdapterError::Io { what: "the prompt bundle".into(), source };
    let mut hash = Sha256::new();
    hash.update(b"bundle 1\0");
    hash.update(text.as_deref().unwrap_or_default());
    let mut skills: Vec<(&SkillMount, Vec<PathBuf>)> = Vec::new();
    for skill in &run.skills {
        let files = files_of(&skill.source).map_err(failed)?;
        hash.update(format!("\0skill {}\0", skill.name));
        for file in &files {
            let bytes = fs::read(skill.source.join(file)).map_err(failed)?;
            hash.update(format!("\0{} {}\0", file.display(), bytes.len()));
            hash.update(bytes);
        }
        skills.push((skill, files));
    }
    let key: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    let dir = run.bundle_root.join(&key);
    if !dir.is_dir() {
        write(&dir, text.as_deref(), &skills).map_err(failed)?;
    }
    let instructions = text.is_some().then(|| dir.join(INSTRUCTIONS_FILE));
    Ok(Bundle { key, dir, instructions })
}

/// The instructions, and where files that they name are to be found.
fn with_directive(instructions: &Instructions) -> String {
    let (path, folder) = (instructions.path.display(), instructions.path.parent().unwrap_or(Path::new("/")));
    format!(
        "{}\n\nThe above agent instructions were loaded from {path}. Resolve relative file references in them from {}.\n",
        instructions.text.trim_end(),
        folder.display()
    )
}

/// Regular files of a skill, relative to it, in a fixed order. Links are followed only within the skill.
fn files_of(source: &Path) -> io::Result<Vec<PathBuf>> {
    let root = fs::canonicalize(source)?;
    let (mut files, mut folders, mut bytes) = (Vec::new(), vec![PathBuf::new()], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let relative = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if entry.file_name() != ".git" {
                    folders.push(relative);
                }
                continue;
            }
            let Ok(target) = fs::canonicalize(entry.path()) else { continue };
            if target.is_file() && target.starts_with(&root) {
                bytes += target.metadata()?.len();
                files.push(relative);
            }
            if files.len() > MAX_SKILL_FILES || bytes > MAX_SKILL_BYTES {
                return Err(io::Error::other(format!("the skill {} is too large", source.display())));
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Built beside its place and moved there whole: two runs may build the same bundle at once.
fn write(dir: &Path, instructions: Option<&str>, skills: &[(&SkillMount, Vec<PathBuf>)]) -> io::Result<()> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let unique = format!("tmp-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let draft = dir.with_extension(unique);
    fs::create_dir_all(draft.join(".claude/skills"))?;
    if let Some(text) = instructions {
        fs::write(draft.join(INSTRUCTIONS_FILE), text)?;
    }
    for (skill, files) in skills {
        let target = draft.join(".claude/skills").join(&skill.name);
        for file in files {
            let to = target.join(file);
            to.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::copy(skill.source.join(file), to)?;
        }
    }
    match fs::rename(&draft, dir) {
        Err(_) if dir.is_dir() => fs::remove_dir_all(&draft),
        moved => moved,
    }
}
