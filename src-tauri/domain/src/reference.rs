//! What a text points at: issues by identifier, agents by mention.

use contract::AgentId;

/// Issue identifiers with this company's prefix, each once, in order. Code is text too.
pub fn identifiers(text: &str, prefix: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + prefix.len() < bytes.len() {
        let Some(end) = identifier_at(bytes, at, prefix.as_bytes()) else {
            at += 1;
            continue;
        };
        let found = String::from_utf8_lossy(&bytes[at..end]).to_ascii_uppercase();
        if !out.contains(&found) {
            out.push(found);
        }
        at = end;
    }
    out
}

fn identifier_at(bytes: &[u8], at: usize, prefix: &[u8]) -> Option<usize> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if at > 0 && (word(bytes[at - 1]) || bytes[at - 1] == b'-') {
        return None;
    }
    let after = at + prefix.len();
    if !bytes[at..after].eq_ignore_ascii_case(prefix) || bytes.get(after) != Some(&b'-') {
        return None;
    }
    let digits = bytes[after + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
    let end = after + 1 + digits;
    let ends = bytes.get(end).is_none_or(|b| !word(*b));
    (digits > 0 && digits <= 10 && ends).then_some(end)
}

/// Whether a text could mention an agent at all, so that nobody's name need be known to say no.
pub fn may_mention(text: &str) -> bool {
    text.contains('@') || text.contains("agent://")
}

/// Agents that a text mentions: `@Name`, `@url-key` or a link `agent://<id>`. The longest name wins.
pub fn mentions<'a>(
    text: &str,
    agents: impl Iterator<Item = (AgentId, &'a str, &'a str)> + Clone,
) -> Vec<AgentId> {
    let mut out = Vec::new();
    for (at, _) in text.match_indices('@') {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '.' || c == '_') {
            continue;
        }
        let rest = &text[at + 1..];
        let best = agents
            .clone()
            .filter_map(|(id, name, key)| {
                let len =
                    [name, key].into_iter().filter(|n| starts_with_word(rest, n)).map(str::len).max()?;
                Some((len, id))
            })
            .max_by_key(|(len, _)| *len);
        if let Some((_, id)) = best
            && !out.contains(&id)
        {
            out.push(id);
        }
    }
    for (at, _) in text.match_indices("agent://") {
        let id: String = text[at + 8..].chars().take(36).collect();
        if let Ok(id) = id.parse::<AgentId>()
            && agents.clone().any(|(a, ..)| a == id)
            && !out.contains(&id)
        {
            out.push(id);
        }
    }
    out
}

fn starts_with_word(text: &str, name: &str) -> bool {
    if name.is_empty() || !text.is_char_boundary(name.len().min(text.len())) || text.len() < name.len() {
        return false;
    }
    let (head, tail) = text.split_at(name.len());
    head.eq_ignore_ascii_case(name)
        && tail.chars().next().is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == '-'))
}

#[cfg(test)]
mod tests {
    use contract::AgentId;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn agent(n: u128) -> AgentId {
        AgentId(Uuid::from_u128(n))
    }

    #[test]
    fn identifiers_are_whole_words_of_this_company() {
        let found = identifiers("See PAP-12, pap-7 (not XPAP-1, PAP-12x or OTH-3) and PAP-12.", "PAP");
        assert_eq!(found, ["PAP-12", "PAP-7"]);
    }

    #[test]
    fn the_longest_name_wins_and_mail_addresses_are_no_mentions() {
        let agents = [(agent(1), "Ada", "ada"), (agent(2), "Ada Lovelace", "ada-lovelace")];
        let of = |t: &str| mentions(t, agents.iter().copied());
        assert_eq!(of("@Ada Lovelace please"), [agent(2)]);
        assert_eq!(of("@ada, and @ada-lovelace!"), [agent(1), agent(2)]);
        assert_eq!(of("mail me@ada.org or @adamant"), []);
        assert_eq!(of(&format!("[x](agent://{}?i=bot)", agent(1))), [agent(1)]);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in ".{0,200}") {
            let agents = [(agent(1), "Zoë", "zo")];
            let _ = (identifiers(&text, "PAP"), mentions(&text, agents.iter().copied()));
        }
    }
}
