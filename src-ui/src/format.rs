//! Numbers, times and money as people read them.

use contract::{Cents, Timestamp};

/// Time since `then`, in the shortest form that is true: `now`, `45s`, `12m`, `3h`, `6d`, `5w`, `2y`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let s = now.since(then).as_secs();
    match s {
        0..5 => "now".into(),
        5..60 => format!("{s}s"),
        60..3_600 => format!("{}m", s / 60),
        3_600..86_400 => format!("{}h", s / 3_600),
        86_400..1_209_600 => format!("{}d", s / 86_400),
        1_209_600..31_536_000 => format!("{}w", s / 604_800),
        _ => format!("{}y", s / 31_536_000),
    }
}

/// Time until `then`: `now`, `in 45s`, `in 12m`, `in 3h 05m`, `in 2d`.
pub fn ahead(then: Timestamp, now: Timestamp) -> String {
    let s = then.since(now).as_secs();
    match s {
        0 => "now".into(),
        1..60 => format!("in {s}s"),
        60..3_600 => format!("in {}m", s.div_ceil(60)),
        3_600..172_800 => format!("in {}h {:02}m", s / 3_600, s % 3_600 / 60),
        _ => format!("in {}d", s / 86_400),
    }
}

/// A length of time: `0.4s`, `12s`, `3m 05s`, `2h 04m`, `3d 2h`.
pub fn duration(ms: i64) -> String {
    let ms = ms.max(0);
    let s = ms / 1_000;
    match s {
        0 if ms < 100 => "<0.1s".into(),
        0..10 => format!("{}.{}s", s, (ms % 1_000) / 100),
        10..60 => format!("{s}s"),
        60..3_600 => format!("{}m {:02}s", s / 60, s % 60),
        3_600..86_400 => format!("{}h {:02}m", s / 3_600, s % 3_600 / 60),
        _ => format!("{}d {}h", s / 86_400, s % 86_400 / 3_600),
    }
}

/// Time from a start to an end, or until now while there is none.
pub fn elapsed(start: Timestamp, end: Option<Timestamp>, now: Timestamp) -> String {
    duration(end.unwrap_or(now).millis() - start.millis())
}

/// `$1,234.50`
pub fn money(cents: Cents) -> String {
    format!("${}.{:02}", thousands(cents.get() / 100), cents.get() % 100)
}

/// An amount as a person types it: `12`, `12.5`, `$1,200.00`. Nothing typed is no amount.
pub fn parse_money(text: &str) -> Result<Cents, &'static str> {
    const WRONG: &str = "Enter an amount in dollars, such as 25 or 12.50";
    const MOST: i64 = 100_000_000;
    let text = text.trim().trim_start_matches('$').trim().replace(',', "");
    if text.is_empty() {
        return Ok(Cents::ZERO);
    }
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() && part.is_empty() || !digits(whole) || !digits(part) {
        return Err(WRONG);
    }
    if part.len() > 2 {
        return Err("An amount has at most two digits after the point");
    }
    let dollars: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| WRONG)? };
    let cents: i64 = format!("{part:0<2}").parse().map_err(|_| WRONG)?;
    if dollars > MOST {
        return Err("That is more than a budget can be");
    }
    Ok(Cents::new(dollars * 100 + cents))
}

/// The text of a field for an amount; empty for none.
pub fn money_field(cents: Cents) -> String {
    match cents.get() {
        0 => String::new(),
        c if c % 100 == 0 => (c / 100).to_string(),
        c => format!("{}.{:02}", c / 100, c % 100),
    }
}

/// What one run cost; small amounts keep the digits that tell them from nothing.
pub fn usd(amount: f64) -> String {
    match amount {
        a if a <= 0.0 => "$0.00".into(),
        a if a < 0.01 => format!("${a:.4}"),
        a => format!("${a:.2}"),
    }
}

/// `1,234,567`
pub fn thousands(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    if n < 0 {
        out.push('-');
    }
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Tokens: `950`, `12.3k`, `1.8M`.
pub fn tokens(n: i64) -> String {
    match n {
        ..1_000 => n.to_string(),
        1_000..1_000_000 => format!("{:.1}k", n as f64 / 1e3),
        _ => format!("{:.1}M", n as f64 / 1e6),
    }
}

/// `1 issue`, `3 issues`.
pub fn count(n: i64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

/// `512 B`, `14.2 kB`, `3.1 MB`
pub fn bytes(n: u64) -> String {
    match n {
        ..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}

/// `in_progress`, `issue.created`, `wakeOnDemand` as words: `In progress`, `Issue created`, `Wake on demand`.
pub fn words(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + 4);
    for (i, c) in key.chars().enumerate() {
        match c {
            '_' | '.' | '-' => out.push(' '),
            c if i == 0 => out.extend(c.to_uppercase()),
            c if c.is_uppercase() => {
                out.push(' ');
                out.extend(c.to_lowercase());
            }
            c => out.push(c),
        }
    }
    out
}

/// The first letters of up to two words, for an avatar.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|w| w.chars().next());
    words.by_ref().take(2).flat_map(char::to_uppercase).collect()
}

/// At most `max` characters of a text's first line.
pub fn first_line(text: &str, max: usize) -> String {
    let line = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
    if line.chars().count() <= max {
        line.to_owned()
    } else {
        line.chars().take(max.saturating_sub(1)).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_millis(s * 1000)
    }

    #[test]
    fn what_is_to_come_is_rounded_up_until_it_is_there() {
        for (s, said) in [(0, "now"), (45, "in 45s"), (61, "in 2m"), (3_600, "in 1h 00m"), (200_000, "in 2d")]
        {
            assert_eq!(ahead(at(s), at(0)), said);
        }
        assert_eq!(ahead(at(0), at(9)), "now");
    }

    #[test]
    fn amounts_are_read_as_they_are_typed_and_shown_as_they_were_read() {
        for (typed, cents) in
            [("", 0), ("  ", 0), ("12", 1200), ("$1,200.5", 120_050), (".75", 75), ("3.", 300), ("0.05", 5)]
        {
            assert_eq!(parse_money(typed), Ok(Cents::new(cents)), "{typed}");
            assert_eq!(parse_money(&money_field(Cents::new(cents))), Ok(Cents::new(cents)));
        }
        for wrong in ["-5", "abc", "1.234", "1.2.3", ".", "9999999999999999999999", "1e5", "100000001"] {
            assert!(parse_money(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ages_take_the_shortest_true_unit_and_a_clock_that_went_back_is_now() {
        let cases = [(2, "now"), (45, "45s"), (150, "2m"), (7_300, "2h"), (200_000, "2d"), (1_300_000, "2w")];
        for (s, want) in cases {
            assert_eq!(ago(at(0), at(s)), want);
        }
        assert_eq!(ago(at(100), at(0)), "now");
    }

    #[test]
    fn durations_keep_two_units() {
        assert_eq!(duration(40), "<0.1s");
        assert_eq!(duration(1_450), "1.4s");
        assert_eq!(duration(65_000), "1m 05s");
        assert_eq!(duration(7_440_000), "2h 04m");
        assert_eq!(duration(-5), "<0.1s");
    }

    #[test]
    fn money_and_counts_have_separators() {
        assert_eq!(money(Cents::new(123_450)), "$1,234.50");
        assert_eq!(usd(0.0042), "$0.0042");
        assert_eq!(thousands(-1_234_567), "-1,234,567");
        assert_eq!(count(1, "issue", "issues"), "1 issue");
        assert_eq!(tokens(1_850_000), "1.9M");
        assert_eq!(bytes(14_200), "14.2 kB");
    }

    #[test]
    fn keys_become_words() {
        assert_eq!(words("in_progress"), "In progress");
        assert_eq!(words("issue.comment_added"), "Issue comment added");
        assert_eq!(words("wakeOnDemand"), "Wake on demand");
        assert_eq!(initials("ada lovelace king"), "AL");
        assert_eq!(first_line("\n  one two \nthree", 5), "one …");
    }
}
