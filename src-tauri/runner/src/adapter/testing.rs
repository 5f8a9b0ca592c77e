//! What the tests of adapters share.

use std::collections::BTreeMap;

use contract::{AgentId, CompanyId, JsonObject, RunId, Timestamp};

use super::{PromptParts, RunContext};
use crate::host::{ExitReport, Progress};

pub fn run_context() -> RunContext {
    let id = uuid::Uuid::from_u128;
    RunContext {
        run_id: RunId(id(1)),
        agent_id: AgentId(id(2)),
        agent_name: "Ada".into(),
        company_id: CompanyId(id(3)),
        config: JsonObject::new(),
        session: None,
        prompt: PromptParts::default(),
        env: BTreeMap::new(),
        env_overlay: BTreeMap::new(),
        run_token: None,
        api_url: "http://127.0.0.1:3100".into(),
        workspace_cwd: None,
        agent_home: std::env::temp_dir(),
        bundle_root: std::env::temp_dir(),
        instructions: None,
        skills: Vec::new(),
        demo_agent: Vec::new(),
        secrets: Vec::new(),
    }
}

/// A command that ended by itself.
pub fn exited(code: i32) -> ExitReport {
    ExitReport {
        attempt: 1,
        started: None,
        spawn_failure: None,
        exit_code: Some(code),
        signal: None,
        kill: None,
        at: Timestamp::from_millis(0),
        reaped: 0,
        progress: Progress::default(),
        log_truncated: None,
    }
}
