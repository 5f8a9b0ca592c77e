-- Acts on whole trees of issues, and how each found the issues.

CREATE TABLE issue_tree_holds (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    root_issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    mode TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'active',
    reason TEXT,
    release_policy TEXT,
    created_by_actor_type TEXT NOT NULL DEFAULT 'system',
    created_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    created_by_user_id TEXT,
    created_by_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    released_at INTEGER,
    released_by_actor_type TEXT,
    released_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    released_by_user_id TEXT,
    released_by_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    release_reason TEXT,
    release_metadata TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tree_holds_root ON issue_tree_holds (root_issue_id, created_at);
-- Asked for at every wake and start: which trees are paused.
CREATE UNIQUE INDEX tree_holds_one_pause ON issue_tree_holds (root_issue_id) WHERE mode = 'pause' AND status = 'active';

CREATE TABLE issue_tree_hold_members (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    hold_id TEXT NOT NULL REFERENCES issue_tree_holds (id) ON DELETE CASCADE,
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    parent_issue_id TEXT REFERENCES issues (id) ON DELETE SET NULL,
    depth INTEGER NOT NULL DEFAULT 0,
    issue_identifier TEXT,
    issue_title TEXT NOT NULL,
    issue_status TEXT NOT NULL,
    assignee_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    assignee_user_id TEXT,
    active_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    active_run_status TEXT,
    skipped INTEGER NOT NULL DEFAULT 0,
    skip_reason TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX tree_hold_members_once ON issue_tree_hold_members (hold_id, issue_id);
CREATE INDEX tree_hold_members_issue ON issue_tree_hold_members (issue_id);
CREATE INDEX tree_hold_members_run ON issue_tree_hold_members (active_run_id) WHERE active_run_id IS NOT NULL;
