//! The folder of a run that has no worktree.

use std::io;
use std::path::{Path, PathBuf};

/// The folder of a run, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    pub cwd: PathBuf,
    pub source: Source,
}

/// Where a run's folder comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The folder given in the agent's configuration.
    Configured,
    /// The agent's own folder in the data folder.
    AgentHome,
}

impl Source {
    /// The word that agents get as `PAPERCLIP_WORKSPACE_SOURCE`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configured => "agent_config",
            Self::AgentHome => "agent_home",
        }
    }
}

/// Why there is no folder to work in.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    #[error("the working folder {0} is not an absolute path")]
    NotAbsolute(PathBuf),
    #[error("the working folder {0} is a file")]
    NotAFolder(PathBuf),
    /// Made anew it would be empty, and an agent would not know what it lost.
    #[error("the working folder {0} is gone")]
    Gone(PathBuf),
    #[error("the working folder {path} cannot be used: {source}")]
    Io { path: PathBuf, source: io::Error },
}

/// Chooses the folder of a run.
///
/// A folder in the agent's configuration counts and must be there; else the agent works in its own home, which is
/// made if it is missing.
pub fn resolve(configured: Option<&str>, home: &Path) -> Result<Workspace, WorkspaceError> {
    let (cwd, source) = match configured.map(str::trim).filter(|s| !s.is_empty()) {
        Some(dir) => (PathBuf::from(dir), Source::Configured),
        None => (home.to_owned(), Source::AgentHome),
    };
    if !cwd.is_absolute() {
        return Err(WorkspaceError::NotAbsolute(cwd));
    }
    if cwd.is_file() {
        return Err(WorkspaceError::NotAFolder(cwd));
    }
    if source == Source::Configured && !cwd.is_dir() {
        return Err(WorkspaceError::Gone(cwd));
    }
    std::fs::create_dir_all(&cwd).map_err(|source| WorkspaceError::Io { path: cwd.clone(), source })?;
    Ok(Workspace { cwd, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configured_folder_counts_and_the_home_is_the_fallback() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let own = resolve(Some(" "), &home).unwrap();
        assert_eq!((own.source, home.is_dir()), (Source::AgentHome, true));
        let project = dir.path().join("a/b");
        assert!(matches!(resolve(project.to_str(), &home), Err(WorkspaceError::Gone(_))));
        std::fs::create_dir_all(&project).unwrap();
        assert_eq!(resolve(project.to_str(), &home).unwrap().cwd, project);
        assert!(matches!(resolve(Some("here"), &home), Err(WorkspaceError::NotAbsolute(_))));
        std::fs::write(dir.path().join("file"), "").unwrap();
        let file = dir.path().join("file");
        assert!(matches!(resolve(file.to_str(), &home), Err(WorkspaceError::NotAFolder(_))));
    }
}
