//! Names that follow from other names: slugs, issue prefixes, free variants.

/// The URL key of a name: lower-case letters and digits with single dashes between.
pub fn slug(name: &str) -> String {
    url_key(name).unwrap_or_else(|| "agent".to_owned())
}

/// As `slug`, for callers that have their own word for a name of which nothing is left.
pub fn url_key(name: &str) -> Option<String> {
    let mut out = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.truncate(80);
    let out = out.trim_matches('-');
    (!out.is_empty()).then(|| out.to_owned())
}

/// The name itself, or the first `name 2`, `name 3`, … that is free.
pub fn free_variant(name: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(name) {
        return name.to_owned();
    }
    (2..).map(|n| format!("{name} {n}")).find(|v| !taken(v)).unwrap_or_else(|| name.to_owned())
}

/// The prefix of a company's issue identifiers: the first three letters A–Z of its name, or `CMP`.
pub fn issue_prefix(company: &str) -> String {
    let letters: String = company.to_uppercase().chars().filter(char::is_ascii_uppercase).take(3).collect();
    if letters.is_empty() { "CMP".to_owned() } else { letters }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_hold_only_what_a_path_can() {
        assert_eq!(slug("  Ada Lovelace (CTO) "), "ada-lovelace-cto");
        assert_eq!(slug("Zoë"), "zo");
        assert_eq!(slug("日本"), "agent");
    }

    #[test]
    fn prefixes_follow_the_name() {
        assert_eq!(issue_prefix("Paperclip Labs"), "PAP");
        assert_eq!(issue_prefix("7-11"), "CMP");
        assert_eq!(issue_prefix("x1y"), "XY");
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        assert_eq!(free_variant("Ada", |n| n == "Ada" || n == "Ada 2"), "Ada 3");
    }
}
