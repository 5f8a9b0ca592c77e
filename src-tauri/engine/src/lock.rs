//! One program a data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};

use crate::{EngineError, Paths};

/// Held while the engine lives. The operating system lets go of it when the process ends, however it ends.
pub(crate) struct DataLock {
    _file: File,
}

impl DataLock {
    pub(crate) fn take(paths: &Paths) -> Result<Self, EngineError> {
        let path = paths.lock();
        let cannot = |source| EngineError::DataFolder { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = file.read_to_string(&mut pid);
                return Err(EngineError::InUse {
                    path: paths.root().to_owned(),
                    pid: pid.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(cannot(source)),
        }
        file.set_len(0).map_err(cannot)?;
        file.rewind().map_err(cannot)?;
        write!(file, "{}", std::process::id()).map_err(cannot)?;
        Ok(Self { _file: file })
    }
}
