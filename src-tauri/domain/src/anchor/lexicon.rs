//! Words as numbers, so that each is read once.

use std::collections::HashMap;
use std::ops::Range;

use super::token::{weight, words};

/// The words of two texts.
#[derive(Debug, Default)]
pub(super) struct Lexicon<'a> {
    known: HashMap<&'a str, u32>,
    worth: Vec<u32>,
}

/// Words of a text, in order: their numbers, and where they stand.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub ids: Vec<u32>,
    pub at: Vec<Range<usize>>,
}

impl Words {
    /// From where the first of them begins to where the last one ends.
    pub(super) fn span(&self, n: Range<usize>) -> Range<usize> {
        match (self.at.get(n.start), n.end.checked_sub(1).and_then(|last| self.at.get(last))) {
            (Some(first), Some(last)) if n.start < n.end => first.start..last.end,
            _ => 0..0,
        }
    }
}

impl<'a> Lexicon<'a> {
    fn id(&mut self, word: &'a str) -> u32 {
        let next = super::utf16::narrow(self.worth.len());
        let id = *self.known.entry(word).or_insert(next);
        if id == next {
            self.worth.push(weight(word));
        }
        id
    }

    /// Adds the words of a stretch of a text.
    pub(super) fn read(&mut self, text: &'a str, range: Range<usize>, into: &mut Words) {
        for word in words(&text[range.clone()], range.start) {
            into.ids.push(self.id(&text[word.clone()]));
            into.at.push(word);
        }
    }

    pub(super) fn find(&self, word: &str) -> Option<u32> {
        self.known.get(word).copied()
    }

    pub(super) fn worth(&self, id: u32) -> u32 {
        self.worth.get(id as usize).copied().unwrap_or(0)
    }

    pub(super) fn len(&self) -> usize {
        self.worth.len()
    }
}
