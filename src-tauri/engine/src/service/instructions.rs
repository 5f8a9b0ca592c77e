//! The files that tell an agent how to work.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::agent::*;
use contract::feed::ChangeOp;
use contract::operations::*;
use contract::{ApiError, Kind};
use runner::beneath::Folder;
use serde_json::{Value, json};

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer};
use crate::{Caller, Engine, Paths};

const MAX_FILES: usize = 200;

/// Writes a new agent's files: those given, else the defaults of its role.
pub(crate) fn write_defaults(
    paths: &Paths,
    agent: &Agent,
    given: Option<&NewInstructionsBundle>,
) -> Answer<()> {
    let root = paths.instructions(agent.id);
    let cannot = |e: std::io::Error| ApiError::internal(format!("The instructions cannot be written: {e}"));
    std::fs::create_dir_all(&root).map_err(cannot)?;
    let folder = Folder::open(&root, None).map_err(cannot)?;
    match given {
        Some(bundle) => {
            for (name, content) in &bundle.files {
                folder.write(name, content).map_err(answer)?;
            }
        }
        None => {
            for (name, content) in skills::default_instructions(agent.role) {
                folder.write(name, content).map_err(answer)?;
            }
        }
    }
    Ok(())
}

/// Where an agent's instructions are, and which file comes first.
pub(crate) struct Bundle {
    pub root: PathBuf,
    pub entry: String,
    pub external: bool,
    data: PathBuf,
    home: PathBuf,
}

impl Bundle {
    /// The folder, from which nothing leads to the program's own data. Only the agent's home is open within it.
    pub fn open(&self) -> std::io::Result<Folder> {
        let folder = Folder::open(&self.root, None)?;
        if !self.external || folder.path().starts_with(&self.home) {
            return Ok(folder);
        }
        Folder::open(&self.root, Some(&self.data))
    }
}

pub(crate) fn bundle_of(paths: &Paths, agent: &Agent) -> Bundle {
    let (data, home) = (paths.root().to_owned(), paths.agent_home(agent.id));
    let text = |key: &str| agent.adapter_config.get(key).and_then(Value::as_str).filter(|s| !s.is_empty());
    let external = text("instructionsFilePath").map(PathBuf::from).filter(|p| p.is_absolute());
    if let Some(file) = external {
        let entry = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let root = file.parent().map(Path::to_owned).unwrap_or_default();
        return Bundle { root, entry, external: true, data, home };
    }
    Bundle {
        root: paths.instructions(agent.id),
        entry: text("instructionsEntryFile").unwrap_or("AGENTS.md").to_owned(),
        external: false,
        data,
        home,
    }
}

/// What is refused is told from what is not there or cannot be done.
fn answer(e: std::io::Error) -> ApiError {
    match e.kind() {
        ErrorKind::InvalidInput => ApiError::unprocessable(e.to_string()),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidData => {
            ApiError::not_found("File")
        }
        _ => ApiError::internal(format!("The instructions cannot be reached: {e}")),
    }
}

fn summary(path: String, size: u64, entry: &str, editable: bool) -> InstructionsFileSummary {
    let markdown = path.ends_with(".md");
    InstructionsFileSummary {
        size,
        language: if markdown { "markdown" } else { "text" }.to_owned(),
        markdown,
        is_entry_file: path == entry,
        editable,
        deprecated: false,
        r#virtual: false,
        path,
    }
}

fn list(b: &Bundle) -> Vec<InstructionsFileSummary> {
    let files = b.open().map(|folder| folder.files(MAX_FILES)).unwrap_or_default();
    let mut out: Vec<_> =
        files.into_iter().map(|(path, size)| summary(path, size, &b.entry, !b.external)).collect();
    out.sort_by(|a, b| b.is_entry_file.cmp(&a.is_entry_file).then_with(|| a.path.cmp(&b.path)));
    out
}

/// Instructions are between an agent and the board.
fn own_only(caller: &Caller, agent: &Agent) -> Answer<()> {
    match caller.agent_id() {
        Some(id) if id != agent.id => {
            Err(ApiError::forbidden("An agent may read and change only its own instructions"))
        }
        _ => Ok(()),
    }
}

impl Engine {
    fn instructions(&self, agent: &Agent) -> InstructionsBundle {
        let b = bundle_of(&self.paths, agent);
        let files = list(&b);
        let found = files.iter().any(|f| f.is_entry_file);
        let mut warnings = Vec::new();
        if !found {
            warnings.push(format!(
                "The entry file {} is not there; the agent starts without instructions",
                b.entry
            ));
        }
        InstructionsBundle {
            agent_id: agent.id,
            company_id: agent.company_id,
            mode: Some(if b.external { "external" } else { "managed" }.to_owned()),
            root_path: Some(b.root.display().to_string()),
            managed_root_path: self.paths.instructions(agent.id).display().to_string(),
            resolved_entry_path: found.then(|| b.root.join(&b.entry).display().to_string()),
            entry_file: b.entry,
            editable: !b.external,
            warnings,
            legacy_prompt_template_active: false,
            legacy_bootstrap_prompt_template_active: false,
            files,
        }
    }
}

impl Handle<GetInstructions> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AgentPath) -> Answer<InstructionsBundle> {
        let mut conn = self.store.read().await.answer()?;
        let agent = self.agent(&mut conn, caller, &q.id, q.company_id).await?;
        own_only(caller, &agent)?;
        Ok(self.instructions(&agent))
    }
}

impl Handle<GetInstructionsFile> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: InstructionsFilePath,
    ) -> Answer<InstructionsFileDetail> {
        let mut conn = self.store.read().await.answer()?;
        let agent = self.agent(&mut conn, caller, &q.id, None).await?;
        own_only(caller, &agent)?;
        let b = bundle_of(&self.paths, &agent);
        let content = b.open().and_then(|folder| folder.read(&q.path)).map_err(answer)?;
        let summary = summary(q.path.to_string(), content.len() as u64, &b.entry, !b.external);
        Ok(InstructionsFileDetail { summary, content })
    }
}

impl Handle<PutInstructionsFile> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: WriteInstructionsFile,
    ) -> Answer<InstructionsFileDetail> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let agent = self.agent(&mut tx, caller, &q.id, None).await?;
        own_only(caller, &agent)?;
        let b = bundle_of(&self.paths, &agent);
        if b.external {
            return Err(ApiError::unprocessable("These instructions are kept outside of the program")
                .with_hint(
                    "Edit the file itself, or clear instructionsFilePath in the agent's configuration.",
                ));
        }
        std::fs::create_dir_all(&b.root).map_err(answer)?;
        let folder = b.open().map_err(answer)?;
        if q.create_only && folder.read(&q.path).is_ok() {
            return Err(ApiError::conflict(format!("There is a file {} already", &*q.path))
                .with_hint("Open it to change it, or give the new file another name."));
        }
        folder.write(&q.path, &q.content).map_err(answer)?;
        tx.record(agent.company_id, Kind::Instructions, ChangeOp::Updated, agent.id);
        let details = json!({ "path": &*q.path });
        self.log_agent(&mut tx, caller, &agent, "agent.instructions_updated", details).await?;
        tx.commit().await.answer()?;
        let summary = summary(q.path.to_string(), q.content.len() as u64, &b.entry, true);
        Ok(InstructionsFileDetail { summary, content: q.content.into_string() })
    }
}

impl Handle<DeleteInstructionsFile> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: InstructionsFilePath,
    ) -> Answer<InstructionsBundle> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let agent = self.agent(&mut tx, caller, &q.id, None).await?;
        let b = bundle_of(&self.paths, &agent);
        if b.external || *q.path == *b.entry {
            return Err(ApiError::unprocessable(
                "The entry file and files kept elsewhere are not deleted here",
            ));
        }
        b.open().and_then(|folder| folder.remove(&q.path)).map_err(answer)?;
        tx.record(agent.company_id, Kind::Instructions, ChangeOp::Deleted, agent.id);
        let details = json!({ "path": &*q.path });
        self.log_agent(&mut tx, caller, &agent, "agent.instructions_deleted", details).await?;
        tx.commit().await.answer()?;
        Ok(self.instructions(&agent))
    }
}
