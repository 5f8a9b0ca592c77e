//! The file by which clients find the doors.

use std::path::Path;

use engine::Paths;
use serde::{Deserialize, Serialize};

use crate::ServerError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    url: String,
    port: u16,
    /// Absent while the program is not running; the port is kept for the next start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    token_file: String,
}

pub(crate) fn write(paths: &Paths, url: &str, port: u16) -> Result<(), ServerError> {
    store(
        paths,
        &Place { url: url.to_owned(), port, pid: Some(std::process::id()), token_file: token_file(paths) },
    )
    .map_err(|source| ServerError::Place { path: paths.server_file(), source })
}

/// Says that nobody is there any more, but where the next one will be.
pub(crate) fn remove(paths: &Paths) {
    if let Some(mut place) = read(&paths.server_file()) {
        place.pid = None;
        if let Err(e) = store(paths, &place) {
            tracing::warn!("server.json: {e}");
        }
    }
}

/// The port of the last start.
pub(crate) fn last_port(paths: &Paths) -> Option<u16> {
    read(&paths.server_file()).map(|p| p.port).filter(|p| *p != 0)
}

fn token_file(paths: &Paths) -> String {
    paths.operator_token().display().to_string()
}

fn read(path: &Path) -> Option<Place> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn store(paths: &Paths, place: &Place) -> std::io::Result<()> {
    let path = paths.server_file();
    let partial = path.with_extension("partial");
    std::fs::write(&partial, serde_json::to_vec_pretty(place)?)?;
    std::fs::rename(partial, path)
}
