//! The editor under the name that its places know.

pub use super::markdown_editor::Editor;
