-- What reviewers and approvers decided, and the issues that are to be looked at again at a set time.

CREATE TABLE issue_execution_decisions (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    stage_id TEXT NOT NULL,
    stage_type TEXT NOT NULL,
    actor_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    actor_user_id TEXT,
    outcome TEXT NOT NULL,
    body TEXT NOT NULL,
    created_by_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX stage_decisions_issue ON issue_execution_decisions (issue_id, created_at);
CREATE INDEX issues_to_look_at ON issues (monitor_next_check_at) WHERE monitor_next_check_at IS NOT NULL;
