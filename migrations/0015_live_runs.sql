-- An agent's live runs are few among thousands that are over: they are found without reading past those.
CREATE INDEX runs_agent_live ON heartbeat_runs (agent_id, created_at)
    WHERE status IN ('queued', 'scheduled_retry', 'running');
-- Issues of a kind that the program makes itself, among all such.
CREATE INDEX issues_of_kind ON issues (origin_kind, created_at) WHERE origin_kind <> 'manual';
