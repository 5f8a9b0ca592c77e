//! A file as the rules read it: lines as a shell or a parser would see them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::path::is_invisible;

/// Physical lines that one logical line takes at most.
const LONGEST_JOIN: usize = 12;
/// Longer lines are looked at up to here only: no person writes them, and rules take time by length.
const LONGEST_LINE: usize = 16 << 10;
/// Names that are followed in one file.
const MOST_NAMES: usize = 100;

/// One command or statement, with the lines it goes on for.
pub(super) struct Line<'a> {
    /// Of its first physical line, from 1.
    pub number: u32,
    pub text: Cow<'a, str>,
}

/// The file's text. `None`: it is none.
pub(super) fn of(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}');
    (!text.contains(odd)).then_some(text)
}

/// Whether bytes are something that a system would start.
pub(super) fn is_program(bytes: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 10] = [
        b"\x7fELF",
        b"MZ",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"\0asm",
        b"dex\n",
        b"#!",
    ];
    BEGINNINGS.iter().any(|b| bytes.starts_with(b))
}

/// Logical lines: what ends in a backslash goes on, and so does a call that is not closed yet. Characters that cannot
/// be seen are taken out, since they hide words from a rule and not from a shell's reader.
pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut out = Vec::new();
    let mut physical = text.lines().enumerate();
    while let Some((n, first)) = physical.next() {
        let number = u32::try_from(n + 1).unwrap_or(u32::MAX);
        let mut line = cut(first);
        let mut joined = 1;
        while joined < LONGEST_JOIN && goes_on(&line) {
            let Some((_, next)) = physical.next() else { break };
            joined += 1;
            let mut whole = line.trim_end().strip_suffix('\\').unwrap_or(&line).to_owned();
            whole.push(' ');
            whole.push_str(cut(next).trim_start());
            line = Cow::Owned(whole);
        }
        if line.contains(is_invisible) {
            line = Cow::Owned(line.chars().filter(|c| !is_invisible(*c)).collect());
        }
        match cells(&line) {
            Some(cells) => out.extend(cells.map(|c| Line { number, text: Cow::Owned(c) })),
            None => out.push(Line { number, text: line }),
        }
    }
    out
}

/// The cells of a Markdown table's row: the bars between them are no pipes, those within are escaped.
fn cells(line: &str) -> Option<impl Iterator<Item = String> + use<>> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    // No text has this character; it stands in for the escaped bars.
    let row = row.replace("\\|", "\0");
    let cells: Vec<String> = row.split('|').map(|c| c.replace('\0', "|")).collect();
    Some(cells.into_iter())
}

fn cut(line: &str) -> Cow<'_, str> {
    if line.len() <= LONGEST_LINE {
        return Cow::Borrowed(line);
    }
    let end = (0..=LONGEST_LINE).rev().find(|i| line.is_char_boundary(*i)).unwrap_or(0);
    Cow::Borrowed(&line[..end])
}

fn goes_on(line: &str) -> bool {
    if line.len() > LONGEST_LINE {
        return false;
    }
    if line.trim_end().ends_with('\\') {
        return true;
    }
    // A pipe at the end of a line, unless it closes a row of a table.
    if line.trim_end().ends_with('|') && !line.trim_start().starts_with('|') {
        return true;
    }
    let Some(at) = super::network::call(line) else { return false };
    let count = |c| line[at..].matches(c).count();
    count('(') > count(')')
}

/// Names that are given a value which `is_source` recognises, directly or by way of another such name.
pub(super) fn tainted<'a>(lines: &'a [Line<'_>], is_source: impl Fn(&str) -> bool) -> BTreeSet<&'a str> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for line in lines {
        for (name, value) in assignments(&line.text) {
            let carries = is_source(value) || names.iter().any(|n| mentions(value, n));
            if carries && names.len() < MOST_NAMES {
                names.insert(name);
            }
        }
    }
    names
}

/// `name = value`, in a shell, Python, JavaScript and the like. The value goes to the end of the line.
fn assignments(line: &str) -> Vec<(&str, &str)> {
    let mut out = Vec::new();
    for (at, _) in line.match_indices('=') {
        let (before, after) = (&line[..at], &line[at + 1..]);
        if after.starts_with('=') || before.ends_with(['=', '!', '<', '>', '+', '-', ':']) {
            continue;
        }
        let name = before.trim_end();
        let start = name.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(0, |i| i + 1);
        let (rest, name) = name.split_at(start);
        let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        // `--data=x` is an option and no name.
        if first && !rest.ends_with(['-', '.', '/', '?', '&']) {
            out.push((name, after));
        }
        if out.len() == 8 {
            break;
        }
    }
    out
}

/// Whether a text holds this name as a word.
pub(super) fn mentions(text: &str, name: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (text[..at].bytes().next_back(), text[at + name.len()..].bytes().next());
        !before.is_some_and(word) && !after.is_some_and(word)
    })
}

/// The stages of a pipeline: what lies between single `|`, with where each begins. Quotes are not heeded, since an
/// apostrophe in a sentence is none.
pub(super) fn stages(line: &str) -> Vec<(usize, &str)> {
    let bytes = line.as_bytes();
    let mut out = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'|' {
            at += 1;
        } else if bytes.get(at + 1) == Some(&b'|') {
            at += 2;
        } else {
            out.push((start, &line[start..at]));
            at += if bytes.get(at + 1) == Some(&b'&') { 2 } else { 1 };
            start = at;
        }
    }
    out.push((start, &line[start..]));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(u32, String)> {
        lines(text).into_iter().map(|l| (l.number, l.text.into_owned())).collect()
    }

    #[test]
    fn what_goes_on_is_one_line_and_keeps_its_number() {
        let text = "a\ncurl x \\\n  y |\n  sh\n| a | b \\| c |\nb\nfetch(u, {\n  body: x\n})\nc\u{200b}d";
        let expected = [
            (1, "a"),
            (2, "curl x  y | sh"),
            (5, " a "),
            (5, " b | c "),
            (6, "b"),
            (7, "fetch(u, { body: x })"),
            (10, "cd"),
        ];
        assert_eq!(texts(text), expected.map(|(n, t)| (n, t.to_owned())));
        assert!(texts(&"x \\\n".repeat(1000)).len() >= 1000 / LONGEST_JOIN);
    }

    #[test]
    fn names_that_carry_something_are_followed() {
        let text = "KEY=$(cat id_rsa)\nexport B=\"$KEY\"\nC = 1\nif x == KEY:\ncurl --data=KEY";
        let lines = lines(text);
        let names = tainted(&lines, |v| v.contains("id_rsa"));
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["B", "KEY"]);
        assert!(mentions("a $KEY.", "KEY") && !mentions("MYKEY KEYS", "KEY"));
    }

    #[test]
    fn a_pipeline_is_cut_at_single_bars() {
        let of = |l| stages(l).into_iter().map(|(_, s)| s).collect::<Vec<_>>();
        assert_eq!(of("a | b || c |& d"), ["a ", " b || c ", " d"]);
        assert_eq!(of(""), [""]);
    }

    #[test]
    fn text_is_told_from_bytes() {
        assert!(of("ä\tb\r\n".as_bytes()).is_some());
        assert!(of(b"a\0b").is_none() && of(b"\xff").is_none() && of(b"a\x01").is_none());
    }
}
