//! `paperclip`: the command line, and the small processes that the program starts of itself.

mod catalogue;
mod connection;
mod failure;
mod fields;
mod local;
mod output;

use std::process::ExitCode;

fn main() -> ExitCode {
    // These two are started for every run: they must not pay for reading a command line they do not have.
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(|a| a.to_str()) {
        Some("run-host") => return runner::host::serve(args),
        Some("demo-agent") => return runner::demo::serve(args),
        _ => {}
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<(), failure::Failure> {
    let matches = catalogue::command().get_matches();
    let globals = connection::Globals::read(&matches);
    let (mut name, mut leaf) = matches.subcommand().ok_or(failure::Failure::NoCommand)?;
    if let Some(done) = local::run(name, leaf, &globals) {
        return done;
    }
    let mut path = vec![name];
    while let Some((next, inner)) = leaf.subcommand() {
        (name, leaf) = (next, inner);
        path.push(name);
    }
    let operation = catalogue::find(&path).ok_or(failure::Failure::NoCommand)?;
    let program = connection::Program::find(&globals)?;
    let input = fields::input(operation, leaf, &program, globals.company.as_deref())?;
    let answer = program.call(operation, input)?;
    output::show(&answer, globals.json)
}
