//! The project's own commands: `cargo xtask <command>`.

mod bench;
mod build;
mod check;
mod editor;
mod package;
mod project;
mod run;
mod system;
mod test;
mod ui;

use std::process::ExitCode;

use anyhow::{Result, bail};
use project::{Project, say};

const USAGE: &str = "\
usage: cargo xtask <command>

  run [ARGS]           install what is missing, build, and open the program (headless without a display)
  build [--release]    build both binaries with the frontend embedded, and print where they are
  package              make a .deb of a release build (--binaries DIR: of those that are built already)
  test [FILTER]        install what only tests need, then check everything and run every test
  bench [ARGS]         measure a release build on a large database and print a table
  check                format, lints, the rules of the code base, licences and advisories
  ui [--release]       build the frontend into dist/
  editor [--check]     bundle the window's Markdown editor anew, with npm (--check: say whether that would change it)
  catalog              make the manifest of the skills that ship with the program anew";

fn main() -> ExitCode {
    match dispatch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    let rest: Vec<String> = args.collect();
    let project = Project::find()?;
    match command.as_deref() {
        Some("run") => run::run(&project, &rest),
        Some("build") => {
            system::require(system::Purpose::Build)?;
            build::build(&project, build::profile(&rest)?).map(|built| built.announce())
        }
        Some("package") => package::package(&project, &rest),
        Some("test") => test::test(&project, &rest),
        Some("bench") => bench::bench(&project, &rest),
        Some(bench::stream::COMMAND) => bench::stream::stream(),
        Some("check") => check::check(&project),
        Some("editor") => editor::editor(&project, &rest),
        Some("ui") => ui::build(&project, build::profile(&rest)?),
        Some("catalog") => project::step(
            "make the catalog's manifest",
            &mut project.cargo(["run", "--quiet", "-p", "skills", "--example", "catalog"]),
        ),
        Some("help" | "--help" | "-h") | None => {
            say(USAGE);
            Ok(())
        }
        Some(other) => bail!("there is no command `{other}`\n\n{USAGE}"),
    }
}
