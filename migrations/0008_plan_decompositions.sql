-- Accepted plans that become issues. One claim a plan: the same plan is never decomposed twice.

CREATE TABLE issue_plan_decompositions (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    source_issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    accepted_plan_revision_id TEXT NOT NULL REFERENCES document_revisions (id) ON DELETE CASCADE,
    accepted_interaction_id TEXT REFERENCES issue_thread_interactions (id) ON DELETE SET NULL,
    status TEXT NOT NULL DEFAULT 'in_flight',
    request_fingerprint TEXT NOT NULL,
    requested_child_count INTEGER NOT NULL DEFAULT 0,
    requested_children TEXT NOT NULL DEFAULT '[]',
    child_issue_ids TEXT NOT NULL DEFAULT '[]',
    owner_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    owner_user_id TEXT,
    owner_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    completed_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX plan_decompositions_once ON issue_plan_decompositions (source_issue_id, accepted_plan_revision_id);
CREATE INDEX plan_decompositions_open ON issue_plan_decompositions (owner_agent_id) WHERE status = 'in_flight';
