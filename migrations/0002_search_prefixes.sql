-- Search looks for the beginning of the last word. With the beginnings of two and three letters in an index of
-- their own, a common one is read newest first, as a whole word is, and not collected from all its words first.
-- The triggers of the content tables go on as they are.

DROP TABLE issues_search;
CREATE VIRTUAL TABLE issues_search USING fts5 (
    title, description, content='issues', content_rowid='seq', tokenize='unicode61 remove_diacritics 2', prefix='2 3'
);
INSERT INTO issues_search (issues_search) VALUES ('rebuild');

DROP TABLE comments_search;
CREATE VIRTUAL TABLE comments_search USING fts5 (
    body, content='issue_comments', content_rowid='seq', tokenize='unicode61 remove_diacritics 2', prefix='2 3'
);
INSERT INTO comments_search (comments_search) VALUES ('rebuild');

DROP TABLE documents_search;
CREATE VIRTUAL TABLE documents_search USING fts5 (
    title, latest_body, content='documents', content_rowid='seq', tokenize='unicode61 remove_diacritics 2',
    prefix='2 3'
);
INSERT INTO documents_search (documents_search) VALUES ('rebuild');
