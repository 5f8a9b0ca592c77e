//! The window of Paperclip Desktop.
//!
//! Pages are in `pages`, shared widgets in `components`, what the whole window shares in `state`, the way to the core
//! in `ipc` and `api`. Rules that need no browser (`format`, `labels`, `markdown`, `diff`, `merge`, `filters`, `virtual_window`,
//! `thread`, `api::feed`, `state::route`) are plain functions with native tests.
//!
//! # Names for tests that drive the window (`data-testid`)
//!
//! | name | what |
//! | --- | --- |
//! | `nav-dashboard`, `nav-waiting`, `nav-issues`, `nav-agents`, `nav-projects`, `nav-activity`, `nav-settings`, `nav-new-issue`, `nav-search`, `nav-company` | sidebar |
//! | `onboarding`, `onboarding-company-name`, `onboarding-mission`, `onboarding-next`, `onboarding-back`, `onboarding-agent-name`, `onboarding-adapter-TYPE` (and `onboarding-adapter-demo`), `onboarding-test`, `onboarding-issue-title`, `onboarding-create-issue` | first start |
//! | `new-issue`, `new-issue-title`, `new-issue-description`, `new-issue-status`, `new-issue-priority`, `new-issue-assignee`, `new-issue-labels`, `new-issue-project`, `new-issue-submit` | the dialog |
//! | `issue-list`, `issue-board`, `issue-row` and `issue-card` (with `data-identifier`, `data-status`), `issue-filter`, `issue-search`, `view-list`, `view-board`, `preset-NAME` | issues |
//! | `issue-title`, `issue-status` (with `data-status`), `issue-priority`, `issue-assignee`, `issue-description`, `comment` (with `data-author`), `composer`, `composer-send`, `run-fold`, `run-transcript`, `stop-run`, `wake-now`, `document` (with `data-key`) | an issue |
//! | `document-page`, `document-text`, `document-edit`, `document-editor`, `document-save`, `document-discard`, `document-merge`, `document-comments`, `document-history`, `document-large`, `document-more`, `documents-system`, `kept-draft`, `draft-continue`, `overtaken`, `merged`, `merging`, `conflict`, `keep-mine`, `keep-theirs`, `keep-both`, `merge-use`, `revision` (with `data-number`), `revision-restore`, `compare`, `compare-from`, `compare-to`, `compare-side`, `compare-inline` | documents |
//! | `annotate`, `note`, `note-send`, `new-thread`, `threads`, `threads-open`, `threads-lost`, `threads-resolved`, `thread` (with `data-thread`, `data-state`, `data-status`), `thread-open`, `thread-comment` (with `data-author`), `thread-reply`, `thread-settle`, `thread-attach` | comments on a document's text |
//! | `verdict` (with `data-status`), `verdict-accept`, `verdict-change`, `interaction-document` | a decision about a document |
//! | `interaction-card` (with `data-kind`, `data-status`), `answer-option`, `answer-submit`, `interaction-accept`, `interaction-reject` | cards |
//! | `agent-row` (with `data-name`), `agent-new`, `agent-new-name`, `agent-new-submit`, `agent-pause`, `agent-resume`, `agent-wake`, `agent-save`, `agent-tab-NAME` | agents |
//! | `run-row`, `run-state` (with `data-status`), `transcript-raw`, `transcript-jump`, `cancel-run` | runs |
//! | `menu`, `menu-filter`, `menu-item` (with `data-value`), `palette`, `palette-input`, `palette-item`, `toast`, `confirm-yes` | layers |
//! | each place for Markdown | its name is on the plain field, and on `.cm-content` once the editor has taken its place |
//! | `settings-theme-NAME`, `settings-trust`, `settings-backup-now`, `settings-doctor` | settings |

#![recursion_limit = "256"]

mod api;
mod components;
mod diff;
mod filters;
mod format;
mod ipc;
mod labels;
mod markdown;
mod merge;
mod pages;
mod state;
mod text;
mod thread;
mod transcript;
mod virtual_window;

fn main() {
    std::panic::set_hook(Box::new(|info| {
        ipc::log("error", &format!("the window panicked: {info}"));
        console_error_panic_hook::hook(info);
    }));
    leptos::mount::mount_to_body(components::shell::Root);
}
