//! Masks secrets in a stream of bytes.

use std::ops::Range;

pub use domain::redact::MASK;

/// Shorter values are not masked: they would match ordinary text.
const MIN_LEN: usize = 6;

/// Knows the secrets of one run.
pub struct Redactor {
    patterns: Vec<Vec<u8>>,
    /// Whether a byte begins any pattern.
    first: [bool; 256],
}

impl Redactor {
    /// A secret of several lines is masked line by line, and each also in the form JSON gives it.
    pub fn new(secrets: &[String]) -> Self {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        for line in secrets.iter().flat_map(|s| s.lines()).map(str::trim) {
            if line.len() < MIN_LEN {
                continue;
            }
            patterns.push(line.as_bytes().to_vec());
            let json = serde_json::Value::from(line).to_string();
            patterns.push(json.as_bytes()[1..json.len() - 1].to_vec());
        }
        // The longest first, so that a secret within another does not leave its rest in clear.
        patterns.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        patterns.dedup();
        let mut first = [false; 256];
        for pattern in &patterns {
            first[usize::from(pattern[0])] = true;
        }
        Self { patterns, first }
    }

    fn next_match(&self, bytes: &[u8], from: usize) -> Option<Range<usize>> {
        if self.patterns.is_empty() {
            return None;
        }
        (from..bytes.len()).filter(|&i| self.first[usize::from(bytes[i])]).find_map(|i| {
            let pattern = self.patterns.iter().find(|p| bytes[i..].starts_with(p))?;
            Some(i..i + pattern.len())
        })
    }

    /// Appends `bytes` to `out`, masked.
    pub fn mask(&self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut at = 0;
        while let Some(found) = self.next_match(bytes, at) {
            out.extend_from_slice(&bytes[at..found.start]);
            out.extend_from_slice(MASK.as_bytes());
            at = found.end;
        }
        out.extend_from_slice(&bytes[at..]);
    }

    pub fn mask_str(&self, text: &str) -> String {
        let mut out = Vec::with_capacity(text.len());
        self.mask(text.as_bytes(), &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// How many of these bytes can be masked now: what follows might be the beginning of a secret whose
    /// rest is still to come. Never cuts through a secret that is whole.
    pub fn settled(&self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(found) = self.next_match(bytes, at) {
            at = found.end;
        }
        let longest = self.patterns.first().map_or(0, Vec::len);
        let tail = at.max(bytes.len().saturating_sub(longest.saturating_sub(1)));
        (tail..bytes.len())
            .find(|&i| {
                self.first[usize::from(bytes[i])] && self.patterns.iter().any(|p| p.starts_with(&bytes[i..]))
            })
            .unwrap_or(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        Redactor::new(&secrets.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn secrets_are_masked_also_within_json_and_line_by_line() {
        let r = redactor(&["sk-\"quoted\"", "-----BEGIN KEY-----\nabcdefgh\n"]);
        assert_eq!(r.mask_str("a sk-\"quoted\" b"), "a ***REDACTED*** b");
        assert_eq!(r.mask_str(r#"{"k":"sk-\"quoted\""}"#), r#"{"k":"***REDACTED***"}"#);
        assert_eq!(r.mask_str("abcdefgh"), MASK);
    }

    #[test]
    fn short_values_are_left_alone() {
        assert_eq!(redactor(&["true", ""]).mask_str("true story"), "true story");
    }

    #[test]
    fn of_two_secrets_the_longer_is_masked() {
        assert_eq!(redactor(&["secret", "secret-longer"]).mask_str("secret-longer"), MASK);
    }

    #[test]
    fn a_cut_never_falls_into_a_secret() {
        let r = redactor(&["abcabcd", "zzzzzz"]);
        assert_eq!(r.settled(b"xx abcabc"), 3);
        assert_eq!(r.settled(b"xx abcabcd"), 10);
        assert_eq!(r.settled(b"xx zzz"), 3);
        // A whole secret whose end could begin another one is not cut in two.
        assert_eq!(r.settled(b"zzzzzzzz"), 6);
        assert_eq!(r.settled(b"plain"), 5);
    }
}
