//! What is done with a database that no program has open: looking whether it is sound, and putting a backup in its
//! place.

use std::path::{Path, PathBuf};

use crate::lock::DataLock;
use crate::{EngineError, Paths};

/// Restores `backup` into a data folder that no program uses. The backup is checked first; the database that was
/// there is kept, and its new name is returned.
pub async fn restore(data_dir: &Path, backup: &Path) -> Result<Option<PathBuf>, EngineError> {
    let paths = Paths::create(data_dir)?;
    let _lock = DataLock::take(&paths)?;
    Ok(store::backup::restore(backup, &paths.database()).await?)
}

/// What a look at a data folder found that no program uses.
pub struct Examined {
    /// What is wrong with the database. A folder without one has nothing wrong.
    pub trouble: Option<String>,
    /// The backups, newest first, and whether each is sound; only as many are looked at as it takes to find a sound one.
    pub backups: Vec<(PathBuf, Option<bool>)>,
}

/// Looks whether the database of a data folder is sound, and which backup would bring it back.
pub async fn examine(data_dir: &Path) -> Result<Examined, EngineError> {
    let paths = Paths::create(data_dir)?;
    let _lock = DataLock::take(&paths)?;
    let database = paths.database();
    let trouble = match database.exists() {
        true => store::backup::check_database(&database).await.err().map(|e| e.to_string()),
        false => None,
    };
    let mut backups = Vec::new();
    let mut sound = trouble.is_none();
    for b in crate::service::backups(&paths.backups()) {
        let file = PathBuf::from(b.file);
        let state = if sound { None } else { Some(store::backup::check_file(&file).await.is_ok()) };
        sound |= state == Some(true);
        backups.push((file, state));
    }
    Ok(Examined { trouble, backups })
}
