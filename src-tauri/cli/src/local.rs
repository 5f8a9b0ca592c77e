//! Commands of the command line's own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use contract::operations::{Doctor, GetHealth, GetInstanceStatus};
use contract::{JsonObject, Operation, OperationInfo};
use runner::places;
use serde_json::Value;

use crate::connection::{Globals, Program};
use crate::failure::Failure;
use crate::output;

pub fn commands() -> Vec<Command> {
    let file = Arg::new("file").value_name("FILE").required(true).value_parser(value_parser!(PathBuf));
    vec![
        Command::new("status").about("Says what the program is doing"),
        Command::new("doctor").about("Checks the database, its locks and the log files").arg(
            Arg::new("repair")
                .long("repair")
                .action(ArgAction::SetTrue)
                .help("Mend what can be mended without a decision"),
        ),
        Command::new("restore")
            .about("Puts a backup in the database's place; the program must be stopped")
            .arg(file),
        Command::new("token").about("Prints the operator's token"),
        Command::new("open").about("Opens the window, starting the program where it is not running"),
    ]
}

/// Runs the command of that name, or says that it is none of these.
pub fn run(name: &str, matches: &ArgMatches, globals: &Globals) -> Option<Result<(), Failure>> {
    Some(match name {
        "status" => ask::<GetInstanceStatus>(globals, JsonObject::new()),
        "doctor" => {
            let repair = Value::Bool(matches.get_flag("repair"));
            doctor(globals, JsonObject::from_iter([("repair".to_owned(), repair)]))
        }
        "restore" => restore(globals, matches.get_one::<PathBuf>("file")),
        "token" => token(globals),
        "open" => open(globals),
        _ => return None,
    })
}

fn ask<O: Operation>(globals: &Globals, input: JsonObject) -> Result<(), Failure> {
    let answer = Program::find(globals)?.call(&OperationInfo::of::<O>(), input)?;
    output::show(&answer, globals.json)
}

fn doctor(globals: &Globals, input: JsonObject) -> Result<(), Failure> {
    let Some(program) = running(globals)? else { return doctor_of_what_rests(globals) };
    let report = program.call(&OperationInfo::of::<Doctor>(), input)?;
    if globals.json {
        output::show(&report, true)?;
        return verdict(&report);
    }
    let mut out = std::io::stdout().lock();
    for finding in report["findings"].as_array().into_iter().flatten() {
        let word = |key: &str| finding[key].as_str().unwrap_or_default();
        writeln!(out, "{:5}  {:20}  {}", word("level"), word("check"), word("message"))?;
        if !word("hint").is_empty() {
            writeln!(out, "{:29}{}", "", word("hint"))?;
        }
    }
    verdict(&report)
}

/// The program, unless it does not run.
fn running(globals: &Globals) -> Result<Option<Program>, Failure> {
    let program = match Program::find(globals) {
        Ok(program) => program,
        Err(Failure::NotRunning { .. }) => return Ok(None),
        Err(e) => return Err(e),
    };
    match program.call(&OperationInfo::of::<GetHealth>(), JsonObject::new()) {
        Err(Failure::Unreachable { .. } | Failure::NotRunning { .. }) => Ok(None),
        _ => Ok(Some(program)),
    }
}

/// A program that does not start because of its database cannot be asked: the desktop program looks, offline.
fn doctor_of_what_rests(globals: &Globals) -> Result<(), Failure> {
    let mut process = desktop(&globals.data_dir()?)?;
    process.arg("--doctor");
    let status = process.status().map_err(|why| not_started(&process, why))?;
    if status.success() { Ok(()) } else { Err(Failure::Unsound) }
}

fn verdict(report: &Value) -> Result<(), Failure> {
    if report["level"] == "error" { Err(Failure::Unsound) } else { Ok(()) }
}

fn token(globals: &Globals) -> Result<(), Failure> {
    let path = places::operator_token_file(&globals.data_dir()?);
    let token = std::fs::read_to_string(&path).map_err(|e| Failure::BadFile { path, why: e.to_string() })?;
    writeln!(std::io::stdout().lock(), "{}", token.trim())?;
    Ok(())
}

/// The desktop program does this, offline: it alone knows the database.
fn restore(globals: &Globals, file: Option<&PathBuf>) -> Result<(), Failure> {
    let file = file.ok_or_else(|| Failure::usage("which backup?"))?;
    let data_dir = globals.data_dir()?;
    if matches!(running(globals), Ok(Some(_))) {
        return Err(Failure::Running { data_dir });
    }
    let mut process = desktop(&data_dir)?;
    process.arg("--restore").arg(file);
    let status = process.status().map_err(|why| not_started(&process, why))?;
    if status.success() { Ok(()) } else { Err(Failure::usage("the backup was not restored; see above")) }
}

/// Starts the desktop program; where it runs already, that one raises its window and the new one ends.
fn open(globals: &Globals) -> Result<(), Failure> {
    let mut process = desktop(&globals.data_dir()?)?;
    process.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut process, 0);
    process.spawn().map(drop).map_err(|why| not_started(&process, why))
}

fn desktop(data_dir: &Path) -> Result<Process, Failure> {
    let name = format!("paperclip-desktop{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe()
        .map_err(|why| Failure::NotStarted { program: name.clone().into(), why })?
        .with_file_name(name);
    let mut process = Process::new(beside);
    process.arg("--data-dir").arg(data_dir);
    Ok(process)
}

fn not_started(process: &Process, why: std::io::Error) -> Failure {
    Failure::NotStarted { program: process.get_program().into(), why }
}
