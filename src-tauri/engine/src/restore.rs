//! Putting a backup in the database's place.

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
