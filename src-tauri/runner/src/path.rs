//! Finds command lines where the operator's login shell finds them, also when the program was started from
//! a desktop menu with a bare PATH.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::platform::{is_executable, lead_group, login_shell};

/// A login shell that asks something, or whose start-up files hang, is not waited for longer.
const SHELL_DEADLINE: Duration = Duration::from_secs(5);
/// Begins with what cannot be part of a variable's name.
const MARK: &str = "=#agent-path#=";

/// Where an entry of the PATH comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Shell(String),
    Program,
    WellKnown,
}

#[derive(Clone, Debug)]
struct Entry {
    dir: PathBuf,
    origin: Origin,
}

static IMPORTED: OnceLock<Vec<Entry>> = OnceLock::new();

/// A command that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub executable: Option<PathBuf>,
    /// A sentence: where it was looked for and what decided.
    pub why: String,
}

/// The PATH for agents: the login shell's, the program's own and the usual folders, without repeats.
/// The shell is asked once in the life of the program, with a deadline.
pub async fn agent_path() -> OsString {
    static ONCE: OnceCell<()> = OnceCell::const_new();
    ONCE.get_or_init(|| async {
        let imported = async {
            let shell = login_shell()?;
            let path = tokio::time::timeout(SHELL_DEADLINE, ask_shell(&shell)).await.ok()??;
            Some((shell, path))
        };
        let _ = IMPORTED.set(entries(imported.await));
    })
    .await;
    known_path()
}

/// The same as far as it is known by now, without asking the shell.
pub fn known_path() -> OsString {
    join(known())
}

fn known() -> Vec<Entry> {
    IMPORTED.get().cloned().unwrap_or_else(|| entries(None))
}

fn join(entries: Vec<Entry>) -> OsString {
    std::env::join_paths(entries.into_iter().map(|e| e.dir)).unwrap_or_default()
}

/// Runs the shell as a login would and takes the PATH from between two marks, past whatever else it prints.
async fn ask_shell(shell: &str) -> Option<OsString> {
    let script = format!("printf '%s' \"{MARK}$PATH{MARK}\"");
    let mut command = Command::new(shell);
    // A group of its own: a shell that believes to be interactive would take the terminal.
    lead_group(&mut command);
    let output = command
        .args(["-l", "-i", "-c", &script])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let path = text.split(MARK).nth(1).filter(|path| !path.is_empty())?;
    Some(path.into())
}

fn entries(shell: Option<(String, OsString)>) -> Vec<Entry> {
    let mut all = Vec::new();
    if let Some((shell, path)) = shell {
        let origin = Origin::Shell(shell);
        all.extend(std::env::split_paths(&path).map(|dir| Entry { dir, origin: origin.clone() }));
    }
    let own = std::env::var_os("PATH").unwrap_or_default();
    all.extend(std::env::split_paths(&own).map(|dir| Entry { dir, origin: Origin::Program }));
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let usual = well_known(&home).into_iter().filter(|dir| dir.is_dir());
    all.extend(usual.map(|dir| Entry { dir, origin: Origin::WellKnown }));
    let mut seen = HashSet::new();
    // A relative entry would depend on the agent's folder.
    all.retain(|e| e.dir.is_absolute() && seen.insert(e.dir.clone()));
    all
}

/// Where installers of command lines put them.
fn well_known(home: &Path) -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = [
        ".local/bin",
        ".claude/local",
        ".npm-global/bin",
        ".bun/bin",
        ".volta/bin",
        ".asdf/shims",
        ".local/share/mise/shims",
        ".local/share/pnpm",
        ".cargo/bin",
    ]
    .iter()
    .map(|dir| home.join(dir))
    .collect();
    dirs.extend(npm_prefix(home).map(|prefix| prefix.join("bin")));
    dirs.extend(newest_nvm(home));
    dirs.extend(["/usr/local/bin", "/usr/bin", "/bin", "/snap/bin", "/opt/homebrew/bin"].map(PathBuf::from));
    dirs
}

fn npm_prefix(home: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(home.join(".npmrc")).ok()?;
    let prefix = text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "prefix").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    Some(expand_home(&prefix.replace("${HOME}", "~")))
}

fn newest_nvm(home: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(home.join(".nvm/versions/node")).ok()?.flatten();
    let newest = versions.max_by_key(|e| {
        let name = e.file_name();
        let numbers = name.to_string_lossy().trim_start_matches('v').to_owned();
        numbers.split('.').map(|n| n.parse().unwrap_or(0)).collect::<Vec<u32>>()
    })?;
    Some(newest.path().join("bin"))
}

/// `~/x` within the home folder; anything else as it is.
pub fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

/// Looks a command up in `path`; a command with a slash is taken as it is, `~/` being the home folder and
/// `cwd` what it is relative to.
pub fn find_executable(command: &str, path: &OsStr, cwd: Option<&Path>) -> Found {
    if command.contains('/') {
        return named_file(command, cwd);
    }
    let origins = known();
    let mut looked = 0;
    for dir in std::env::split_paths(path).filter(|dir| dir.is_absolute()) {
        looked += 1;
        let file = dir.join(command);
        if is_executable(&file) {
            let origin = origins.iter().find(|e| e.dir == dir).map(|e| &e.origin);
            let from = match origin {
                Some(Origin::Shell(shell)) => format!("in the PATH of the login shell {shell}"),
                Some(Origin::Program) => "in the PATH this program was started with".to_owned(),
                Some(Origin::WellKnown) => "one of the usual folders, though not in the PATH".to_owned(),
                None => "in the PATH of the agent's own settings".to_owned(),
            };
            let why = format!("Found in {}, {from}.", dir.display());
            return Found { executable: Some(file), why };
        }
    }
    let shell = origins.iter().find_map(|e| match &e.origin {
        Origin::Shell(shell) => Some(shell.as_str()),
        Origin::Program | Origin::WellKnown => None,
    });
    let asked = shell.map_or_else(
        || "the PATH of this program and the usual folders".to_owned(),
        |shell| format!("the PATH of the login shell {shell}, of this program and the usual folders"),
    );
    let why = format!("{command} is in none of {looked} folders: {asked}.");
    Found { executable: None, why }
}

fn named_file(command: &str, cwd: Option<&Path>) -> Found {
    let file = cwd.map_or_else(|| expand_home(command), |cwd| cwd.join(expand_home(command)));
    if is_executable(&file) {
        return Found { why: format!("{} was named in full.", file.display()), executable: Some(file) };
    }
    let state = if file.exists() { "is not executable" } else { "does not exist" };
    Found { executable: None, why: format!("{} {state}.", file.display()) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn executable(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[tokio::test]
    async fn the_path_is_found_past_what_the_shell_prints() {
        let dir = tempfile::tempdir().unwrap();
        let shell = dir.path().join("shell");
        executable(&shell, "#!/bin/sh\necho 'Welcome!'\nPATH=/from/login:/bin\neval \"$4\"\necho bye\n");
        let path = ask_shell(shell.to_str().unwrap()).await;
        assert_eq!(path, Some("/from/login:/bin".into()));
        assert_eq!(ask_shell("/nowhere/sh").await, None);
    }

    #[test]
    fn an_executable_is_found_with_the_reason_and_a_missing_one_too() {
        let dir = tempfile::tempdir().unwrap();
        executable(&dir.path().join("agent"), "");
        std::fs::write(dir.path().join("plain"), "").unwrap();
        let path = dir.path().as_os_str();
        let found = find_executable("agent", path, None);
        assert_eq!(found.executable, Some(dir.path().join("agent")));
        assert!(found.why.contains("agent's own settings"), "{}", found.why);
        let found = find_executable("plain", path, None);
        assert_eq!(found.executable, None);
        assert!(found.why.contains("none of 1 folders"), "{}", found.why);
        assert!(find_executable("./agent", path, Some(dir.path())).executable.is_some());
        assert!(find_executable("./plain", path, Some(dir.path())).why.ends_with("is not executable."));
    }

    #[test]
    fn relative_entries_and_repeats_are_left_out() {
        let all = entries(Some(("sh".into(), "/bin:.:/bin:/usr/bin".into())));
        assert_eq!(all.iter().filter(|e| e.dir == Path::new("/bin")).count(), 1);
        assert!(all.iter().all(|e| e.dir.is_absolute()));
    }
}
