//! The audit in words, with the lines that it is about.

use contract::skill::SkillAuditSeverity;

use super::{Audit, SCAN_VERSION};

pub(super) fn render(audit: &Audit, name: &str) -> String {
    let count = |s: SkillAuditSeverity| audit.findings.iter().filter(|f| f.severity == s).count();
    let mut out = format!(
        "Audit of {}: {} ({}, {}; {SCAN_VERSION})\n",
        crate::bundle::shown(name),
        audit.verdict,
        counted(count(SkillAuditSeverity::Error), "error"),
        counted(count(SkillAuditSeverity::Warning), "warning"),
    );
    for finding in &audit.findings {
        let place = match (&finding.path, finding.line) {
            (Some(path), Some(line)) => format!(" {path}:{line}"),
            (Some(path), None) => format!(" {path}"),
            (None, _) => String::new(),
        };
        out.push_str(&format!("\n{} {}{place}\n  {}\n", finding.severity, finding.code, finding.message));
        if let (Some(line), Some(excerpt)) = (finding.line, &finding.excerpt) {
            out.push_str(&format!("  {line:>6} | {excerpt}\n"));
        }
    }
    if audit.is_hard_stop() {
        out.push_str(
            "\nIt is neither installed nor updated until the errors are gone; force does not help.\n",
        );
    }
    out
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
