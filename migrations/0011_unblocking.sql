-- One open issue at a time asks for the way out of a halt.
CREATE UNIQUE INDEX issues_open_unblocking ON issues (company_id, origin_kind, origin_id)
    WHERE origin_kind = 'harness_liveness_escalation' AND origin_id IS NOT NULL AND hidden_at IS NULL
      AND status NOT IN ('done', 'cancelled');
