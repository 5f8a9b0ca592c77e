//! Two hundred agents and five thousand issues on the simulated clock.
//!
//! The engine's own test measures it, as only there can time be simulated; here it is built for release and read.

use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use super::Figures;
use crate::project::{Project, say};

const TEST: &str = "load::an_hour_of_two_hundred_agents";
/// The scenarios and the names under which the test prints them.
const NAMES: [(&str, &str); 4] = [
    ("load: tick, p50", "load_tick_p50_ms"),
    ("load: tick, longest", "load_tick_max_ms"),
    ("load: ends decided", "load_ends_per_s"),
    ("load: wakes decided", "load_wakes_per_s"),
];

pub fn measure(project: &Project, figures: &mut Figures) -> Result<()> {
    say("xtask: measure two hundred agents on a simulated clock");
    let mut command = project.cargo(["test", "--release", "-p", "engine", "--lib", TEST, "--"]);
    let out = command
        .args(["--ignored", "--exact", "--nocapture"])
        .stderr(Stdio::inherit())
        .output()
        .context("the engine's tests could not be run")?;
    let said = String::from_utf8_lossy(&out.stdout);
    if !out.status.success() {
        bail!("the load test failed:\n{said}");
    }
    for (scenario, name) in NAMES {
        figures.insert(scenario, figure(&said, name).with_context(|| format!("{name} was not printed"))?);
    }
    Ok(())
}

/// The value of a line `figure NAME VALUE`.
fn figure(said: &str, name: &str) -> Option<f64> {
    said.lines().find_map(|l| {
        let (_, rest) = l.split_once("figure ")?;
        rest.strip_prefix(name)?.trim().parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn a_figure_is_read_wherever_its_line_begins() {
        let said = "running 1 test\ntest load ... figure load_a 3.5\nfigure load_ab 7\n";
        assert_eq!(figure(said, "load_a"), Some(3.5));
        assert_eq!(figure(said, "load_ab"), Some(7.0));
        assert_eq!(figure(said, "load_c"), None);
    }
}
