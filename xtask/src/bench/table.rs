//! What is measured, the bounds, and the table.

/// A figure to be measured and the most it may be.
pub struct Scenario {
    pub what: &'static str,
    pub unit: Unit,
    pub bound: Bound,
}

#[derive(Clone, Copy)]
pub enum Unit {
    Milliseconds,
    Mebibytes,
    PerSecond,
}

#[derive(Clone, Copy)]
pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

const fn at_most(what: &'static str, bound: f64, unit: Unit) -> Scenario {
    Scenario { what, unit, bound: Bound::AtMost(bound) }
}

/// On a database of 100,000 issues and 300,000 comments, with two cores.
pub const SCENARIOS: &[Scenario] = &[
    at_most("core start to ready", 300.0, Unit::Milliseconds),
    at_most("window interactive", 1200.0, Unit::Milliseconds),
    at_most("memory, headless core at rest", 45.0, Unit::Mebibytes),
    at_most("memory, window closed to the tray", 120.0, Unit::Mebibytes),
    at_most("memory, issue list open", 380.0, Unit::Mebibytes),
    at_most("memory, a run host", 5.0, Unit::Mebibytes),
    at_most("create, p50", 2.0, Unit::Milliseconds),
    at_most("create, p95", 10.0, Unit::Milliseconds),
    at_most("create, p99", 10.0, Unit::Milliseconds),
    at_most("comment, p50", 2.0, Unit::Milliseconds),
    at_most("comment, p95", 10.0, Unit::Milliseconds),
    at_most("comment, p99", 10.0, Unit::Milliseconds),
    at_most("patch, p50", 2.0, Unit::Milliseconds),
    at_most("patch, p95", 10.0, Unit::Milliseconds),
    at_most("patch, p99", 10.0, Unit::Milliseconds),
    at_most("list of 50, p50", 2.0, Unit::Milliseconds),
    at_most("list of 50, p95", 10.0, Unit::Milliseconds),
    at_most("list of 50, p99", 10.0, Unit::Milliseconds),
    at_most("detail, p50", 2.0, Unit::Milliseconds),
    at_most("detail, p95", 10.0, Unit::Milliseconds),
    at_most("detail, p99", 10.0, Unit::Milliseconds),
    at_most("search, p50", 2.0, Unit::Milliseconds),
    at_most("search, p95", 10.0, Unit::Milliseconds),
    at_most("search, p99", 10.0, Unit::Milliseconds),
    at_most("wake to finished /bin/true, p50", 60.0, Unit::Milliseconds),
    Scenario { what: "list of 50, 8 connections", unit: Unit::PerSecond, bound: Bound::AtLeast(4000.0) },
    at_most("create while 50 agents stream, p99", 20.0, Unit::Milliseconds),
    at_most("comment while 50 agents stream, p99", 20.0, Unit::Milliseconds),
    at_most("patch while 50 agents stream, p99", 20.0, Unit::Milliseconds),
    at_most("list of 50 while 50 agents stream, p99", 20.0, Unit::Milliseconds),
    at_most("detail while 50 agents stream, p99", 20.0, Unit::Milliseconds),
    at_most("search while 50 agents stream, p99", 20.0, Unit::Milliseconds),
    at_most("load: tick, p50", 250.0, Unit::Milliseconds),
    at_most("load: tick, longest", 2000.0, Unit::Milliseconds),
    Scenario { what: "load: ends decided", unit: Unit::PerSecond, bound: Bound::AtLeast(100.0) },
    Scenario { what: "load: wakes decided", unit: Unit::PerSecond, bound: Bound::AtLeast(200.0) },
    // Only with --stream-minutes. A mebibyte is what the allocator moves by itself.
    at_most("growth of memory while streaming", 1.0, Unit::Mebibytes),
];

/// A scenario with what was measured; `None` where it could not be.
pub struct Row<'a> {
    pub scenario: &'a Scenario,
    pub measured: Option<f64>,
}

/// The table as text, a line for each scenario, with a word on whether the bound was kept.
pub fn table(rows: &[Row<'_>]) -> String {
    let width = rows.iter().map(|r| r.scenario.what.len()).max().unwrap_or(0);
    let mut out = format!("{:width$}  {:>14}  {:>14}  \n", "what", "measured", "bound");
    for Row { scenario, measured } in rows {
        let (bound, kept): (String, fn(f64, f64) -> bool) = match scenario.bound {
            Bound::AtMost(b) => (format!("<= {}", figure(b, scenario.unit)), |m, b| m <= b),
            Bound::AtLeast(b) => (format!(">= {}", figure(b, scenario.unit)), |m, b| m >= b),
        };
        let (Bound::AtMost(limit) | Bound::AtLeast(limit)) = scenario.bound;
        let (shown, word) = match measured {
            None => ("-".to_owned(), "not measured"),
            Some(m) => (figure(*m, scenario.unit), if kept(*m, limit) { "kept" } else { "MISSED" }),
        };
        out.push_str(&format!("{:width$}  {shown:>14}  {bound:>14}  {word}\n", scenario.what));
    }
    out
}

fn figure(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Milliseconds if value < 100.0 => format!("{value:.2} ms"),
        Unit::Milliseconds => format!("{value:.0} ms"),
        Unit::Mebibytes => format!("{value:.1} MiB"),
        Unit::PerSecond => format!("{value:.0} /s"),
    }
}
