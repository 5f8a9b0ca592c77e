//! Builds the binaries with the frontend embedded.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::project::{Project, say, step};
use crate::ui;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Dev,
    Release,
}

/// Reads the arguments of a command that takes `--release` and nothing else.
pub fn profile(args: &[String]) -> Result<Profile> {
    match args {
        [] => Ok(Profile::Dev),
        [only] if only == "--release" => Ok(Profile::Release),
        _ => bail!("only --release is understood here, found: {}", args.join(" ")),
    }
}

/// The binaries of a build.
pub struct Built {
    pub desktop: PathBuf,
    pub cli: PathBuf,
    /// What the program becomes when it runs headless.
    pub core: PathBuf,
}

impl Built {
    pub fn announce(&self) {
        say("xtask: built");
        say(format_args!("  {}", self.desktop.display()));
        say(format_args!("  {}", self.cli.display()));
        say(format_args!("  {}", self.core.display()));
    }
}

pub fn build(project: &Project, profile: Profile) -> Result<Built> {
    // Optimised always: it is what one sees and feels, and a dozen times smaller.
    ui::build(project, Profile::Release)?;
    let mut args =
        vec!["build", "-p", "paperclip-desktop", "-p", "paperclip-core", "-p", "paperclip-cli", "--bins"];
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => {
            args.extend(["--release", "--features", "paperclip-desktop/custom-protocol"]);
            "release"
        }
    };
    step("build the program", &mut project.cargo(args))?;
    let exe =
        |name: &str| project.target.join(folder).join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    Ok(Built { desktop: exe("paperclip-desktop"), cli: exe("paperclip"), core: exe("paperclip-core") })
}
