//! Where threads of annotations are attached in a document, and how they keep their places while it is edited.
//!
//! A thread is anchored to the text as its reader sees it: by the words that were selected, by what stands around
//! them, and by where they stand. On each revision its place is found again: through the edit itself, else by its words
//! in what the edit brought, else by words much like them. What cannot be found is orphaned, and tried again at the
//! next revision. A wrong place is worse than none.

mod context;
mod diff;
mod edit;
mod follow;
mod lexicon;
mod moves;
mod projection;
mod remap;
mod search;
mod selector;
mod slide;
mod token;
mod utf16;

pub use projection::Projection;
pub use remap::{Anchor, Outcome, remap, remap_projected};
pub use selector::{CONTEXT, NoSelector, select, select_source, verify};

#[cfg(test)]
mod tests;
