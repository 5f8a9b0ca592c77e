//! Makes the catalog's manifest of its files: `cargo xtask catalog`. Says everything that is wrong and writes nothing
//! then.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use contract::Timestamp;
use skills::bundle::Limits;
use skills::{catalog, tree};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "{why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    let limits = Limits { files: 10_000, total_bytes: 64 << 20, depth: 12, ..Limits::SKILL };
    let entries = tree::survey(&root, &limits).map_err(|e| e.to_string())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?;
    let now = Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap_or_default());
    let (made, problems) = catalog::make(&entries, now);
    if !problems.is_empty() {
        return Err(problems.iter().map(|p| format!("{p}\n")).collect());
    }
    let at = root.join("manifest.json");
    let before = std::fs::read_to_string(&at).ok();
    let text = catalog::render(&catalog::fresh(made, before.as_deref()));
    std::fs::write(&at, text).map_err(|e| e.to_string())
}
