//! Measures a release build on a large database and prints a table.
//!
//! Figures belong here and never into a test: they depend on the machine. `--issues N` measures on a smaller
//! database, `--keep` leaves the data folder for a look, `--stream-minutes N` goes on streaming for so long and
//! tells whether memory grows.

mod client;
mod core;
mod display;
mod load;
mod memory;
pub mod stream;
mod table;
mod window;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::build::{self, Profile};
use crate::project::{Project, say, step};
use crate::system::{self, Purpose};
use table::{Row, SCENARIOS, table};

/// What was measured, by the name of its scenario.
pub type Figures = BTreeMap<&'static str, f64>;

struct Options {
    issues: u64,
    keep: bool,
    stream_minutes: u64,
}

fn options(args: &[String]) -> Result<Options> {
    let mut o = Options { issues: 100_000, keep: false, stream_minutes: 0 };
    let mut args = args.iter();
    while let Some(a) = args.next() {
        match a.as_str() {
            "--issues" => o.issues = args.next().context("--issues takes a number")?.parse()?,
            "--keep" => o.keep = true,
            "--stream-minutes" => {
                o.stream_minutes = args.next().context("--stream-minutes takes a number")?.parse()?;
            }
            _ => bail!("the bench understands --issues N, --stream-minutes N and --keep, not {a}"),
        }
    }
    if (1..3).contains(&o.stream_minutes) {
        bail!("--stream-minutes needs three at least: to settle, to compare with, and to compare");
    }
    Ok(o)
}

pub fn bench(project: &Project, args: &[String]) -> Result<()> {
    let options = options(args)?;
    // Before half an hour of building and measuring: the window is measured under a virtual display.
    system::require(Purpose::Test)?;
    let built = build::build(project, Profile::Release)?;
    let data = std::env::temp_dir().join(format!("paperclip-bench-{}", std::process::id()));
    step("make a database", &mut seed(project, &data, options.issues))?;
    let mut figures = Figures::new();
    let measured = core::measure(&built, &data, &mut figures, options.stream_minutes)
        .and_then(|()| window::measure(&built, &data, &mut figures))
        .and_then(|()| load::measure(project, &mut figures));
    let rows: Vec<Row<'_>> =
        SCENARIOS.iter().map(|s| Row { scenario: s, measured: figures.get(s.what).copied() }).collect();
    say(table(&rows));
    if options.keep {
        say(format_args!("xtask: the data folder is {}", data.display()));
    } else {
        std::fs::remove_dir_all(&data).context("the bench's data folder could not be removed")?;
    }
    measured
}

fn seed(project: &Project, data: &PathBuf, issues: u64) -> Command {
    let mut command = project.cargo(["run", "--release", "-p", "store", "--example", "seed", "--"]);
    command.arg(data).arg(issues.to_string()).arg("3");
    command
}
