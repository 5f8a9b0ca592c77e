//! Where things are.

use std::path::{Path, PathBuf};

use contract::{AgentId, CompanyId, RunId, WorkspaceOperationId};
use runner::host::{HostLauncher, SandboxPolicy};

use crate::EngineError;

/// How to open an engine.
#[derive(Clone, Debug)]
pub struct Config {
    pub data_dir: PathBuf,
    /// Starts run hosts and the demo agent.
    pub launcher: HostLauncher,
    pub sandbox: SandboxPolicy,
}

impl Config {
    /// `cli_program` is the `paperclip` binary: run hosts and the demo agent are its hidden subcommands.
    pub fn new(data_dir: PathBuf, cli_program: PathBuf) -> Self {
        Self { data_dir, launcher: HostLauncher::new(cli_program), sandbox: SandboxPolicy::Preferred }
    }
}

/// The layout of a data folder. Everything in it is readable by the user alone.
#[derive(Clone, Debug)]
pub struct Paths {
    root: PathBuf,
}

impl Paths {
    /// Makes the folder if it is missing.
    pub fn create(root: &Path) -> Result<Self, EngineError> {
        let cannot = |source| EngineError::DataFolder { path: root.to_owned(), source };
        std::fs::create_dir_all(root).map_err(cannot)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o700)).map_err(cannot)?;
        }
        Ok(Self { root: root.canonicalize().map_err(cannot)? })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn database(&self) -> PathBuf {
        self.root.join("paperclip.db")
    }

    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub fn operator_token(&self) -> PathBuf {
        runner::places::operator_token_file(&self.root)
    }

    pub fn server_file(&self) -> PathBuf {
        runner::places::server_file(&self.root)
    }

    /// The bytes of what is attached to issues.
    pub fn assets(&self) -> PathBuf {
        self.root.join("assets")
    }

    /// Files that are being received, or were and wait to be used. Empty at every start.
    pub fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    pub fn backups(&self) -> PathBuf {
        self.root.join("backups")
    }

    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    pub fn run(&self, company: CompanyId, run: RunId) -> PathBuf {
        self.root.join(Self::run_ref(company, run))
    }

    /// The run folder as `logRef` names it, relative to the data folder.
    pub fn run_ref(company: CompanyId, run: RunId) -> String {
        format!("runs/{company}/{run}")
    }

    /// The folder of a command of the operator's around a workspace, as its `logRef` names it.
    pub fn step_ref(company: CompanyId, step: WorkspaceOperationId) -> String {
        format!("steps/{company}/{step}")
    }

    pub fn agent_home(&self, agent: AgentId) -> PathBuf {
        self.root.join("agents").join(agent.to_string()).join("home")
    }

    pub fn instructions(&self, agent: AgentId) -> PathBuf {
        self.root.join("agents").join(agent.to_string()).join("instructions")
    }

    pub fn bundles(&self, company: CompanyId) -> PathBuf {
        self.root.join("bundles").join(company.to_string())
    }

    /// Worktrees of issues, a folder for each company.
    pub fn worktrees(&self) -> PathBuf {
        self.root.join("worktrees")
    }

    /// Folders of worktrees that were taken away and that no snapshot could hold.
    pub fn workspace_trash(&self) -> PathBuf {
        self.worktrees().join(".trash")
    }

    /// Skills that come with the program, unpacked.
    pub fn skills(&self) -> PathBuf {
        self.root.join("skills")
    }
}
