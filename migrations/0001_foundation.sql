-- The foundation: companies, agents, issues, runs and the feed of changes.
--
-- Columns follow Paperclip's schema. Ids are UUID text, times are milliseconds since 1970 (UTC),
-- JSON is text. What must never happen twice is a unique partial index, not a check before an insert.
-- Tables with full-text search carry a `seq` of their own, because an implicit rowid may change.

CREATE TABLE companies (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL DEFAULT 'active',
    pause_reason TEXT,
    paused_at INTEGER,
    issue_prefix TEXT NOT NULL,
    issue_counter INTEGER NOT NULL DEFAULT 0,
    budget_monthly_cents INTEGER NOT NULL DEFAULT 0,
    spent_monthly_cents INTEGER NOT NULL DEFAULT 0,
    attachment_max_bytes INTEGER NOT NULL DEFAULT 10485760,
    require_board_approval_for_new_agents INTEGER NOT NULL DEFAULT 0,
    feedback_data_sharing_enabled INTEGER NOT NULL DEFAULT 0,
    brand_color TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX companies_issue_prefix ON companies (issue_prefix);

CREATE TABLE agents (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    url_key TEXT NOT NULL,
    role TEXT NOT NULL DEFAULT 'general',
    title TEXT,
    icon TEXT,
    status TEXT NOT NULL DEFAULT 'idle',
    reports_to TEXT REFERENCES agents (id) ON DELETE SET NULL,
    capabilities TEXT,
    adapter_type TEXT NOT NULL,
    adapter_config TEXT NOT NULL DEFAULT '{}',
    runtime_config TEXT NOT NULL DEFAULT '{}',
    default_environment_id TEXT,
    budget_monthly_cents INTEGER NOT NULL DEFAULT 0,
    spent_monthly_cents INTEGER NOT NULL DEFAULT 0,
    pause_reason TEXT,
    paused_at INTEGER,
    permissions TEXT NOT NULL DEFAULT '{}',
    last_heartbeat_at INTEGER,
    metadata TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX agents_company_status ON agents (company_id, status);
CREATE INDEX agents_company_reports_to ON agents (company_id, reports_to);
-- Two living agents of a company never answer to the same name.
CREATE UNIQUE INDEX agents_company_url_key ON agents (company_id, url_key) WHERE status <> 'terminated';

CREATE TABLE agent_config_revisions (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    created_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    created_by_user_id TEXT,
    source TEXT NOT NULL DEFAULT 'patch',
    rolled_back_from_revision_id TEXT,
    changed_keys TEXT NOT NULL DEFAULT '[]',
    before_config TEXT NOT NULL,
    after_config TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX agent_config_revisions_agent ON agent_config_revisions (agent_id, created_at);

CREATE TABLE agent_api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    key_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX agent_api_keys_hash ON agent_api_keys (key_hash);
CREATE INDEX agent_api_keys_agent ON agent_api_keys (agent_id);

CREATE TABLE goals (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    description TEXT,
    level TEXT NOT NULL DEFAULT 'task',
    status TEXT NOT NULL DEFAULT 'planned',
    parent_id TEXT REFERENCES goals (id) ON DELETE SET NULL,
    owner_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX goals_company ON goals (company_id);

CREATE TABLE projects (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    url_key TEXT NOT NULL,
    goal_id TEXT REFERENCES goals (id) ON DELETE SET NULL,
    name TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL DEFAULT 'backlog',
    lead_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    target_date TEXT,
    color TEXT,
    env TEXT,
    pause_reason TEXT,
    paused_at INTEGER,
    execution_workspace_policy TEXT,
    archived_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX projects_company ON projects (company_id);

CREATE TABLE agent_wakeup_requests (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    trigger_detail TEXT,
    reason TEXT,
    payload TEXT,
    status TEXT NOT NULL DEFAULT 'queued',
    coalesced_count INTEGER NOT NULL DEFAULT 0,
    requested_by_actor_type TEXT,
    requested_by_actor_id TEXT,
    idempotency_key TEXT,
    run_id TEXT,
    issue_id TEXT,
    requested_at INTEGER NOT NULL,
    claimed_at INTEGER,
    finished_at INTEGER,
    error TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX wakeups_company_requested ON agent_wakeup_requests (company_id, requested_at);
CREATE INDEX wakeups_agent_requested ON agent_wakeup_requests (agent_id, requested_at);
CREATE INDEX wakeups_issue_requested ON agent_wakeup_requests (issue_id, requested_at) WHERE issue_id IS NOT NULL;
CREATE INDEX wakeups_run ON agent_wakeup_requests (run_id) WHERE run_id IS NOT NULL;
-- One wait an agent and issue; later wakes merge into it.
CREATE UNIQUE INDEX wakeups_one_deferred ON agent_wakeup_requests (agent_id, issue_id)
    WHERE status = 'deferred_issue_execution';
-- The same wake never runs twice.
CREATE UNIQUE INDEX wakeups_idempotent ON agent_wakeup_requests (agent_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

CREATE TABLE heartbeat_runs (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    invocation_source TEXT NOT NULL DEFAULT 'on_demand',
    trigger_detail TEXT,
    status TEXT NOT NULL DEFAULT 'queued',
    started_at INTEGER,
    finished_at INTEGER,
    error TEXT,
    wakeup_request_id TEXT REFERENCES agent_wakeup_requests (id) ON DELETE SET NULL,
    exit_code INTEGER,
    signal TEXT,
    usage_json TEXT,
    result_json TEXT,
    session_id_before TEXT,
    session_id_after TEXT,
    log_store TEXT,
    log_ref TEXT,
    log_bytes INTEGER,
    log_sha256 TEXT,
    log_compressed INTEGER NOT NULL DEFAULT 0,
    stdout_excerpt TEXT,
    stderr_excerpt TEXT,
    error_code TEXT,
    external_run_id TEXT,
    process_pid INTEGER,
    process_group_id INTEGER,
    process_started_at INTEGER,
    last_output_at INTEGER,
    last_output_seq INTEGER NOT NULL DEFAULT 0,
    last_output_stream TEXT,
    last_output_bytes INTEGER,
    retry_of_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    process_loss_retry_count INTEGER NOT NULL DEFAULT 0,
    scheduled_retry_at INTEGER,
    scheduled_retry_attempt INTEGER NOT NULL DEFAULT 0,
    scheduled_retry_reason TEXT,
    issue_comment_status TEXT NOT NULL DEFAULT 'not_applicable',
    issue_comment_satisfied_by_comment_id TEXT,
    liveness_state TEXT,
    liveness_reason TEXT,
    continuation_attempt INTEGER NOT NULL DEFAULT 0,
    last_useful_action_at INTEGER,
    next_action TEXT,
    context_snapshot TEXT,
    issue_id TEXT,
    -- What the run's session is kept under when it is not about an issue.
    task_key TEXT,
    -- SHA-256 of the run's token; the token is good while the run is running.
    token_hash TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX runs_company_created ON heartbeat_runs (company_id, created_at);
CREATE INDEX runs_agent_created ON heartbeat_runs (agent_id, created_at);
CREATE INDEX runs_issue_created ON heartbeat_runs (issue_id, created_at) WHERE issue_id IS NOT NULL;
CREATE INDEX runs_live ON heartbeat_runs (status, company_id) WHERE status IN ('queued', 'scheduled_retry', 'running');
CREATE INDEX runs_company_finished ON heartbeat_runs (company_id, finished_at) WHERE finished_at IS NOT NULL;
CREATE UNIQUE INDEX runs_token ON heartbeat_runs (token_hash) WHERE token_hash IS NOT NULL;
-- At most one run is on its way or at work on an issue.
CREATE UNIQUE INDEX runs_one_live_per_issue ON heartbeat_runs (issue_id)
    WHERE issue_id IS NOT NULL AND status IN ('queued', 'scheduled_retry', 'running');
-- At most one run waits for an agent and a task that is no issue.
CREATE UNIQUE INDEX runs_one_waiting_per_task ON heartbeat_runs (agent_id, task_key)
    WHERE issue_id IS NULL AND task_key IS NOT NULL AND status IN ('queued', 'scheduled_retry');

CREATE TABLE heartbeat_run_events (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    run_id TEXT NOT NULL REFERENCES heartbeat_runs (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    stream TEXT,
    level TEXT,
    color TEXT,
    message TEXT,
    payload TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX run_events_run_seq ON heartbeat_run_events (run_id, seq);

CREATE TABLE agent_runtime_state (
    agent_id TEXT NOT NULL PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    adapter_type TEXT NOT NULL,
    session_id TEXT,
    state_json TEXT NOT NULL DEFAULT '{}',
    last_run_id TEXT,
    last_run_status TEXT,
    total_input_tokens INTEGER NOT NULL DEFAULT 0,
    total_output_tokens INTEGER NOT NULL DEFAULT 0,
    total_cached_input_tokens INTEGER NOT NULL DEFAULT 0,
    total_cost_cents INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE agent_task_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    adapter_type TEXT NOT NULL,
    task_key TEXT NOT NULL,
    session_params_json TEXT,
    session_display_id TEXT,
    last_run_id TEXT,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX task_sessions_key ON agent_task_sessions (agent_id, adapter_type, task_key);

CREATE TABLE issues (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    project_id TEXT REFERENCES projects (id) ON DELETE SET NULL,
    project_workspace_id TEXT,
    goal_id TEXT REFERENCES goals (id) ON DELETE SET NULL,
    parent_id TEXT REFERENCES issues (id) ON DELETE SET NULL,
    title TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL DEFAULT 'backlog',
    work_mode TEXT NOT NULL DEFAULT 'standard',
    priority TEXT NOT NULL DEFAULT 'medium',
    -- 0 critical … 3 low, so that an index can sort by it.
    priority_rank INTEGER NOT NULL GENERATED ALWAYS AS (
        CASE priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END
    ) VIRTUAL,
    assignee_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    assignee_user_id TEXT,
    checkout_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    execution_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    execution_agent_name_key TEXT,
    execution_locked_at INTEGER,
    created_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    created_by_user_id TEXT,
    issue_number INTEGER,
    identifier TEXT,
    origin_kind TEXT NOT NULL DEFAULT 'manual',
    origin_id TEXT,
    origin_run_id TEXT,
    origin_fingerprint TEXT NOT NULL DEFAULT 'default',
    request_depth INTEGER NOT NULL DEFAULT 0,
    billing_code TEXT,
    assignee_adapter_overrides TEXT,
    execution_policy TEXT,
    execution_state TEXT,
    monitor_next_check_at INTEGER,
    monitor_wake_requested_at INTEGER,
    monitor_last_triggered_at INTEGER,
    monitor_attempt_count INTEGER NOT NULL DEFAULT 0,
    monitor_notes TEXT,
    monitor_scheduled_by TEXT,
    execution_workspace_id TEXT,
    execution_workspace_preference TEXT,
    execution_workspace_settings TEXT,
    started_at INTEGER,
    completed_at INTEGER,
    cancelled_at INTEGER,
    hidden_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK (assignee_agent_id IS NULL OR assignee_user_id IS NULL)
) STRICT;
CREATE UNIQUE INDEX issues_identifier ON issues (identifier) WHERE identifier IS NOT NULL;
CREATE INDEX issues_updated ON issues (company_id, updated_at DESC) WHERE hidden_at IS NULL;
CREATE INDEX issues_created ON issues (company_id, created_at DESC) WHERE hidden_at IS NULL;
CREATE INDEX issues_status_updated ON issues (company_id, status, updated_at DESC) WHERE hidden_at IS NULL;
CREATE INDEX issues_priority_updated ON issues (company_id, priority_rank, updated_at DESC) WHERE hidden_at IS NULL;
CREATE INDEX issues_assignee_status ON issues (company_id, assignee_agent_id, status, updated_at DESC);
CREATE INDEX issues_assignee_user ON issues (company_id, assignee_user_id, status) WHERE assignee_user_id IS NOT NULL;
CREATE INDEX issues_parent ON issues (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX issues_project ON issues (project_id, updated_at DESC) WHERE project_id IS NOT NULL;
CREATE INDEX issues_goal ON issues (goal_id) WHERE goal_id IS NOT NULL;
CREATE INDEX issues_origin ON issues (company_id, origin_kind, origin_id) WHERE origin_kind <> 'manual';
CREATE INDEX issues_checkout_run ON issues (checkout_run_id) WHERE checkout_run_id IS NOT NULL;
CREATE INDEX issues_execution_run ON issues (execution_run_id) WHERE execution_run_id IS NOT NULL;
CREATE UNIQUE INDEX issues_open_routine_execution ON issues (company_id, origin_kind, origin_id, origin_fingerprint)
    WHERE origin_kind = 'routine_execution' AND status NOT IN ('done', 'cancelled') AND hidden_at IS NULL;

CREATE TABLE issue_comments (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    author_type TEXT NOT NULL,
    author_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    author_user_id TEXT,
    created_by_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    body TEXT NOT NULL,
    presentation TEXT,
    metadata TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX comments_issue ON issue_comments (issue_id, seq);
CREATE INDEX comments_run ON issue_comments (created_by_run_id) WHERE created_by_run_id IS NOT NULL;

CREATE TABLE labels (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    color TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX labels_company_name ON labels (company_id, name);

CREATE TABLE issue_labels (
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    label_id TEXT NOT NULL REFERENCES labels (id) ON DELETE CASCADE,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (issue_id, label_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX issue_labels_label ON issue_labels (label_id);

CREATE TABLE issue_relations (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    -- issue_id blocks related_issue_id
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    related_issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    created_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    created_by_user_id TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK (issue_id <> related_issue_id)
) STRICT;
CREATE UNIQUE INDEX relations_edge ON issue_relations (issue_id, related_issue_id, type);
CREATE INDEX relations_related ON issue_relations (related_issue_id);

CREATE TABLE issue_reference_mentions (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    source_issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    target_issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    source_kind TEXT NOT NULL,
    -- The comment or document the mention stands in; the issue itself for title and description.
    source_record_id TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX mentions_edge ON issue_reference_mentions (source_issue_id, target_issue_id, source_kind, source_record_id);
CREATE INDEX mentions_target ON issue_reference_mentions (target_issue_id);

CREATE TABLE issue_read_states (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    last_read_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX read_states_key ON issue_read_states (issue_id, user_id);

CREATE TABLE documents (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    title TEXT,
    format TEXT NOT NULL DEFAULT 'markdown',
    latest_body TEXT NOT NULL,
    latest_revision_id TEXT,
    latest_revision_number INTEGER NOT NULL DEFAULT 1,
    created_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    created_by_user_id TEXT,
    updated_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    updated_by_user_id TEXT,
    locked_at INTEGER,
    locked_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    locked_by_user_id TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX documents_issue_key ON documents (issue_id, key);

CREATE TABLE document_revisions (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    revision_number INTEGER NOT NULL,
    title TEXT,
    format TEXT NOT NULL DEFAULT 'markdown',
    body TEXT NOT NULL,
    change_summary TEXT,
    created_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    created_by_user_id TEXT,
    created_by_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX document_revisions_number ON document_revisions (document_id, revision_number);

CREATE TABLE issue_thread_interactions (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    continuation_policy TEXT NOT NULL DEFAULT 'wake_assignee',
    idempotency_key TEXT,
    source_comment_id TEXT,
    source_run_id TEXT,
    title TEXT,
    summary TEXT,
    created_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    created_by_user_id TEXT,
    resolved_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    resolved_by_user_id TEXT,
    payload TEXT NOT NULL,
    result TEXT,
    resolved_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX interactions_issue ON issue_thread_interactions (issue_id, created_at);
CREATE INDEX interactions_pending ON issue_thread_interactions (company_id, issue_id) WHERE status = 'pending';
CREATE UNIQUE INDEX interactions_idempotent ON issue_thread_interactions (issue_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

CREATE TABLE activity_log (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    actor_type TEXT NOT NULL DEFAULT 'system',
    actor_id TEXT NOT NULL,
    action TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    agent_id TEXT,
    run_id TEXT,
    details TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX activity_company ON activity_log (company_id, seq);
CREATE INDEX activity_entity ON activity_log (entity_type, entity_id, seq);
CREATE INDEX activity_run ON activity_log (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE changes (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    company_id TEXT,
    kind TEXT NOT NULL,
    op TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    payload TEXT,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE instance_settings (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    general TEXT NOT NULL DEFAULT '{}',
    experimental TEXT NOT NULL DEFAULT '{}',
    -- Set while the operator has paused everything.
    paused_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Full-text search. The content stays in its own table; triggers keep the index in the same transaction.

CREATE VIRTUAL TABLE issues_search USING fts5 (
    title, description, content='issues', content_rowid='seq', tokenize='unicode61 remove_diacritics 2'
);
CREATE TRIGGER issues_search_insert AFTER INSERT ON issues BEGIN
    INSERT INTO issues_search (rowid, title, description) VALUES (new.seq, new.title, new.description);
END;
CREATE TRIGGER issues_search_delete AFTER DELETE ON issues BEGIN
    INSERT INTO issues_search (issues_search, rowid, title, description)
        VALUES ('delete', old.seq, old.title, old.description);
END;
CREATE TRIGGER issues_search_update AFTER UPDATE OF title, description ON issues
WHEN old.title IS NOT new.title OR old.description IS NOT new.description BEGIN
    INSERT INTO issues_search (issues_search, rowid, title, description)
        VALUES ('delete', old.seq, old.title, old.description);
    INSERT INTO issues_search (rowid, title, description) VALUES (new.seq, new.title, new.description);
END;

CREATE VIRTUAL TABLE comments_search USING fts5 (
    body, content='issue_comments', content_rowid='seq', tokenize='unicode61 remove_diacritics 2'
);
CREATE TRIGGER comments_search_insert AFTER INSERT ON issue_comments BEGIN
    INSERT INTO comments_search (rowid, body) VALUES (new.seq, new.body);
END;
CREATE TRIGGER comments_search_delete AFTER DELETE ON issue_comments BEGIN
    INSERT INTO comments_search (comments_search, rowid, body) VALUES ('delete', old.seq, old.body);
END;
CREATE TRIGGER comments_search_update AFTER UPDATE OF body ON issue_comments WHEN old.body IS NOT new.body BEGIN
    INSERT INTO comments_search (comments_search, rowid, body) VALUES ('delete', old.seq, old.body);
    INSERT INTO comments_search (rowid, body) VALUES (new.seq, new.body);
END;

CREATE VIRTUAL TABLE documents_search USING fts5 (
    title, latest_body, content='documents', content_rowid='seq', tokenize='unicode61 remove_diacritics 2'
);
CREATE TRIGGER documents_search_insert AFTER INSERT ON documents BEGIN
    INSERT INTO documents_search (rowid, title, latest_body) VALUES (new.seq, new.title, new.latest_body);
END;
CREATE TRIGGER documents_search_delete AFTER DELETE ON documents BEGIN
    INSERT INTO documents_search (documents_search, rowid, title, latest_body)
        VALUES ('delete', old.seq, old.title, old.latest_body);
END;
CREATE TRIGGER documents_search_update AFTER UPDATE OF title, latest_body ON documents
WHEN old.title IS NOT new.title OR old.latest_body IS NOT new.latest_body BEGIN
    INSERT INTO documents_search (documents_search, rowid, title, latest_body)
        VALUES ('delete', old.seq, old.title, old.latest_body);
    INSERT INTO documents_search (rowid, title, latest_body) VALUES (new.seq, new.title, new.latest_body);
END;
