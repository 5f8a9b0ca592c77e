-- One open issue at a time asks for the way out of a halt.
CREATE UNIQUE INDEX issues_open_unblocking ON issues (company_id, origin_kind, origin_id)
    WHERE origin_kind = 'harness_liveness_escalation' AND origin_id IS NOT NULL AND hidden_at IS NULL
      AND status NOT IN ('done', 'cancelled');

-- A conversation is gone on with by one run at a time: one run at work for an agent and a task that is no issue.
UPDATE heartbeat_runs SET task_key = NULL
    WHERE issue_id IS NULL AND task_key IS NOT NULL AND status = 'running' AND rowid NOT IN (
        SELECT min(rowid) FROM heartbeat_runs
        WHERE issue_id IS NULL AND task_key IS NOT NULL AND status = 'running' GROUP BY agent_id, task_key);
CREATE UNIQUE INDEX runs_one_at_work_per_task ON heartbeat_runs (agent_id, task_key)
    WHERE issue_id IS NULL AND task_key IS NOT NULL AND status = 'running';
