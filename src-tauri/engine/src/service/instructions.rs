//! The files that tell an agent how to work.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::agent::*;
use contract::feed::ChangeOp;
use contract::operations::*;
use contract::{ApiError, Kind};
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
    match given {
        Some(bundle) => {
            for (name, content) in &bundle.files {
                write(&within(&root, name)?, content)?;
            }
        }
        None => {
            for (name, content) in skills::default_instructions(agent.role) {
                write(&root.join(name), content)?;
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
}

pub(crate) fn bundle_of(paths: &Paths, agent: &Agent) -> Bundle {
    let text = |key: &str| agent.adapter_config.get(key).and_then(Value::as_str).filter(|s| !s.is_empty());
    let external = text("instructionsFilePath").map(PathBuf::from).filter(|p| p.is_absolute());
    if let Some(file) = external {
        let entry = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let root = file.parent().map(Path::to_owned).unwrap_or_default();
        return Bundle { root, entry, external: true };
    }
    Bundle {
        root: paths.instructions(agent.id),
        entry: text("instructionsEntryFile").unwrap_or("AGENTS.md").to_owned(),
        external: false,
    }
}

/// A path below the root, or a refusal: no way out, no links.
fn within(root: &Path, name: &str) -> Answer<PathBuf> {
    let relative = Path::new(name);
    let plain = relative.components().all(|c| matches!(c, std::path::Component::Normal(_)));
    if name.is_empty() || !plain || name.contains('\\') {
        return Err(ApiError::unprocessable("The path must lie within the instructions' folder"));
    }
    let path = root.join(relative);
    let mut at = root.to_owned();
    for part in relative.components() {
        at.push(part);
        if at.symlink_metadata().is_ok_and(|m| m.is_symlink()) {
            return Err(ApiError::unprocessable("The path leads through a link"));
        }
    }
    Ok(path)
}

fn write(path: &Path, content: &str) -> Answer<()> {
    let cannot = |e: std::io::Error| ApiError::internal(format!("The file cannot be written: {e}"));
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(cannot)?;
    }
    // Whole or not at all: an agent may be reading it.
    let partial = path.with_extension("partial");
    std::fs::write(&partial, content).map_err(cannot)?;
    std::fs::rename(&partial, path).map_err(cannot)
}

fn summary(root: &Path, path: &Path, entry: &str, editable: bool) -> Option<InstructionsFileSummary> {
    let name = path.strip_prefix(root).ok()?.to_str()?.to_owned();
    let markdown = name.ends_with(".md");
    Some(InstructionsFileSummary {
        size: path.metadata().ok()?.len(),
        language: if markdown { "markdown" } else { "text" }.to_owned(),
        markdown,
        is_entry_file: name == entry,
        editable,
        deprecated: false,
        r#virtual: false,
        path: name,
    })
}

fn list(root: &Path, entry: &str, editable: bool) -> Vec<InstructionsFileSummary> {
    let mut out = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for e in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let Ok(kind) = e.file_type() else { continue };
            if kind.is_dir() {
                open.push(e.path());
            } else if kind.is_file() && out.len() < MAX_FILES {
                out.extend(summary(root, &e.path(), entry, editable));
            }
        }
    }
    out.sort_by(|a, b| b.is_entry_file.cmp(&a.is_entry_file).then_with(|| a.path.cmp(&b.path)));
    out
}

impl Engine {
    fn instructions(&self, agent: &Agent) -> InstructionsBundle {
        let b = bundle_of(&self.paths, agent);
        let files = list(&b.root, &b.entry, !b.external);
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
        let b = bundle_of(&self.paths, &agent);
        let path = within(&b.root, &q.path)?;
        let content = std::fs::read_to_string(&path).map_err(|_| ApiError::not_found("File"))?;
        let summary =
            summary(&b.root, &path, &b.entry, !b.external).ok_or_else(|| ApiError::not_found("File"))?;
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
        if caller.agent_id().is_some_and(|id| id != agent.id) {
            return Err(ApiError::forbidden("An agent may change only its own instructions"));
        }
        let b = bundle_of(&self.paths, &agent);
        if b.external {
            return Err(ApiError::unprocessable("These instructions are kept outside of the program")
                .with_hint(
                    "Edit the file itself, or clear instructionsFilePath in the agent's configuration.",
                ));
        }
        let path = within(&b.root, &q.path)?;
        write(&path, &q.content)?;
        tx.record(agent.company_id, Kind::Instructions, ChangeOp::Updated, agent.id);
        let details = json!({ "path": &*q.path });
        self.log_agent(&mut tx, caller, &agent, "agent.instructions_updated", details).await?;
        tx.commit().await.answer()?;
        let summary = summary(&b.root, &path, &b.entry, true).ok_or_else(|| ApiError::not_found("File"))?;
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
        let path = within(&b.root, &q.path)?;
        std::fs::remove_file(&path).map_err(|_| ApiError::not_found("File"))?;
        tx.record(agent.company_id, Kind::Instructions, ChangeOp::Deleted, agent.id);
        let details = json!({ "path": &*q.path });
        self.log_agent(&mut tx, caller, &agent, "agent.instructions_deleted", details).await?;
        tx.commit().await.answer()?;
        Ok(self.instructions(&agent))
    }
}
