//! How long it takes to find the places of a thousand threads in a document of one megabyte.
//!
//! `cargo run --release -p domain --example anchors`

#![allow(clippy::print_stdout, reason = "that is what it is for")]

use std::time::{Duration, Instant};

use contract::annotation::{AnchorConfidence, AnchorSelector, AnchorState};
use domain::anchor::{Anchor, Projection, remap, remap_projected, select};

const WORDS: &[&str] = &[
    "plan",
    "budget",
    "server",
    "team",
    "meeting",
    "before",
    "after",
    "review",
    "customer",
    "order",
    "we",
    "the",
    "a",
    "of",
    "to",
    "in",
    "and",
    "is",
    "that",
    "not",
    "index",
    "search",
    "disk",
    "slow",
    "fast",
    "agent",
    "issue",
    "run",
    "heartbeat",
    "workspace",
    "decides",
    "writes",
    "reads",
    "waits",
    "asks",
    "every",
    "day",
    "hour",
    "minute",
    "once",
    "twice",
    "never",
    "always",
    "document",
    "revision",
    "thread",
    "comment",
    "anchor",
    "place",
    "word",
    "letter",
];

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn sentence(&mut self) -> String {
        let count = 6 + self.below(12);
        let words: Vec<String> = (0..count)
            .map(|_| {
                let word = WORDS[self.below(WORDS.len())];
                match self.below(12) {
                    0 => format!("**{word}**"),
                    1 => format!("`{word}_{}`", self.below(5000)),
                    2 => format!("{word}{}", self.below(3000)),
                    _ => word.to_owned(),
                }
            })
            .collect();
        words.join(" ") + "."
    }

    fn block(&mut self) -> String {
        match self.below(10) {
            0 => format!("## {}", self.sentence()),
            1 => (0..6).map(|_| format!("- [ ] {}\n", self.sentence())).collect(),
            2 => {
                let row = |r: &mut Self| format!("| {} | {} |\n", r.below(90_000), r.sentence());
                "| a | b |\n| --- | --- |\n".to_owned() + &(0..5).map(|_| row(self)).collect::<String>()
            }
            3 => format!(
                "```rust\nlet x{} = {};\nprintln!(\"{}\");\n```",
                self.below(999),
                self.below(999),
                self.sentence()
            ),
            4 => format!("> {}", self.sentence()),
            _ => (0..4).map(|_| self.sentence()).collect::<Vec<_>>().join(" "),
        }
    }

    fn document(&mut self, bytes: usize) -> Vec<String> {
        let mut blocks = Vec::new();
        let mut len = 0;
        while len < bytes {
            let block = self.block();
            len += block.len() + 2;
            blocks.push(block);
        }
        blocks
    }
}

fn selectors(text: &str, count: usize, random: &mut Random) -> Vec<AnchorSelector> {
    let p = Projection::of(text);
    let mut out = Vec::new();
    while out.len() < count {
        let start = random.below(p.text().len().max(1));
        let len = 5 + random.below(120);
        match select(&p, start..start + len) {
            Ok(selector) => out.push(selector),
            Err(_) if p.text().is_empty() => return out,
            Err(_) => {}
        }
    }
    out
}

/// Time that this thread had a processor, where the system tells it: others may be at work on the same machine.
fn clock() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|s| s.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.get_or_init(Instant::now).elapsed(), Duration::from_nanos)
}

fn best(mut f: impl FnMut()) -> Duration {
    let times = (0..7).map(|_| {
        let start = clock();
        f();
        clock() - start
    });
    times.min().unwrap_or_default()
}

fn measure(name: &str, old: &str, new: &str, random: &mut Random) {
    if std::env::args().nth(1).is_some_and(|only| !name.contains(&only)) {
        return;
    }
    let selectors = selectors(old, 1000, random);
    let anchors: Vec<Anchor<'_>> = selectors
        .iter()
        .map(|s| Anchor {
            quote: &s.quote,
            selector: s,
            state: AnchorState::Active,
            confidence: AnchorConfidence::Exact,
        })
        .collect();
    let mut outcomes = Vec::new();
    let all = best(|| outcomes = remap(old, new, &anchors));
    let projecting = best(|| drop(Projection::of(new)));
    let (p, q) = (Projection::of(old), Projection::of(new));
    let rest = best(|| drop(remap_projected(&p, &q, &anchors)));
    let count = |state| outcomes.iter().filter(|o| o.state == state).count();
    println!(
        "{name:<34}{all:>10.1?} in all; one projection {projecting:>8.1?}, without them {rest:>9.1?}; active {} stale {} orphaned {}",
        count(AnchorState::Active),
        count(AnchorState::Stale),
        count(AnchorState::Orphaned),
    );
}

fn main() {
    let mut r = Random(7);
    let blocks = r.document(1_000_000);
    let text = blocks.join("\n\n");
    let mut edited = blocks.clone();
    edited[100] = r.block();
    measure("one block rewritten", &text, &edited.join("\n\n"), &mut r);
    for n in (0..edited.len()).step_by(20) {
        edited[n] = edited[n].replacen(' ', " now ", 2);
    }
    measure("one block in 20 edited", &text, &edited.join("\n\n"), &mut r);
    let every: Vec<String> = blocks.iter().map(|b| b.replacen("e ", "e now ", 2)).collect();
    measure("every block edited", &text, &every.join("\n\n"), &mut r);
    let renamed = text.replace("server", "machine");
    measure("a word renamed throughout", &text, &renamed, &mut r);
    let mut moved = blocks.clone();
    for _ in 0..300 {
        let block = moved.remove(r.below(moved.len()));
        moved.insert(r.below(moved.len()), block);
    }
    measure("300 blocks moved", &text, &moved.join("\n\n"), &mut r);
    let mut shuffled = blocks.clone();
    for n in (1..shuffled.len()).rev() {
        shuffled.swap(n, r.below(n + 1));
    }
    measure("all blocks shuffled", &text, &shuffled.join("\n\n"), &mut r);
    let other = r.document(1_000_000).join("\n\n");
    measure("whole document replaced", &text, &other, &mut r);
    measure("emptied", &text, "", &mut r);
    let line = |n: usize, r: &mut Random| (0..n).map(|_| ["a ", "b "][r.below(2)]).collect::<String>();
    let a = "a ".repeat(500_000);
    measure("a a a ..., one less", &a, &a[2..], &mut r);
    measure("a a a ..., a word in the middle", &a, &(a[..500_000].to_owned() + "b " + &a[500_000..]), &mut r);
    let (x, y) = (line(500_000, &mut r), line(500_000, &mut r));
    measure("a and b at random, one paragraph", &x, &y, &mut r);
    measure("a and b at random, as blocks", &x.replace(' ', "\n\n"), &y.replace(' ', "\n\n"), &mut r);
    let solid =
        |r: &mut Random| (0..1_000_000).map(|_| char::from(b'a' + r.below(26) as u8)).collect::<String>();
    let s = solid(&mut r);
    let mut t = s.clone();
    t.replace_range(500_000..500_010, "xxxx");
    measure("no spaces, one place edited", &s, &t, &mut r);
    measure("no spaces, replaced", &s, &solid(&mut r), &mut r);
    let cjk = |r: &mut Random| {
        let c = |r: &mut Random| char::from_u32(0x4e00 + r.below(3000) as u32).unwrap_or('中');
        (0..340_000).map(|n| if n % 50 == 49 { '。' } else { c(r) }).collect::<String>()
    };
    let c = cjk(&mut r);
    measure("one paragraph of ideographs", &c, &c.replace('一', "二三"), &mut r);
    measure("ideographs, replaced", &c, &cjk(&mut r), &mut r);
    let para = blocks
        .iter()
        .filter(|b| !b.starts_with(['#', '-', '|', '`', '>']))
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    measure("one paragraph, a word renamed", &para, &para.replace("budget", "money"), &mut r);
    let sentences: Vec<&str> = para.split_inclusive(". ").collect();
    let mut mixed = sentences.clone();
    for n in (1..mixed.len()).rev() {
        mixed.swap(n, r.below(n + 1));
    }
    measure("one paragraph, sentences shuffled", &para, &mixed.concat(), &mut r);
    for open in ["[", "*", "`", "> ", "<", "- ", "![", "&", "|a\n|-\n"] {
        let bad = open.repeat(1_000_000 / open.len());
        measure(&format!("only {open:?}"), &bad, &(bad.clone() + " x"), &mut r);
    }
}
