//! From a fresh checkout to the open program.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::build::{self, Profile};
use crate::project::{Project, say, shown};
use crate::system::{self, Purpose};

pub fn run(project: &Project, args: &[String]) -> Result<()> {
    system::require(Purpose::Run)?;
    let built = build::build(project, Profile::Dev)?;
    built.announce();
    let mut command = Command::new(&built.desktop);
    command.args(args);
    if !has_display() && !args.iter().any(|a| a == "--headless") {
        say(
            "xtask: there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set), so there can be no window.",
        );
        say(
            "xtask: the same core starts headless instead. Ctrl-C ends it; runs in flight go on and are found again.",
        );
        command.arg("--headless");
    }
    say(format_args!("xtask: {}", shown(&command)));
    // The program takes this process's place, so that Ctrl-C and signals reach it and nothing stands between.
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        let error = command.exec();
        Err(error).with_context(|| format!("could not start {}", built.desktop.display()))
    }
    #[cfg(not(unix))]
    {
        let status =
            command.status().with_context(|| format!("could not start {}", built.desktop.display()))?;
        if status.success() { Ok(()) } else { Err(anyhow::anyhow!("the program ended with {status}")) }
    }
}

fn has_display() -> bool {
    !cfg!(target_os = "linux")
        || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|v| std::env::var_os(v).is_some_and(|v| !v.is_empty()))
}
