//! Files below a folder that an agent may have written to. The program sees its whole data folder where the agent
//! does not, so a link that an agent leaves behind must never lead the program on: no step below the folder
//! follows one, to read or to write.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;

use std::io;

#[cfg(not(unix))]
pub use elsewhere::Folder;
#[cfg(unix)]
pub use unix::Folder;

/// A file larger than this is no text that somebody wrote.
const MAX_BYTES: u64 = 16 << 20;
/// Folders that a listing enters at most.
const MAX_FOLDERS: usize = 500;

/// The parts of a name below the folder; none of them leads out of it.
fn parts(name: &str) -> io::Result<Vec<&str>> {
    let parts: Vec<&str> = name.split('/').collect();
    // A colon names a drive or a stream where there are such things.
    let foul = |c: char| matches!(c, '\\' | '\0') || (cfg!(windows) && c == ':');
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(foul);
    if parts.iter().all(|part| plain(part)) {
        Ok(parts)
    } else {
        Err(refused("The path must lie within the folder"))
    }
}

/// Of the kind `InvalidInput`, which tells it from a file that is not there.
fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

fn read_text(file: std::fs::File) -> io::Result<String> {
    use io::Read;
    let about = file.metadata()?;
    if !about.is_file() || about.len() > MAX_BYTES {
        return Err(refused("This is no file of text"));
    }
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// A name that nobody can have taken beforehand.
fn partial_name() -> String {
    use std::hash::{BuildHasher, RandomState};
    let part = || RandomState::new().hash_one(std::process::id());
    format!(".{:016x}{:016x}.partial", part(), part())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A data folder with a token, and an agent's folder in it.
    fn place() -> (tempfile::TempDir, std::path::PathBuf, Folder) {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join("operator-token"), "the-token").unwrap();
        let root = data.path().join("instructions");
        fs::create_dir(&root).unwrap();
        let folder = Folder::open(&root, None).unwrap();
        (data, root, folder)
    }

    #[test]
    fn what_is_written_is_read_and_listed() {
        let (_data, root, folder) = place();
        folder.write("AGENTS.md", "one").unwrap();
        folder.write("AGENTS.md", "two").unwrap();
        folder.write("deep/er/notes.txt", "n").unwrap();
        assert_eq!(folder.read("AGENTS.md").unwrap(), "two");
        let mut files = folder.files(10);
        files.sort();
        assert_eq!(files, [("AGENTS.md".to_owned(), 3), ("deep/er/notes.txt".to_owned(), 1)]);
        folder.remove("deep/er/notes.txt").unwrap();
        assert!(!root.join("deep/er/notes.txt").exists());
        assert_eq!(folder.read("gone").unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn no_link_is_read_through() {
        let (data, root, folder) = place();
        symlink(data.path().join("operator-token"), root.join("AGENTS.md")).unwrap();
        symlink(data.path(), root.join("up")).unwrap();
        let ways = ["AGENTS.md", "up/operator-token", "../operator-token", "/etc/passwd", "./AGENTS.md", ""];
        for name in ways {
            assert_eq!(folder.read(name).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name}");
        }
        assert_eq!(folder.files(10), []);
    }

    #[test]
    fn no_link_is_written_through() {
        let (data, root, folder) = place();
        let token = data.path().join("operator-token");
        for name in ["AGENTS.md", "AGENTS.partial"] {
            symlink(&token, root.join(name)).unwrap();
        }
        symlink(data.path(), root.join("up")).unwrap();
        // The link itself is replaced, not what it names.
        folder.write("AGENTS.md", "mine").unwrap();
        assert_eq!(folder.read("AGENTS.md").unwrap(), "mine");
        assert!(folder.write("up/operator-token", "mine").is_err());
        assert!(folder.remove("up/operator-token").is_err());
        assert!(folder.write("../operator-token", "mine").is_err());
        assert_eq!(fs::read_to_string(token).unwrap(), "the-token");
        let left: Vec<_> = fs::read_dir(&root).unwrap().flatten().map(|e| e.file_name()).collect();
        assert_eq!(left.len(), 3, "{left:?}");
    }

    #[test]
    fn a_pipe_is_no_file_to_wait_for() {
        let (_data, root, folder) = place();
        let made = std::process::Command::new("mkfifo").arg(root.join("AGENTS.md")).status().unwrap();
        assert!(made.success());
        assert!(folder.read("AGENTS.md").is_err());
    }

    #[test]
    fn a_closed_place_is_reached_neither_from_above_nor_within() {
        let (data, root, _) = place();
        fs::write(root.join("AGENTS.md"), "x").unwrap();
        assert!(Folder::open(data.path(), Some(data.path())).is_err());
        assert!(Folder::open(&root, Some(data.path())).is_err());
        let above = Folder::open(data.path().parent().unwrap(), Some(data.path())).unwrap();
        let name = data.path().file_name().unwrap().to_str().unwrap();
        assert!(above.read(&format!("{name}/operator-token")).is_err());
        let outside = tempfile::tempdir().unwrap();
        symlink(data.path(), outside.path().join("docs")).unwrap();
        assert!(Folder::open(&outside.path().join("docs"), Some(data.path())).is_err());
    }
}
