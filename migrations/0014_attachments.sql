-- Files of issues and their comments. The bytes lie in the data folder, by the asset's key.

CREATE TABLE assets (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    provider TEXT NOT NULL DEFAULT 'local_disk',
    object_key TEXT NOT NULL,
    content_type TEXT NOT NULL,
    byte_size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    original_filename TEXT,
    created_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    created_by_user_id TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX assets_object_key ON assets (object_key);
CREATE INDEX assets_company ON assets (company_id);
CREATE INDEX assets_agent ON assets (created_by_agent_id);

CREATE TABLE issue_attachments (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    asset_id TEXT NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    issue_comment_id TEXT REFERENCES issue_comments (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX issue_attachments_asset ON issue_attachments (asset_id);
CREATE INDEX issue_attachments_issue ON issue_attachments (issue_id, created_at);
CREATE INDEX issue_attachments_company ON issue_attachments (company_id);
CREATE INDEX issue_attachments_comment ON issue_attachments (issue_comment_id) WHERE issue_comment_id IS NOT NULL;

-- An asset goes with what it is attached to; its file is swept.
CREATE TRIGGER issue_attachments_delete AFTER DELETE ON issue_attachments BEGIN
    DELETE FROM assets WHERE id = old.asset_id;
END;

-- What an issue brought forth: a branch, a pull request, a page to look at.
CREATE TABLE issue_work_products (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    project_id TEXT REFERENCES projects (id) ON DELETE SET NULL,
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    execution_workspace_id TEXT REFERENCES execution_workspaces (id) ON DELETE SET NULL,
    runtime_service_id TEXT,
    kind TEXT NOT NULL,
    provider TEXT NOT NULL,
    external_id TEXT,
    title TEXT NOT NULL,
    url TEXT,
    status TEXT NOT NULL,
    review_state TEXT NOT NULL DEFAULT 'none',
    is_primary INTEGER NOT NULL DEFAULT 0,
    health_status TEXT NOT NULL DEFAULT 'unknown',
    summary TEXT,
    metadata TEXT,
    created_by_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX work_products_issue ON issue_work_products (issue_id, created_at);
CREATE INDEX work_products_project ON issue_work_products (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX work_products_workspace ON issue_work_products (execution_workspace_id)
    WHERE execution_workspace_id IS NOT NULL;
CREATE INDEX work_products_run ON issue_work_products (created_by_run_id) WHERE created_by_run_id IS NOT NULL;
-- One a issue is shown before all others.
CREATE UNIQUE INDEX work_products_one_primary ON issue_work_products (issue_id) WHERE is_primary = 1;
CREATE INDEX work_products_primary ON issue_work_products (company_id) WHERE is_primary = 1;
