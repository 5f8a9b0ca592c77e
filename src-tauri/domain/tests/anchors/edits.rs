//! Edits as people and agents make them.

use std::ops::Range;

use crate::tagged::{Char, Random, Tagged};

/// Words for what is newly written, so that it shares small words with what is there.
const WORDS: &[&str] = &[
    "the", "a", "of", "to", "and", "in", "is", "that", "for", "on", "with", "we", "it", "not", "by", "this",
    "after", "before", "review", "system", "team", "page", "change", "version", "because", "always",
    "service", "file", "question", "answer", "morning", "together", "report", "simple", "careful", "another",
    "between", "window", "person", "enough", "quickly", "several", "number", "letter", "meeting", "without",
    "machine", "search", "order", "customer", "address", "release", "server", "writes", "decides", "agreed",
    "measure",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Edit {
    MoveBlock,
    MoveSection,
    MoveLine,
    MoveSentence,
    MoveChanged,
    SwapSentences,
    Rename,
    RewriteHalf,
    ChangeWords,
    Typo,
    InsertWords,
    DeleteWords,
    Reflow,
    SplitParagraph,
    JoinParagraphs,
    SplitList,
    JoinList,
    DeleteBlock,
    DeleteLine,
    DeleteSentence,
    BringBack,
    Duplicate,
    NewParagraph,
    NewLine,
    Check,
    Format,
    Nest,
    LineEnds,
}

impl Edit {
    pub const ALL: &[Self] = &[
        Self::MoveBlock,
        Self::MoveSection,
        Self::MoveLine,
        Self::MoveSentence,
        Self::MoveChanged,
        Self::SwapSentences,
        Self::Rename,
        Self::RewriteHalf,
        Self::ChangeWords,
        Self::Typo,
        Self::InsertWords,
        Self::DeleteWords,
        Self::Reflow,
        Self::SplitParagraph,
        Self::JoinParagraphs,
        Self::SplitList,
        Self::JoinList,
        Self::DeleteBlock,
        Self::DeleteLine,
        Self::DeleteSentence,
        Self::BringBack,
        Self::Duplicate,
        Self::NewParagraph,
        Self::NewLine,
        Self::Check,
        Self::Format,
        Self::Nest,
        Self::LineEnds,
    ];
}

/// What was taken away: the characters, and the one that stood before them.
pub type Bin = Vec<(Vec<Char>, Option<u32>)>;

pub struct Editor<'a> {
    pub doc: &'a mut Tagged,
    pub bin: &'a mut Bin,
    pub random: &'a mut Random,
}

impl Editor<'_> {
    pub fn apply(&mut self, edit: Edit) {
        let done = match edit {
            Edit::MoveBlock => self.move_block(false),
            Edit::MoveChanged => self.move_block(true),
            Edit::MoveSection => self.move_section(),
            Edit::MoveLine => self.move_line(),
            Edit::MoveSentence => self.move_sentence(),
            Edit::SwapSentences => self.swap_sentences(),
            Edit::Rename => self.rename(),
            Edit::RewriteHalf => self.rewrite_half(),
            Edit::ChangeWords => self.change_words(),
            Edit::Typo => self.typo(),
            Edit::InsertWords => self.insert_words(),
            Edit::DeleteWords => self.delete_words(),
            Edit::Reflow => self.reflow(),
            Edit::SplitParagraph => self.split_paragraph(),
            Edit::JoinParagraphs => self.join(false),
            Edit::SplitList => self.split_list(),
            Edit::JoinList => self.join(true),
            Edit::DeleteBlock => self.delete(|e| e.block(|_| true)),
            Edit::DeleteLine => self.delete(Self::list_line),
            Edit::DeleteSentence => self.delete(Self::sentence),
            Edit::BringBack => self.bring_back(),
            Edit::Duplicate => self.duplicate(),
            Edit::NewParagraph => self.new_paragraph(),
            Edit::NewLine => self.new_line(),
            Edit::Check => self.check(),
            Edit::Format => self.format(),
            Edit::Nest => self.nest(),
            Edit::LineEnds => self.line_ends(),
        };
        // Some documents have no place for some edits.
        let _ = done;
    }

    fn block(&mut self, fits: impl Fn(&str) -> bool) -> Option<Range<usize>> {
        let all: Vec<_> = self.doc.blocks().into_iter().filter(|b| fits(&self.doc.str(b.clone()))).collect();
        self.random.one(&all).cloned()
    }

    fn paragraph(&mut self) -> Option<Range<usize>> {
        self.block(is_paragraph)
    }

    /// A line of a list or a table, with its end.
    fn list_line(&mut self) -> Option<Range<usize>> {
        let lines = self.doc.lines();
        let all: Vec<_> = lines.into_iter().filter(|l| is_item(&self.doc.str(l.clone()))).collect();
        let line = self.random.one(&all)?.clone();
        Some(line.start..(line.end + 1).min(self.doc.chars.len()))
    }

    fn sentences(&self, within: Range<usize>) -> Vec<Range<usize>> {
        let mut out = Vec::new();
        let mut start = within.start;
        for n in within.clone() {
            let end = matches!(self.doc.chars[n].c, '.' | '?' | '!' | '。')
                && self
                    .doc
                    .chars
                    .get(n + 1)
                    .is_none_or(|c| c.c.is_whitespace() || self.doc.chars[n].c == '。');
            if end && n + 1 > start {
                out.push(start..n + 1);
                start = n + 1;
                while start < within.end && self.doc.chars[start].c.is_whitespace() {
                    start += 1;
                }
            }
        }
        out
    }

    fn sentence(&mut self) -> Option<Range<usize>> {
        let paragraph = self.paragraph()?;
        let all = self.sentences(paragraph);
        self.random.one(&all).cloned()
    }

    fn words(&self, within: Range<usize>) -> Vec<Range<usize>> {
        let seen = self.doc.visible();
        let mut out: Vec<Range<usize>> = Vec::new();
        for n in within.filter(|n| seen[*n]) {
            match out.last_mut() {
                Some(last) if last.end == n => last.end = n + 1,
                _ => out.push(n..n + 1),
            }
        }
        out
    }

    fn phrase(&mut self, words: usize) -> String {
        let picked: Vec<&str> = (0..words).filter_map(|_| self.random.one(WORDS).copied()).collect();
        picked.join(" ")
    }

    fn new_sentence(&mut self) -> String {
        let words = 6 + self.random.below(10);
        format!("Now {}.", self.phrase(words))
    }

    fn move_block(&mut self, edited: bool) -> Option<()> {
        let block = self.block(|t| !t.starts_with('#'))?;
        let block = if edited { self.edited(block) } else { block };
        let range = block.start..(block.end + 2).min(self.doc.chars.len());
        let blocks = self.doc.blocks();
        let places: Vec<_> = blocks.iter().map(|b| b.start).filter(|s| !range.contains(s)).collect();
        let to = *self.random.one(&places)?;
        self.doc.carry(range, to);
        Some(())
    }

    /// Changes about one word in six of a block, and answers where it is then.
    fn edited(&mut self, block: Range<usize>) -> Range<usize> {
        let before = self.doc.chars.len();
        let words = self.words(block.clone());
        for word in words.into_iter().rev() {
            if self.random.chance(16) {
                let new = self.phrase(1);
                self.doc.replace(word, &new);
            }
        }
        block.start..(block.end + self.doc.chars.len()) - before
    }

    fn move_section(&mut self) -> Option<()> {
        let heads: Vec<_> = self
            .doc
            .lines()
            .iter()
            .filter(|l| self.doc.str((*l).clone()).starts_with("## "))
            .map(|l| l.start)
            .collect();
        let n = self.random.below(heads.len().saturating_sub(1));
        let (start, end) = (*heads.get(n)?, *heads.get(n + 1)?);
        let places: Vec<_> = heads.into_iter().filter(|h| *h < start || *h > end).collect();
        let to = *self.random.one(&places)?;
        self.doc.carry(start..end, to);
        Some(())
    }

    fn move_line(&mut self) -> Option<()> {
        let line = self.list_line()?;
        let lines = self.doc.lines();
        let places: Vec<_> = lines
            .iter()
            .filter(|l| is_item(&self.doc.str((*l).clone())) && !line.contains(&l.start))
            .map(|l| l.start)
            .collect();
        let near: Vec<_> = places.iter().copied().filter(|p| p.abs_diff(line.start) < 600).collect();
        let close = self.random.chance(70);
        let to = *self.random.one(if close { &near } else { &places })?;
        self.doc.carry(line, to);
        Some(())
    }

    fn move_sentence(&mut self) -> Option<()> {
        let from = self.sentence()?;
        let to = self.sentence()?;
        if from.contains(&to.start) || from.end == to.start {
            return None;
        }
        self.doc.insert(to.start, " ");
        let (from, at) =
            if to.start <= from.start { (from.start + 1..from.end + 1, to.start) } else { (from, to.start) };
        self.doc.carry(from, at);
        Some(())
    }

    fn swap_sentences(&mut self) -> Option<()> {
        let paragraph = self.paragraph()?;
        let all = self.sentences(paragraph);
        let n = self.random.below(all.len().saturating_sub(1));
        let (a, b) = (all.get(n)?.clone(), all.get(n + 1)?.clone());
        let gap = self.doc.str(a.end..b.start);
        self.doc.insert(b.end, &gap);
        self.doc.carry(a.start..b.start, b.end + gap.chars().count());
        // One space too many may be left at the end; a reader does not see it.
        Some(())
    }

    fn rename(&mut self) -> Option<()> {
        let words = self.words(0..self.doc.chars.len());
        let long: Vec<_> = words.iter().filter(|w| w.len() >= 4).collect();
        let old = self.doc.str((*self.random.one(&long)?).clone());
        let new = if self.random.chance(50) { format!("{old}Set") } else { self.phrase(1) + "ling" };
        for word in words.into_iter().rev().filter(|w| self.doc.str(w.clone()) == old).collect::<Vec<_>>() {
            self.doc.replace(word, &new);
        }
        Some(())
    }

    fn rewrite_half(&mut self) -> Option<()> {
        let sentence = self.sentence()?;
        let words = self.words(sentence);
        let half = words.len() / 2;
        let first = self.random.below(words.len() - half);
        let (start, end) = (words.get(first)?.start, words.get(first + half)?.end);
        let new = self.phrase(half.max(1));
        self.doc.replace(start..end, &new);
        Some(())
    }

    fn change_words(&mut self) -> Option<()> {
        let block = self.block(|_| true)?;
        let words = self.words(block);
        let mut picked: Vec<_> = (0..3).filter_map(|_| self.random.one(&words).cloned()).collect();
        picked.sort_by_key(|w| std::cmp::Reverse(w.start));
        picked.dedup();
        for word in picked {
            let new = self.phrase(1);
            self.doc.replace(word, &new);
        }
        Some(())
    }

    fn typo(&mut self) -> Option<()> {
        let words: Vec<_> = self.words(0..self.doc.chars.len()).into_iter().filter(|w| w.len() > 3).collect();
        let word = self.random.one(&words)?.clone();
        let at = word.start + 1 + self.random.below(word.len() - 2);
        if self.random.chance(50) {
            drop(self.doc.remove(at..at + 1))
        } else {
            self.doc.insert(at, "e")
        }
        Some(())
    }

    fn insert_words(&mut self) -> Option<()> {
        let block = self.block(|t| !t.starts_with("```"))?;
        let words = self.words(block);
        let at = self.random.one(&words)?.start;
        let count = 1 + self.random.below(5);
        let new = self.phrase(count) + " ";
        self.doc.insert(at, &new);
        Some(())
    }

    fn delete_words(&mut self) -> Option<()> {
        let paragraph = self.paragraph()?;
        let words = self.words(paragraph);
        let first = self.random.below(words.len());
        let last = (first + self.random.below(3)).min(words.len() - 1);
        self.doc.remove(words.get(first)?.start..words.get(last)?.end);
        Some(())
    }

    fn reflow(&mut self) -> Option<()> {
        let paragraph = self.paragraph()?;
        let width = 40 + self.random.below(60);
        let mut column = 0;
        for n in paragraph {
            if self.doc.chars[n].c == '\n' {
                self.doc.chars[n].c = ' ';
            }
            column += 1;
            // Not before what would begin a list, a heading or a quote at the start of a line.
            let next = self.doc.chars.get(n + 1).map_or(' ', |c| c.c);
            if self.doc.chars[n].c == ' ' && column > width && next.is_alphabetic() {
                self.doc.chars[n].c = '\n';
                column = 0;
            }
        }
        Some(())
    }

    fn split_paragraph(&mut self) -> Option<()> {
        let paragraph = self.paragraph()?;
        let all = self.sentences(paragraph);
        let at = all.get(1 + self.random.below(all.len().saturating_sub(1)))?.start;
        self.doc.insert(at, "\n\n");
        Some(())
    }

    /// Joins two paragraphs, or two items of a list, into one.
    fn join(&mut self, items: bool) -> Option<()> {
        if items {
            let lines = self.doc.lines();
            let item = |l: &Range<usize>| self.doc.str(l.clone()).starts_with("- ");
            let all: Vec<_> =
                lines.windows(2).filter(|w| item(&w[0]) && item(&w[1])).map(|w| w[1].start).collect();
            let at = *self.random.one(&all)?;
            self.doc.remove(at - 1..at + 2);
            self.doc.insert(at - 1, "; ");
        } else {
            let blocks = self.doc.blocks();
            let text = |b: &Range<usize>| is_paragraph(&self.doc.str(b.clone()));
            let all: Vec<_> = blocks
                .windows(2)
                .filter(|w| text(&w[0]) && text(&w[1]))
                .map(|w| w[0].end..w[1].start)
                .collect();
            let gap = self.random.one(&all)?.clone();
            self.doc.remove(gap.clone());
            self.doc.insert(gap.start, "\n");
        }
        Some(())
    }

    fn split_list(&mut self) -> Option<()> {
        let lines = self.doc.lines();
        let all: Vec<_> = lines
            .windows(2)
            .filter(|w| w.iter().all(|l| self.doc.str(l.clone()).starts_with("- ")))
            .collect();
        let at = self.random.one(&all)?[1].start;
        let new = format!("\n{}\n\n", self.new_sentence());
        self.doc.insert(at, &new);
        Some(())
    }

    fn delete(&mut self, what: impl Fn(&mut Self) -> Option<Range<usize>>) -> Option<()> {
        let range = what(self)?;
        let before = range.start.checked_sub(1).map(|n| self.doc.chars[n].id);
        let gone = self.doc.remove(range);
        self.bin.push((gone, before));
        Some(())
    }

    fn bring_back(&mut self) -> Option<()> {
        if self.bin.is_empty() {
            return None;
        }
        let n = self.random.below(self.bin.len());
        let (chars, before) = self.bin.remove(n);
        let place = before.and_then(|id| self.doc.chars.iter().position(|c| c.id == id)).map(|n| n + 1);
        let elsewhere = self.doc.blocks();
        let at = match place {
            Some(at) if self.random.chance(75) => at,
            _ => self.random.one(&elsewhere)?.start,
        };
        let parted = place != Some(at);
        let end = at + chars.len();
        self.doc.chars.splice(at..at, chars);
        if parted {
            self.doc.insert(end, "\n\n");
        }
        Some(())
    }

    fn duplicate(&mut self) -> Option<()> {
        let block = self.block(|t| !t.starts_with('#'))?;
        let copy = "\n\n".to_owned() + &self.doc.str(block.clone());
        let blocks = self.doc.blocks();
        let to = if self.random.chance(40) { block.end } else { self.random.one(&blocks)?.end };
        self.doc.insert(to, &copy);
        Some(())
    }

    fn new_paragraph(&mut self) -> Option<()> {
        let at = self.block(|_| true)?.start;
        let count = 1 + self.random.below(4);
        let sentences: Vec<_> = (0..count).map(|_| self.new_sentence()).collect();
        self.doc.insert(at, &(sentences.join(" ") + "\n\n"));
        Some(())
    }

    fn new_line(&mut self) -> Option<()> {
        let line = self.list_line()?;
        let text = self.doc.str(line.clone());
        let marker: String = text.chars().take_while(|c| !c.is_alphanumeric() && *c != '`').collect();
        let words = 2 + self.random.below(6);
        let new = match (marker.contains('|'), self.random.chance(25)) {
            (true, _) => format!("| {} | {} |\n", self.phrase(1), self.phrase(words)),
            // The same again, as one does to fill it in later.
            (false, true) => text.trim_end().to_owned() + "\n",
            (false, false) => format!("{marker}{}\n", self.phrase(words)),
        };
        self.doc.insert(line.start, &new);
        Some(())
    }

    fn check(&mut self) -> Option<()> {
        let boxes: Vec<_> = (0..self.doc.chars.len().saturating_sub(2))
            .filter(|n| matches!(self.doc.str(*n..*n + 3).as_str(), "[ ]" | "[x]"))
            .collect();
        let at = *self.random.one(&boxes)? + 1;
        let new = if self.doc.chars[at].c == 'x' { " " } else { "x" };
        self.doc.replace(at..at + 1, new);
        Some(())
    }

    fn format(&mut self) -> Option<()> {
        let paragraph = self.paragraph()?;
        let words = self.words(paragraph);
        let word = self.random.one(&words)?.clone();
        let (before, after) =
            *self.random.one(&[("**", "**"), ("_", "_"), ("`", "`"), ("[", "](https://example.com/x)")])?;
        self.doc.insert(word.end, after);
        self.doc.insert(word.start, before);
        Some(())
    }

    fn nest(&mut self) -> Option<()> {
        let lines = self.doc.lines();
        let items: Vec<_> =
            lines.windows(2).filter(|w| w.iter().all(|l| is_bullet(&self.doc.str(l.clone())))).collect();
        let at = self.random.one(&items)?[1].start;
        if self.doc.chars[at].c == ' ' {
            drop(self.doc.remove(at..at + 2))
        } else {
            self.doc.insert(at, "  ")
        }
        Some(())
    }

    fn line_ends(&mut self) -> Option<()> {
        let crlf = self.doc.chars.iter().any(|c| c.c == '\r');
        if crlf {
            self.doc.chars.retain(|c| c.c != '\r');
        } else if self.random.chance(30) {
            for line in self.doc.lines().into_iter().rev().skip(1) {
                self.doc.insert(line.end, "\r");
            }
        }
        Some(())
    }
}

fn is_bullet(line: &str) -> bool {
    line.trim_start().starts_with("- ")
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    let numbered = line.trim_start_matches(|c: char| c.is_ascii_digit());
    is_bullet(line)
        || (numbered.len() < line.len() && numbered.starts_with(". "))
        || (line.starts_with('|') && !line.contains("---"))
}

fn is_paragraph(block: &str) -> bool {
    !is_item(block) && !block.starts_with(['#', '>', '`', '!', '[', '|', ' ']) && block.chars().count() > 30
}
