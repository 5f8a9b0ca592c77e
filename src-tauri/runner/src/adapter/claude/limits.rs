//! When a limit ends, read from sentences such as "resets 3pm (Europe/Berlin)".

use contract::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};

/// How far a reset time may lie ahead to be believed.
const MAX_DAYS_AHEAD: i64 = 40;

/// The time at which the limit ends, if `words` (in lower case) names one. A clock time without a date is
/// the next such time; without a zone it is this machine's.
pub fn reset_time(words: &str, now: Timestamp) -> Option<Timestamp> {
    epoch(words).or_else(|| words.match_indices("reset").find_map(|(at, _)| clock(&words[at..], now))).filter(
        |t| {
            t.since(now) > std::time::Duration::ZERO
                && t.since(now).as_secs() < 86_400 * MAX_DAYS_AHEAD as u64
        },
    )
}

/// "limit reached|1790000000", as older versions say it.
fn epoch(words: &str) -> Option<Timestamp> {
    words.match_indices('|').find_map(|(at, _)| {
        let digits: String = words[at + 1..].chars().take_while(char::is_ascii_digit).collect();
        let seconds: i64 = (digits.len() == 10).then(|| digits.parse().ok()).flatten()?;
        Some(Timestamp::from_millis(seconds * 1000))
    })
}

fn clock(words: &str, now: Timestamp) -> Option<Timestamp> {
    let line = words.lines().next()?;
    let line = line.trim_start_matches("resets").trim_start_matches("reset");
    let (text, zone) = match line.split_once('(') {
        Some((text, rest)) => (text, zone(rest.split(')').next()?.trim())?),
        None => (line, TimeZone::system()),
    };
    let spaced = text.replace([',', '.', ';', '·', '∙'], " ");
    let mut tokens = spaced.split_whitespace().filter(|t| !matches!(*t, "at" | "on" | ":")).peekable();
    let date = tokens.peek().and_then(|t| month(t)).map(|month| {
        tokens.next();
        (month, tokens.next().and_then(|day| day.parse::<i8>().ok()))
    });
    let (hour, minute) = time(tokens.next()?, tokens.next())?;
    let today = Zoned::new(jiff::Timestamp::from_millisecond(now.millis()).ok()?, zone.clone());
    let at = |date: Date| {
        let zoned = date.at(hour, minute, 0, 0).to_zoned(zone.clone()).ok()?;
        Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
    };
    match date {
        None => {
            let then = at(today.date())?;
            if then > now { Some(then) } else { at(today.date().checked_add(1.day()).ok()?) }
        }
        Some((month, day)) => {
            let then = at(Date::new(today.year(), month, day?).ok()?)?;
            if then > now { Some(then) } else { at(Date::new(today.year() + 1, month, day?).ok()?) }
        }
    }
}

/// Zone names are case-sensitive, and `words` is not: the database is asked without regard to case.
fn zone(name: &str) -> Option<TimeZone> {
    if name == "utc" || name == "gmt" {
        return Some(TimeZone::UTC);
    }
    jiff::tz::db().get(name).ok()
}

fn month(token: &str) -> Option<i8> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let at = MONTHS.iter().position(|m| token.starts_with(m))?;
    i8::try_from(at + 1).ok()
}

/// `3pm`, `3:30pm`, `3 pm`, `15:30`.
fn time(token: &str, next: Option<&str>) -> Option<(i8, i8)> {
    let (digits, suffix) = match token.find(|c: char| !c.is_ascii_digit() && c != ':') {
        Some(at) => token.split_at(at),
        None => (token, next.unwrap_or_default()),
    };
    let (hour, minute) = digits.split_once(':').unwrap_or((digits, ""));
    let hour: i8 = hour.parse().ok()?;
    let minute: i8 = if minute.is_empty() { 0 } else { minute.parse().ok()? };
    let hour = match suffix {
        "am" if hour == 12 => 0,
        "am" if hour <= 12 => hour,
        "pm" if hour == 12 => 12,
        "pm" if hour < 12 => hour + 12,
        // A bare number without minutes is no clock time.
        _ if digits.contains(':') => hour,
        _ => return None,
    };
    ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some((hour, minute))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(words: &str) -> Option<String> {
        let now = Timestamp::parse("2026-03-10T12:00:00Z").unwrap();
        reset_time(&words.to_lowercase(), now).map(|t| t.to_string())
    }

    #[test]
    fn reset_times_are_read_as_they_are_said() {
        for (words, expected) in [
            ("You've hit your limit · resets 3pm (UTC)", "2026-03-10T15:00:00.000Z"),
            ("usage limit reached. Resets at 11:30am (UTC).", "2026-03-11T11:30:00.000Z"),
            ("5-hour limit reached ∙ resets 12am (UTC)", "2026-03-11T00:00:00.000Z"),
            ("weekly limit · resets Mar 14, 9 am (UTC)", "2026-03-14T09:00:00.000Z"),
            ("resets Jan 5 at 9am (UTC)", ""),
            ("resets 15:30 (America/New_York)", "2026-03-10T19:30:00.000Z"),
            ("Claude AI usage limit reached|1773180000", "2026-03-10T22:00:00.000Z"),
        ] {
            assert_eq!(at(words).unwrap_or_default(), expected, "{words}");
        }
    }

    #[test]
    fn what_is_no_time_gives_none() {
        for words in [
            "connection reset by peer",
            "resets soon",
            "resets 3",
            "resets 25:00 (UTC)",
            "resets 3pm (Nowhere)",
        ] {
            assert_eq!(at(words), None, "{words}");
        }
    }
}
