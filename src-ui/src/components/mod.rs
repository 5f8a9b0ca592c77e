//! Widgets that several pages share.

pub mod about_form;
pub mod agent_form;
pub mod approval;
pub mod base;
pub mod budget;
pub mod composer;
pub mod dialog;
pub mod editor;
pub mod icons;
pub mod interaction;
pub mod issue_row;
pub mod menu;
pub mod new_issue;
pub mod open_issues;
pub mod palette;
pub mod pickers;
pub mod project_form;
pub mod raw_log;
pub mod run_list;
pub mod shell;
pub mod sidebar;
pub mod tape;
pub mod toasts;
pub mod transcript;
pub mod tree_dialog;
pub mod virtual_list;
