-- Budgets and approvals: what work costs, what it may cost, and what the board is asked.

-- What was used, a message of a model at a time.
CREATE TABLE cost_events (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    issue_id TEXT REFERENCES issues (id) ON DELETE SET NULL,
    project_id TEXT REFERENCES projects (id) ON DELETE SET NULL,
    goal_id TEXT REFERENCES goals (id) ON DELETE SET NULL,
    heartbeat_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    billing_code TEXT,
    provider TEXT NOT NULL,
    biller TEXT NOT NULL DEFAULT 'unknown',
    billing_type TEXT NOT NULL DEFAULT 'unknown',
    model TEXT NOT NULL,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    cached_input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    -- `cost_micros` rounded, for who reckons in cents. A message costs less than a cent, so sums are of the micros.
    cost_cents INTEGER NOT NULL,
    cost_micros INTEGER NOT NULL,
    -- The message of its run that it is about, or the run's closing correction.
    source_key TEXT,
    occurred_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX cost_events_company_occurred ON cost_events (company_id, occurred_at, cost_micros);
CREATE INDEX cost_events_agent ON cost_events (agent_id);
CREATE INDEX cost_events_issue ON cost_events (issue_id) WHERE issue_id IS NOT NULL;
CREATE INDEX cost_events_project ON cost_events (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX cost_events_goal ON cost_events (goal_id) WHERE goal_id IS NOT NULL;
CREATE INDEX cost_events_run ON cost_events (heartbeat_run_id) WHERE heartbeat_run_id IS NOT NULL;
-- A run's output may be read again; no message of it counts twice.
CREATE UNIQUE INDEX cost_events_once ON cost_events (heartbeat_run_id, source_key) WHERE source_key IS NOT NULL;

-- What a company, an agent or a project spent in a month (UTC, `2026-11`): kept so that a budget is weighed at every
-- message without adding the month up.
CREATE TABLE cost_months (
    scope_type TEXT NOT NULL,
    scope_id TEXT NOT NULL,
    month TEXT NOT NULL,
    micros INTEGER NOT NULL,
    PRIMARY KEY (scope_type, scope_id, month)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER cost_months_insert AFTER INSERT ON cost_events BEGIN
    INSERT INTO cost_months (scope_type, scope_id, month, micros)
        SELECT scope_type, scope_id, strftime('%Y-%m', new.occurred_at / 1000, 'unixepoch'), new.cost_micros FROM (
            SELECT 'company' AS scope_type, new.company_id AS scope_id
            UNION ALL SELECT 'agent', new.agent_id
            UNION ALL SELECT 'project', new.project_id
        ) WHERE scope_id IS NOT NULL
        ON CONFLICT (scope_type, scope_id, month) DO UPDATE SET micros = micros + excluded.micros;
END;
CREATE TRIGGER cost_months_update AFTER UPDATE OF cost_micros ON cost_events WHEN old.cost_micros <> new.cost_micros BEGIN
    UPDATE cost_months SET micros = micros + new.cost_micros - old.cost_micros
        WHERE month = strftime('%Y-%m', new.occurred_at / 1000, 'unixepoch')
          AND ((scope_type = 'company' AND scope_id = new.company_id)
            OR (scope_type = 'agent' AND scope_id = new.agent_id)
            OR (scope_type = 'project' AND scope_id = new.project_id));
END;

CREATE TABLE budget_policies (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    scope_type TEXT NOT NULL,
    scope_id TEXT NOT NULL,
    metric TEXT NOT NULL DEFAULT 'billed_cents',
    window_kind TEXT NOT NULL,
    amount INTEGER NOT NULL DEFAULT 0,
    warn_percent INTEGER NOT NULL DEFAULT 80,
    hard_stop_enabled INTEGER NOT NULL DEFAULT 1,
    notify_enabled INTEGER NOT NULL DEFAULT 1,
    is_active INTEGER NOT NULL DEFAULT 1,
    created_by_user_id TEXT,
    updated_by_user_id TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX budget_policies_scope
    ON budget_policies (company_id, scope_type, scope_id, metric, window_kind);
CREATE INDEX budget_policies_of ON budget_policies (scope_id);

CREATE TABLE approvals (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    requested_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    requested_by_user_id TEXT,
    status TEXT NOT NULL DEFAULT 'pending',
    payload TEXT NOT NULL,
    decision_note TEXT,
    decided_by_user_id TEXT,
    decided_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX approvals_company ON approvals (company_id, created_at);
CREATE INDEX approvals_open ON approvals (company_id, status) WHERE status IN ('pending', 'revision_requested');

CREATE TABLE approval_comments (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    approval_id TEXT NOT NULL REFERENCES approvals (id) ON DELETE CASCADE,
    author_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    author_user_id TEXT,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX approval_comments_approval ON approval_comments (approval_id, created_at);

CREATE TABLE issue_approvals (
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    approval_id TEXT NOT NULL REFERENCES approvals (id) ON DELETE CASCADE,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    linked_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    linked_by_user_id TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (issue_id, approval_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX issue_approvals_approval ON issue_approvals (approval_id);

CREATE TABLE budget_incidents (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    policy_id TEXT NOT NULL REFERENCES budget_policies (id) ON DELETE CASCADE,
    scope_type TEXT NOT NULL,
    scope_id TEXT NOT NULL,
    metric TEXT NOT NULL,
    window_kind TEXT NOT NULL,
    window_start INTEGER NOT NULL,
    window_end INTEGER NOT NULL,
    threshold_type TEXT NOT NULL,
    amount_limit INTEGER NOT NULL,
    amount_observed INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'open',
    approval_id TEXT REFERENCES approvals (id) ON DELETE SET NULL,
    resolved_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX budget_incidents_policy ON budget_incidents (policy_id, created_at);
CREATE INDEX budget_incidents_approval ON budget_incidents (approval_id) WHERE approval_id IS NOT NULL;
CREATE INDEX budget_incidents_open ON budget_incidents (company_id) WHERE status = 'open';
-- One incident a limit, window and threshold; crossed again after a raise, the same one opens again.
CREATE UNIQUE INDEX budget_incidents_once ON budget_incidents (policy_id, window_start, threshold_type)
    WHERE status <> 'dismissed';

-- What a run at work has set aside of the budgets it works under, in millionths of a dollar.
ALTER TABLE heartbeat_runs ADD COLUMN reserved_micros INTEGER NOT NULL DEFAULT 0;
-- The stable word for why a run is to end, where it is not that somebody stopped it.
ALTER TABLE heartbeat_runs ADD COLUMN cancel_code TEXT;

-- What was spent and set before budgets were kept.
INSERT INTO cost_events (id, company_id, agent_id, issue_id, project_id, heartbeat_run_id, provider, biller,
    billing_type, model, input_tokens, cached_input_tokens, output_tokens, cost_cents, cost_micros, source_key,
    occurred_at, created_at)
SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a'
        || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    r.company_id, r.agent_id, i.id, i.project_id, r.id,
    coalesce(json_extract(r.usage_json, '$.provider'), 'unknown'),
    coalesce(json_extract(r.usage_json, '$.biller'), 'unknown'),
    json_extract(r.usage_json, '$.billingType'),
    coalesce(json_extract(r.usage_json, '$.model'), 'unknown'),
    coalesce(json_extract(r.usage_json, '$.inputTokens'), 0),
    coalesce(json_extract(r.usage_json, '$.cachedInputTokens'), 0),
    coalesce(json_extract(r.usage_json, '$.outputTokens'), 0),
    CAST(round(json_extract(r.usage_json, '$.costUsd') * 100) AS INTEGER),
    CAST(round(json_extract(r.usage_json, '$.costUsd') * 1000000) AS INTEGER),
    'total', r.finished_at, r.finished_at
FROM heartbeat_runs r LEFT JOIN issues i ON i.id = r.issue_id
WHERE r.finished_at IS NOT NULL AND json_extract(r.usage_json, '$.billingType') IN ('metered_api', 'unknown')
  AND json_extract(r.usage_json, '$.costUsd') > 0;

INSERT INTO budget_policies (id, company_id, scope_type, scope_id, window_kind, amount, created_at, updated_at)
SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a'
        || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    company_id, scope_type, id, 'calendar_month_utc', amount, updated_at, updated_at
FROM (
    SELECT id, id AS company_id, 'company' AS scope_type, budget_monthly_cents AS amount, updated_at FROM companies
    UNION ALL SELECT id, company_id, 'agent', budget_monthly_cents, updated_at FROM agents
) WHERE amount > 0;
