//! Systems whose web engine needs no preparation.

use std::path::Path;

pub fn prepare_rendering(_: &Path, _: bool) {}

pub fn rendering_began(_: &Path) {}

pub fn rendering_worked(_: &Path) {}
