//! Skills in a zip archive: read in memory, after everything that can be checked beforehand was.

use std::borrow::Cow;
use std::io::{Cursor, Read as _};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::bundle::{Bundle, BundleError, Limits, check_file, shown};
use crate::path::{self, BadPath};
use crate::tree::{self, Part, SearchLimits, TreeError};

/// Largest archive, in bytes.
const LARGEST: usize = 64 << 20;
/// Most entries of an archive, folders and files of no skill included.
const MOST_ENTRIES: usize = 50_000;
/// How much smaller than itself a file may be packed. Text stays far below.
const RATIO: u64 = 200;
/// Below this many bytes no ratio says anything.
const SMALL: u64 = 4 << 10;

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("the archive has more than {LARGEST} bytes")]
    Large,
    #[error("the archive has more than {MOST_ENTRIES} entries")]
    ManyEntries,
    #[error("the archive is damaged or was made to deceive: {0}")]
    Broken(#[from] ZipError),
    #[error("the archive's entry {path:?} is refused: {why}")]
    Path { path: String, why: BadPath },
    #[error("the archive's entry {0:?} is encrypted")]
    Encrypted(String),
    #[error("the archive's entry {0:?} unpacks to more than {RATIO} times its size")]
    Bomb(String),
    #[error("the archive's entry {0:?} has another size than it says")]
    Size(String),
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// A folder of an archive with a SKILL.md.
#[derive(Debug)]
pub struct Packed {
    /// Within the archive; empty for its root.
    pub path: String,
    pub bundle: Result<Bundle, BundleError>,
}

/// An entry as the archive's directory has it.
struct Listed {
    index: usize,
    size: u64,
    packed: u64,
    kind: Kind,
    encrypted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Link,
    Special,
}

/// All skills of an archive, by path.
///
/// A name that leaves the archive, or two of one name, refuse the archive as a whole. What is no part of a skill is
/// not unpacked.
pub fn read_zip(bytes: &[u8], search: &SearchLimits, limits: &Limits) -> Result<Vec<Packed>, ArchiveError> {
    if bytes.len() > LARGEST {
        return Err(ArchiveError::Large);
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    if archive.len() > MOST_ENTRIES {
        return Err(ArchiveError::ManyEntries);
    }
    // Two directories that disagree, entries that overlap, names that come twice.
    archive.validate_header_consistency()?;
    let listed = list(&archive)?;
    let mut total: u64 = 0;
    let mut out = Vec::new();
    for Part { path, files } in tree::split(listed, search)? {
        let bundle = match admitted(&files, limits) {
            Err(error) => Err(error),
            Ok(size) => {
                total = total.saturating_add(size);
                if total > search.total_bytes {
                    return Err(TreeError::Large(search.total_bytes).into());
                }
                let mut unpacked = Vec::with_capacity(files.len());
                for (name, entry) in files {
                    let bytes = unpack(&mut archive, &name, &entry)?;
                    unpacked.push((name, bytes));
                }
                Bundle::new(unpacked, limits)
            }
        };
        out.push(Packed { path, bundle });
    }
    Ok(out)
}

fn list(archive: &ZipArchive<Cursor<&[u8]>>) -> Result<Vec<(String, Listed)>, ArchiveError> {
    let mut out = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index)?;
        let raw: Cow<'_, str> = String::from_utf8_lossy(entry.name_raw());
        let name = raw.strip_suffix('/').unwrap_or(&raw);
        // Names that merely some systems refuse matter when they are a skill's.
        if let Err(why @ (BadPath::Empty | BadPath::Absolute | BadPath::Escapes | BadPath::Crooked)) =
            path::check(name)
        {
            return Err(ArchiveError::Path { path: shown(&raw), why });
        }
        if entry.is_dir() {
            continue;
        }
        let kind = match entry.unix_mode().unwrap_or_default() & 0o170_000 {
            0 | 0o100_000 => Kind::File,
            0o120_000 => Kind::Link,
            _ => Kind::Special,
        };
        let kind = if entry.is_symlink() { Kind::Link } else { kind };
        let listed = Listed {
            index,
            size: entry.size(),
            packed: entry.compressed_size(),
            kind,
            encrypted: entry.encrypted(),
        };
        out.push((name.to_owned(), listed));
    }
    Ok(out)
}

/// Whether a skill's files keep to the limits, by what the directory says: before a byte is unpacked. Answers their
/// size together.
fn admitted(files: &[(String, Listed)], limits: &Limits) -> Result<u64, BundleError> {
    if files.len() > limits.files {
        return Err(BundleError::ManyFiles(limits.files));
    }
    let mut total: u64 = 0;
    for (path, entry) in files {
        match entry.kind {
            Kind::File => {}
            Kind::Link => return Err(BundleError::Link(path.clone())),
            Kind::Special => return Err(BundleError::Special(path.clone())),
        }
        check_file(path, entry.size, limits)?;
        total = total.saturating_add(entry.size);
    }
    if total > limits.total_bytes { Err(BundleError::Large(limits.total_bytes)) } else { Ok(total) }
}

fn unpack(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    path: &str,
    entry: &Listed,
) -> Result<Vec<u8>, ArchiveError> {
    if entry.encrypted {
        return Err(ArchiveError::Encrypted(path.to_owned()));
    }
    if entry.size > SMALL && entry.size / RATIO > entry.packed {
        return Err(ArchiveError::Bomb(path.to_owned()));
    }
    let file = archive.by_index(entry.index)?;
    let mut bytes = Vec::with_capacity(usize::try_from(entry.size).unwrap_or_default());
    // One byte more than it claims is enough to know.
    file.take(entry.size.saturating_add(1)).read_to_end(&mut bytes).map_err(ZipError::from)?;
    if bytes.len() as u64 == entry.size { Ok(bytes) } else { Err(ArchiveError::Size(path.to_owned())) }
}

#[cfg(test)]
mod tests;
