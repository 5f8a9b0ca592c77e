//! Starting with the operator's session: an entry in the folder that desktops read when a session begins, after
//! freedesktop's Desktop Application Autostart and Desktop Entry specifications.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// The entry of one data folder.
pub struct LoginEntry {
    path: PathBuf,
    text: String,
}

impl LoginEntry {
    /// `id` tells data folders apart. The folder is named in the entry, so that the same one is used whatever the
    /// session's environment says.
    pub fn of(id: &str, data_dir: &Path) -> io::Result<Self> {
        let folder =
            config_dir().ok_or_else(|| io::Error::other("there is no home folder"))?.join("autostart");
        let program = std::env::current_exe()?;
        Ok(Self {
            path: folder.join(format!("paperclip-desktop-{id}.desktop")),
            text: entry(&program, data_dir)?,
        })
    }

    /// Makes the session do as is wanted. An entry that says something else, as an older version's or one of a
    /// program that has been moved, is written anew.
    pub fn apply(&self, wanted: bool) -> io::Result<()> {
        if !wanted {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        if fs::read_to_string(&self.path).is_ok_and(|there| there == self.text) {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&self.path, &self.text)
    }
}

fn config_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))
}

fn entry(program: &Path, data_dir: &Path) -> io::Result<String> {
    let text = |path: &Path| {
        let text = path.to_str().map(str::to_owned);
        text.ok_or_else(|| io::Error::other(format!("{} cannot be written in an entry", path.display())))
    };
    let data_dir = std::path::absolute(data_dir)?;
    let line = [&text(program)?, "--minimized", "--data-dir", &text(&data_dir)?].map(quoted).join(" ");
    // The value's own escapes come on top of those of the command line in it.
    let line = line.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r");
    Ok(format!(
        "[Desktop Entry]\nType=Application\nName=Paperclip Desktop\nComment=Starts in the tray\nExec={line}\n\
         Icon=dev.paperclip.desktop\nTerminal=false\nStartupNotify=false\n"
    ))
}

/// An argument of an `Exec` line.
fn quoted(argument: &str) -> String {
    let mut out = String::from('"');
    for c in argument.chars() {
        match c {
            '"' | '`' | '$' | '\\' => out.extend(['\\', c]),
            // Else the beginning of a field code.
            '%' => out.push_str("%%"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_arrives_as_it_is_whatever_is_in_it() {
        let text = entry(Path::new("/opt/a b/p"), Path::new("/home/x/50% \"off\" $HOME\\n")).unwrap();
        let line = text.lines().find_map(|l| l.strip_prefix("Exec=")).unwrap();
        let expected = r#""/opt/a b/p" "--minimized" "--data-dir" "/home/x/50%% \\"off\\" \\$HOME\\\\n""#;
        assert_eq!(line, expected);
    }

    #[test]
    fn an_entry_is_written_when_it_differs_and_removed_when_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/autostart/p.desktop");
        let entry = |text: &str| LoginEntry { path: path.clone(), text: text.into() };
        entry("one").apply(false).unwrap();
        entry("one").apply(true).unwrap();
        entry("two").apply(true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        entry("two").apply(false).unwrap();
        assert!(!path.exists());
    }
}
