-- What was decided about runs that say nothing, and issues of which one may be open at a time: the look at a silent
-- run and the review of an issue that gets nowhere.

CREATE TABLE heartbeat_run_watchdog_decisions (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    run_id TEXT NOT NULL REFERENCES heartbeat_runs (id) ON DELETE CASCADE,
    evaluation_issue_id TEXT REFERENCES issues (id) ON DELETE SET NULL,
    decision TEXT NOT NULL,
    snoozed_until INTEGER,
    reason TEXT,
    created_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    created_by_user_id TEXT,
    created_by_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX watchdog_decisions_run ON heartbeat_run_watchdog_decisions (run_id, created_at);
CREATE INDEX watchdog_decisions_evaluation ON heartbeat_run_watchdog_decisions (evaluation_issue_id)
    WHERE evaluation_issue_id IS NOT NULL;

CREATE UNIQUE INDEX issues_open_silent_run_evaluation ON issues (company_id, origin_kind, origin_id)
    WHERE origin_kind = 'stale_active_run_evaluation' AND origin_id IS NOT NULL AND hidden_at IS NULL
      AND status NOT IN ('done', 'cancelled');
CREATE UNIQUE INDEX issues_open_productivity_review ON issues (company_id, origin_kind, origin_id)
    WHERE origin_kind = 'issue_productivity_review' AND origin_id IS NOT NULL AND hidden_at IS NULL
      AND status NOT IN ('done', 'cancelled');
-- What came from one run or issue, also what is closed.
CREATE INDEX issues_by_origin ON issues (origin_id, origin_kind, created_at) WHERE origin_kind <> 'manual';
