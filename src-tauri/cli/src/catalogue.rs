//! The tree of commands: the few of the command line's own, and one for every declared operation.
//!
//! `issues.force_release` becomes `paperclip issues force-release`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};
use contract::OperationInfo;
use contract::operations::ALL;

use crate::{fields, local};

/// Operations that a command of the command line's own stands for.
const REPLACED: &[&str] = &["doctor.run"];

pub fn command() -> Command {
    let mut root = Command::new("paperclip")
        .about("Paperclip Desktop from the command line")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(globals());
    for own in local::commands() {
        root = root.subcommand(own);
    }
    let mut groups: BTreeMap<String, Vec<&OperationInfo>> = BTreeMap::new();
    for operation in ALL.iter().filter(|o| !REPLACED.contains(&o.name)) {
        groups.entry(words(operation.name).remove(0)).or_default().push(operation);
    }
    for (name, operations) in groups {
        let about = format!("Operations on {}", name.replace('-', " "));
        let tree = Command::new(name).about(about).subcommand_required(true).arg_required_else_help(true);
        root = root.subcommand(
            operations
                .into_iter()
                .fold(tree, |tree, operation| plant(tree, &words(operation.name)[1..], operation)),
        );
    }
    root
}

/// The operation at a path of commands.
pub fn find(path: &[&str]) -> Option<&'static OperationInfo> {
    ALL.iter().find(|o| words(o.name) == path)
}

fn words(name: &str) -> Vec<String> {
    name.split('.').map(|w| w.replace('_', "-")).collect()
}

/// Puts an operation at its place below `tree`, which may itself be an operation: `agents keys` lists them,
/// `agents keys create` makes one.
fn plant(tree: Command, path: &[String], operation: &'static OperationInfo) -> Command {
    let Some((first, rest)) = path.split_first() else {
        return tree
            .about(operation.summary.trim_end_matches('.'))
            .subcommand_required(false)
            .arg_required_else_help(false)
            .subcommand_negates_reqs(true)
            .args_conflicts_with_subcommands(true)
            .args(fields::arguments(operation));
    };
    if tree.find_subcommand(first).is_some() {
        return tree.mut_subcommand(first, |inner| plant(inner, rest, operation));
    }
    let inner = Command::new(first.clone()).subcommand_required(true).arg_required_else_help(true);
    tree.subcommand(plant(inner, rest, operation))
}

fn globals() -> [Arg; 5] {
    let global = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help).global(true).help_heading("Where and how")
    };
    [
        global("data-dir", "DIR", "Data folder of the program [env: PAPERCLIP_HOME]")
            .value_parser(value_parser!(PathBuf)),
        global("api-base", "URL", "Address of the program [env: PAPERCLIP_API_URL]"),
        global("api-key", "TOKEN", "Token to call with [env: PAPERCLIP_API_KEY]"),
        global("company-id", "ID", "Company [env: PAPERCLIP_COMPANY_ID; the only one if there is but one]"),
        global("json-output", "", "Write the answer as JSON").action(ArgAction::SetTrue),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_a_command_that_is_found_again() {
        command().debug_assert();
        for operation in ALL {
            let path = words(operation.name);
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            assert_eq!(find(&path).unwrap().name, operation.name);
            if REPLACED.contains(&operation.name) {
                continue;
            }
            let tree = command();
            let mut at = &tree;
            for word in path {
                at = at.find_subcommand(word).unwrap_or_else(|| panic!("{}: no {word}", operation.name));
            }
            assert!(operation.summary.starts_with(&at.get_about().unwrap().to_string()));
        }
    }

    #[test]
    fn a_command_may_have_both_arguments_and_commands_below_it() {
        let m = command().try_get_matches_from(["paperclip", "agents", "keys", "a1"]).unwrap();
        assert!(m.subcommand().unwrap().1.subcommand().unwrap().1.subcommand().is_none());
        command().try_get_matches_from(["paperclip", "agents", "keys", "create", "a1"]).unwrap();
    }
}
