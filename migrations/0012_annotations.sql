-- Threads about a piece of a document's text.

CREATE TABLE document_annotation_threads (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    document_key TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'open',
    anchor_state TEXT NOT NULL DEFAULT 'active',
    anchor_confidence TEXT NOT NULL DEFAULT 'exact',
    anchor_reason TEXT NOT NULL DEFAULT 'unchanged',
    original_revision_id TEXT REFERENCES document_revisions (id) ON DELETE SET NULL,
    original_revision_number INTEGER NOT NULL,
    -- The revision in which its place was looked for last.
    current_revision_id TEXT REFERENCES document_revisions (id) ON DELETE SET NULL,
    current_revision_number INTEGER NOT NULL,
    -- What was selected, when it was made or attached by hand; the selector below is where it is now.
    original_quote TEXT NOT NULL,
    anchor_selector TEXT NOT NULL,
    created_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    created_by_user_id TEXT,
    resolved_by_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    resolved_by_user_id TEXT,
    resolved_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX annotation_threads_document ON document_annotation_threads (document_id, status, created_at);
CREATE INDEX annotation_threads_issue ON document_annotation_threads (issue_id, status);

CREATE TABLE document_annotation_comments (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    thread_id TEXT NOT NULL REFERENCES document_annotation_threads (id) ON DELETE CASCADE,
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    author_type TEXT NOT NULL,
    author_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    author_user_id TEXT,
    created_by_run_id TEXT REFERENCES heartbeat_runs (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX annotation_comments_thread ON document_annotation_comments (thread_id, created_at);

-- What revisions did to the places of threads.
CREATE TABLE document_annotation_anchor_snapshots (
    id TEXT NOT NULL PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    thread_id TEXT NOT NULL REFERENCES document_annotation_threads (id) ON DELETE CASCADE,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    from_revision_id TEXT REFERENCES document_revisions (id) ON DELETE SET NULL,
    from_revision_number INTEGER,
    to_revision_id TEXT REFERENCES document_revisions (id) ON DELETE SET NULL,
    to_revision_number INTEGER NOT NULL,
    previous_anchor TEXT NOT NULL,
    next_anchor TEXT,
    anchor_state TEXT NOT NULL,
    anchor_confidence TEXT NOT NULL,
    failure_reason TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX annotation_snapshots_thread ON document_annotation_anchor_snapshots (thread_id, created_at);
