-- Retries and recovery: what is tried again and when, and what somebody has to look at.

-- What was decided about an issue that nothing moved.
CREATE TABLE issue_recovery_actions (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    source_issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    recovery_issue_id TEXT REFERENCES issues (id) ON DELETE SET NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'active',
    owner_type TEXT NOT NULL DEFAULT 'agent',
    owner_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    owner_user_id TEXT,
    previous_owner_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    return_owner_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    cause TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    evidence TEXT NOT NULL DEFAULT '{}',
    next_action TEXT NOT NULL,
    wake_policy TEXT,
    monitor_policy TEXT,
    attempt_count INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER,
    timeout_at INTEGER,
    last_attempt_at INTEGER,
    outcome TEXT,
    resolution_note TEXT,
    resolved_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX recovery_actions_source ON issue_recovery_actions (source_issue_id, created_at);
CREATE INDEX recovery_actions_open ON issue_recovery_actions (company_id) WHERE status IN ('active', 'escalated');
-- One open recovery an issue: there is no recovery of a recovery.
CREATE UNIQUE INDEX recovery_actions_one_open ON issue_recovery_actions (source_issue_id)
    WHERE status IN ('active', 'escalated');

-- An account with a provider that turned requests away. Whoever uses it waits; after `blocked_until` one run tries
-- whether it takes requests again, and the others wait for what comes of that.
CREATE TABLE provider_accounts (
    account TEXT NOT NULL PRIMARY KEY,
    blocked_until INTEGER NOT NULL,
    -- Turned away so often in a row.
    refusals INTEGER NOT NULL DEFAULT 1,
    reason TEXT,
    probe_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- The account that the run's agent used.
ALTER TABLE heartbeat_runs ADD COLUMN provider_account TEXT;

CREATE INDEX runs_due ON heartbeat_runs (scheduled_retry_at) WHERE status = 'scheduled_retry';
-- The work that something must move: an agent's, and open.
CREATE INDEX issues_to_move ON issues (status, assignee_agent_id)
    WHERE status IN ('todo', 'in_progress') AND assignee_agent_id IS NOT NULL AND hidden_at IS NULL;
