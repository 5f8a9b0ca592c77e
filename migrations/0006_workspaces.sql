-- Workspaces: where projects have their code, where issues are worked on, what was done there, and what is kept.

CREATE TABLE project_workspaces (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    source_type TEXT NOT NULL DEFAULT 'local_path',
    cwd TEXT,
    repo_url TEXT,
    repo_ref TEXT,
    default_ref TEXT,
    visibility TEXT NOT NULL DEFAULT 'default',
    setup_command TEXT,
    cleanup_command TEXT,
    remote_provider TEXT,
    remote_workspace_ref TEXT,
    shared_workspace_key TEXT,
    metadata TEXT,
    runtime_config TEXT,
    is_primary INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX project_workspaces_project ON project_workspaces (project_id, created_at);
CREATE UNIQUE INDEX project_workspaces_one_primary ON project_workspaces (project_id) WHERE is_primary = 1;
CREATE UNIQUE INDEX project_workspaces_remote ON project_workspaces (project_id, remote_provider, remote_workspace_ref)
    WHERE remote_provider IS NOT NULL AND remote_workspace_ref IS NOT NULL;

CREATE TABLE execution_workspaces (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    project_workspace_id TEXT REFERENCES project_workspaces (id) ON DELETE SET NULL,
    source_issue_id TEXT REFERENCES issues (id) ON DELETE SET NULL,
    mode TEXT NOT NULL,
    strategy_type TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'active',
    cwd TEXT,
    repo_url TEXT,
    base_ref TEXT,
    branch_name TEXT,
    provider_type TEXT NOT NULL DEFAULT 'local_fs',
    provider_ref TEXT,
    derived_from_execution_workspace_id TEXT REFERENCES execution_workspaces (id) ON DELETE SET NULL,
    last_used_at INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    cleanup_eligible_at INTEGER,
    cleanup_reason TEXT,
    config TEXT,
    metadata TEXT,
    owner_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    repo_root TEXT,
    base_commit TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX execution_workspaces_company_used ON execution_workspaces (company_id, last_used_at);
CREATE INDEX execution_workspaces_issue ON execution_workspaces (source_issue_id, opened_at)
    WHERE source_issue_id IS NOT NULL;
CREATE INDEX execution_workspaces_live ON execution_workspaces (company_id) WHERE closed_at IS NULL;
-- An issue has one open workspace a mode.
CREATE UNIQUE INDEX execution_workspaces_one_live ON execution_workspaces (source_issue_id, mode)
    WHERE source_issue_id IS NOT NULL AND closed_at IS NULL;
-- A worktree belongs to one open workspace.
CREATE UNIQUE INDEX execution_workspaces_one_folder ON execution_workspaces (cwd)
    WHERE cwd IS NOT NULL AND closed_at IS NULL AND strategy_type = 'git_worktree';

CREATE TABLE workspace_operations (
    -- Several may stand at the same millisecond; the order tells which came last.
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    execution_workspace_id TEXT REFERENCES execution_workspaces (id) ON DELETE SET NULL,
    heartbeat_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    phase TEXT NOT NULL,
    command TEXT,
    cwd TEXT,
    status TEXT NOT NULL DEFAULT 'running',
    exit_code INTEGER,
    log_store TEXT,
    log_ref TEXT,
    log_bytes INTEGER,
    log_sha256 TEXT,
    log_compressed INTEGER NOT NULL DEFAULT 0,
    stdout_excerpt TEXT,
    stderr_excerpt TEXT,
    metadata TEXT,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX workspace_operations_workspace ON workspace_operations (execution_workspace_id, seq)
    WHERE execution_workspace_id IS NOT NULL;
CREATE INDEX workspace_operations_run ON workspace_operations (heartbeat_run_id, seq)
    WHERE heartbeat_run_id IS NOT NULL;
CREATE INDEX workspace_operations_pending ON workspace_operations (seq) WHERE status = 'running';

-- Outlives its company: what is kept on disk is deleted at its time, whoever it belonged to.
CREATE TABLE workspace_trash (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT REFERENCES companies (id) ON DELETE SET NULL,
    execution_workspace_id TEXT REFERENCES execution_workspaces (id) ON DELETE SET NULL,
    issue_id TEXT REFERENCES issues (id) ON DELETE SET NULL,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    repo_root TEXT,
    snapshot_ref TEXT,
    folder TEXT,
    branch_name TEXT,
    has_unsaved_work INTEGER NOT NULL DEFAULT 0,
    ignored_count INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    restored_at INTEGER
) STRICT;
CREATE INDEX workspace_trash_company ON workspace_trash (company_id, created_at);
CREATE INDEX workspace_trash_issue ON workspace_trash (issue_id) WHERE issue_id IS NOT NULL;
CREATE INDEX workspace_trash_expiry ON workspace_trash (expires_at);

CREATE INDEX issues_execution_workspace ON issues (execution_workspace_id) WHERE execution_workspace_id IS NOT NULL;
