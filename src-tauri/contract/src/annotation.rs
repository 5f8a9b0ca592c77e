//! Where a thread of annotations is attached in a document's text.
//!
//! The selector is Paperclip's, so all its offsets count UTF-16 code units, as strings do in JavaScript.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::Text;
use crate::words::words;

/// What was selected; the longest that Paperclip takes.
pub type Exact = Text<1, 10_000>;
/// What stands on one side of it.
pub type Beside = Text<0, 1000>;

/// The selected words as a reader sees them, and what stands before and after them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TextQuote {
    pub exact: Exact,
    #[serde(default)]
    pub prefix: Beside,
    #[serde(default)]
    pub suffix: Beside,
}

/// Where the words stand: in the text as a reader sees it, and in the Markdown that it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TextPosition {
    pub normalized_start: u32,
    pub normalized_end: u32,
    pub markdown_start: u32,
    pub markdown_end: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnchorSelector {
    pub quote: TextQuote,
    pub position: TextPosition,
}

words! {
    /// How far a thread still stands where it was put.
    pub enum AnchorState {
        Active = "active",
        /// It has a place, but its text was edited, or could as well stand elsewhere.
        Stale = "stale",
        /// Its text is gone. It is tried again at every revision, and can be attached by hand.
        Orphaned = "orphaned",
    }
}

words! {
    /// How sure the place of a thread is.
    pub enum AnchorConfidence {
        Exact = "exact",
        /// The words stand in several places, and this one is clearly meant.
        Duplicate = "duplicate",
        /// Words much like them.
        Fuzzy = "fuzzy",
        /// Several places could be meant as well.
        Ambiguous = "ambiguous",
        Missing = "missing",
    }
}

words! {
    /// What a revision did to the place of a thread.
    pub enum AnchorReason {
        Unchanged = "unchanged",
        /// Only what stands before it became longer or shorter.
        Shifted = "shifted",
        Moved = "moved",
        Edited = "edited",
        MovedAndEdited = "moved_and_edited",
        /// The words were gone or edited, and are as they were.
        Restored = "restored",
        SeveralPlaces = "several_places",
        Gone = "gone",
    }
}

words! {
    /// Why a selector was refused.
    pub enum AnchorMismatch {
        /// It is empty, ends before it begins, or reaches beyond the document.
        InvalidRange = "invalid_range",
        /// The document does not have these words.
        QuoteMismatch = "quote_mismatch",
        /// It has them, but not there, or not there alone.
        PositionMismatch = "position_mismatch",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_read_strictly_and_written_as_paperclip_does() {
        let json = serde_json::json!({
            "quote": { "exact": "words" },
            "position": { "normalizedStart": 0, "normalizedEnd": 5, "markdownStart": 2, "markdownEnd": 7 },
        });
        let selector: AnchorSelector = serde_json::from_value(json.clone()).unwrap();
        let mut full = json.clone();
        full["quote"] = serde_json::json!({ "exact": "words", "prefix": "", "suffix": "" });
        assert_eq!(serde_json::to_value(&selector).unwrap(), full);
        let read = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut json = json.clone();
            change(&mut json);
            serde_json::from_value::<AnchorSelector>(json).is_ok()
        };
        assert!(read(&|_| {}));
        assert!(!read(&|j| j["quote"]["exact"] = "".into()));
        assert!(!read(&|j| j["quote"]["exact"] = "x".repeat(10_001).into()));
        assert!(!read(&|j| j["quote"]["prefix"] = "x".repeat(1001).into()));
        assert!(!read(&|j| j["position"]["markdownEnd"] = (-1).into()));
        assert!(!read(&|j| j["position"]["line"] = 1.into()));
    }
}
