//! Puts a backup in the database's place.

use std::path::Path;
use std::process::ExitCode;

use crate::log;
use crate::running::Options;

pub async fn run(options: &Options, file: &Path) -> ExitCode {
    match engine::restore(&options.data_dir, file).await {
        Ok(kept) => {
            log::complain(&format!("restored {}", file.display()));
            if let Some(kept) = kept {
                log::complain(&format!("the database that was there is kept as {}", kept.display()));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            log::complain(&format!("{} was not restored: {error}", file.display()));
            ExitCode::FAILURE
        }
    }
}
