//! Where the sockets are: a short private folder outside the data folder, because a socket's path is
//! limited to 108 bytes.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use contract::RunId;
use sha2::{Digest, Sha256};

const SOCKET_PATH_LIMIT: usize = 107;

/// The folder for the sockets of one data folder, created if missing, checked to be ours alone.
/// `runtime_base` is `$XDG_RUNTIME_DIR`.
pub fn prepare(data_dir: &Path, runtime_base: Option<&Path>) -> io::Result<PathBuf> {
    let digest = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
    let hash: String = digest[..6].iter().map(|b| format!("{b:02x}")).collect();
    if let Some(base) = runtime_base.filter(|b| b.is_absolute() && own(b).is_ok()) {
        let program = base.join("paperclip");
        let dir = program.join(&hash);
        if fits(&dir) && private(&program).is_ok() && private(&dir).is_ok() {
            return Ok(dir);
        }
    }
    let uid = rustix::process::getuid().as_raw();
    let dir = PathBuf::from(format!("/tmp/paperclip-{uid}-{hash}"));
    private(&dir)?;
    Ok(dir)
}

/// The socket of one run.
pub fn socket(dir: &Path, run_id: RunId) -> PathBuf {
    dir.join(format!("{}.sock", run_id.0.simple()))
}

fn fits(dir: &Path) -> bool {
    dir.as_os_str().len() + "/00000000000000000000000000000000.sock".len() <= SOCKET_PATH_LIMIT
}

fn private(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    let meta = own(dir)?;
    if meta.mode() & 0o077 != 0 {
        return Err(io::Error::other(format!("{} is open to others", dir.display())));
    }
    Ok(())
}

/// A folder, not a link to one, that belongs to this user.
fn own(dir: &Path) -> io::Result<fs::Metadata> {
    let meta = fs::symlink_metadata(dir)?;
    if !meta.is_dir() || meta.uid() != rustix::process::getuid().as_raw() {
        return Err(io::Error::other(format!("{} is not a folder of this user", dir.display())));
    }
    Ok(meta)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_folder_that_is_not_ours_alone_is_not_used() {
        let base = tempfile::tempdir().unwrap();
        let data = Path::new("/somewhere/data");
        assert!(prepare(data, Some(base.path())).unwrap().starts_with(base.path()));

        fs::set_permissions(base.path().join("paperclip"), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(prepare(data, Some(base.path())).unwrap().starts_with("/tmp"));

        let other = tempfile::tempdir().unwrap();
        symlink("/tmp", other.path().join("paperclip")).unwrap();
        assert!(!prepare(data, Some(other.path())).unwrap().starts_with(other.path()));
    }

    #[test]
    fn a_runtime_folder_too_long_for_a_socket_is_passed_over() {
        let base = tempfile::tempdir().unwrap();
        let deep = base.path().join("d".repeat(90));
        fs::create_dir(&deep).unwrap();
        assert!(prepare(Path::new("/x"), Some(&deep)).unwrap().starts_with("/tmp"));
    }
}
