//! A text whose characters know where they came from, so that what became of each after any edits is known without
//! comparing texts.

use std::collections::HashMap;
use std::ops::Range;

#[derive(Clone, Copy, Debug)]
pub struct Char {
    pub c: char,
    /// Its own, for good: the same wherever it is moved, also when it is taken away and brought back.
    pub id: u32,
    /// The character that it took the place of; its own id if it took nobody's.
    pub heir_of: u32,
}

/// A Markdown source.
#[derive(Clone, Debug)]
pub struct Tagged {
    pub chars: Vec<Char>,
    next: u32,
}

impl Tagged {
    pub fn new(text: &str) -> Self {
        let mut new = Self { chars: Vec::new(), next: 0 };
        new.chars = new.fresh(text);
        new
    }

    pub fn text(&self) -> String {
        self.chars.iter().map(|c| c.c).collect()
    }

    pub fn str(&self, range: Range<usize>) -> String {
        self.chars[range].iter().map(|c| c.c).collect()
    }

    /// Characters that were nowhere before.
    pub fn fresh(&mut self, text: &str) -> Vec<Char> {
        let first = self.next;
        self.next += text.chars().count() as u32;
        text.chars().zip(first..).map(|(c, id)| Char { c, id, heir_of: id }).collect()
    }

    pub fn insert(&mut self, at: usize, text: &str) {
        let new = self.fresh(text);
        self.chars.splice(at..at, new);
    }

    pub fn remove(&mut self, range: Range<usize>) -> Vec<Char> {
        self.chars.drain(range).collect()
    }

    /// Writes something else in the place of what was there.
    pub fn replace(&mut self, range: Range<usize>, text: &str) {
        let mut new = self.fresh(text);
        let old: Vec<u32> = self.chars[range.clone()].iter().map(|c| c.heir_of).collect();
        if let Some(last) = old.len().checked_sub(1) {
            new.iter_mut().enumerate().for_each(|(n, c)| c.heir_of = old[n.min(last)]);
        }
        self.chars.splice(range, new);
    }

    /// Takes a stretch away and puts it down at a place outside it, as counted before.
    pub fn carry(&mut self, range: Range<usize>, to: usize) {
        assert!(to <= range.start || to >= range.end);
        let len = range.len();
        let taken = self.remove(range.clone());
        let to = if to >= range.end { to - len } else { to };
        self.chars.splice(to..to, taken);
    }

    /// Where each line is, without its end.
    pub fn lines(&self) -> Vec<Range<usize>> {
        let mut out = Vec::new();
        let mut start = 0;
        for (n, c) in self.chars.iter().enumerate() {
            if c.c == '\n' {
                out.push(start..n);
                start = n + 1;
            }
        }
        out.push(start..self.chars.len());
        out
    }

    /// Stretches between blank lines, code in fences as one.
    pub fn blocks(&self) -> Vec<Range<usize>> {
        let mut out: Vec<Range<usize>> = Vec::new();
        let (mut open, mut fenced) = (false, false);
        for line in self.lines() {
            let text = self.str(line.clone());
            if text.trim().is_empty() && !fenced {
                open = false;
                continue;
            }
            if text.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            match out.last_mut() {
                Some(last) if open => last.end = line.end,
                _ => out.push(line),
            }
            open = true;
        }
        out
    }

    /// Which characters a reader sees as letters or digits of the text.
    pub fn visible(&self) -> Vec<bool> {
        let mut seen: Vec<bool> = self.chars.iter().map(|c| is_letter(c.c)).collect();
        let at = |n: usize| self.chars.get(n).map(|c| c.c);
        for line in self.lines() {
            let text = self.str(line.clone());
            let marker = text.trim_start();
            let indent = text.chars().count() - marker.chars().count();
            if marker.starts_with("```") {
                seen[line.clone()].fill(false);
            }
            let digits = marker.chars().take_while(char::is_ascii_digit).count();
            if digits > 0 && marker[digits..].starts_with(". ") {
                seen[line.start + indent..line.start + indent + digits].fill(false);
            }
            if let Some(note) =
                text.find("[^").filter(|_| text.starts_with("[^")).and_then(|_| text.find("]:"))
            {
                seen[line.start..line.start + note].fill(false);
            }
        }
        let mut n = 0;
        while n < self.chars.len() {
            let skip_to = match (at(n), at(n + 1)) {
                (Some(']'), Some('(')) => Some(')'),
                (Some('['), Some('^' | 'x')) => Some(']'),
                (Some('&'), Some('a'..='z')) => Some(';'),
                _ => None,
            };
            if let Some(end) = skip_to
                && let Some(len) = self.chars[n..].iter().take(120).position(|c| c.c == end)
            {
                seen[n..n + len].fill(false);
                n += len;
            }
            n += 1;
        }
        seen
    }

    pub fn places(&self) -> HashMap<u32, usize> {
        self.chars.iter().enumerate().map(|(n, c)| (c.id, n)).collect()
    }
}

/// A letter, a digit, or a mark that makes one letter with what stands before it.
fn is_letter(c: char) -> bool {
    let mark = matches!(c, '\u{300}'..='\u{36f}' | '\u{64b}'..='\u{652}' | '\u{900}'..='\u{963}' | '\u{e31}'..='\u{e4e}');
    c.is_alphanumeric() || mark
}

/// Numbers that are the same in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { Some(&of[self.below(of.len())]) }
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}
