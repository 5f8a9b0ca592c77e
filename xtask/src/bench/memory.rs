//! Memory as it is shared out between processes (PSS).

use std::fs;

/// MiB of a process, its part of shared pages included.
pub fn pss(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let kib: f64 =
        text.lines().find_map(|l| l.strip_prefix("Pss:"))?.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// MiB of a process and all that descend from it.
pub fn pss_of_tree(root: u32) -> f64 {
    let mut sum = 0.0;
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        sum += pss(pid).unwrap_or(0.0);
        open.extend(children(pid));
    }
    sum
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    tasks
        .flatten()
        .filter_map(|t| fs::read_to_string(t.path().join("children")).ok())
        .flat_map(|s| s.split_whitespace().filter_map(|p| p.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

/// Processes whose command line holds this word.
pub fn running(word: &str) -> Vec<u32> {
    let Ok(all) = fs::read_dir("/proc") else { return Vec::new() };
    all.flatten()
        .filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|b| *b == 0).any(|arg| arg == word.as_bytes())
        })
        .collect()
}
