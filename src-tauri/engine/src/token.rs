//! Tokens: made here, kept only as hashes. The operator's own stands in a file that only the user can read.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{EngineError, Paths, World};

/// Prefixes as Paperclip has them, so that tokens in the wrong place are recognised.
pub(crate) const OPERATOR: &str = "pcp_board_";
pub(crate) const AGENT_KEY: &str = "pcp_";
pub(crate) const RUN: &str = "pcp_run_";

/// A new token: the prefix and 192 random bits in hexadecimal.
pub(crate) fn mint(prefix: &str, world: &dyn World) -> String {
    let mut bytes = [0u8; 24];
    world.fill(&mut bytes);
    format!("{prefix}{}", hex(&bytes))
}

/// What is stored of a token. They are random and long, so a plain hash cannot be turned back.
pub(crate) fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

/// Compares without telling by its time where two hashes differ.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |d, (x, y)| d | (x ^ y)) == 0
}

/// The operator's token, made at the first start.
pub(crate) fn operator_token(paths: &Paths, world: &dyn World) -> Result<String, EngineError> {
    let path = paths.operator_token();
    let cannot = |source| EngineError::DataFolder { path: path.clone(), source };
    match std::fs::read_to_string(&path) {
        Ok(s) if s.trim().len() > OPERATOR.len() => {
            restrict(&path).map_err(cannot)?;
            Ok(s.trim().to_owned())
        }
        Ok(_) => write_token(&path, &mint(OPERATOR, world)).map_err(cannot),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            write_token(&path, &mint(OPERATOR, world)).map_err(cannot)
        }
        Err(e) => Err(cannot(e)),
    }
}

fn write_token(path: &Path, token: &str) -> std::io::Result<String> {
    // Under another name first, so that a crash leaves no half a token.
    let partial = path.with_extension("partial");
    let _ = std::fs::remove_file(&partial);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&partial)?;
    writeln!(file, "{token}")?;
    file.sync_all()?;
    std::fs::rename(&partial, path)?;
    Ok(token.to_owned())
}

/// Takes away what others may do with the file, in case somebody copied it about.
fn restrict(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
