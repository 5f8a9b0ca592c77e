//! `run-host` and `demo-agent` without the rest of the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(|a| a.to_str()) {
        Some("run-host") => runner::host::serve(args),
        Some("demo-agent") => runner::demo::serve(args),
        _ => ExitCode::from(2),
    }
}
