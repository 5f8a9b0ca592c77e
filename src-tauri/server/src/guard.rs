//! Keeps web pages and rebound names out.

use axum::http::{HeaderMap, header};
use contract::{ApiError, ErrorCode};

/// Refuses requests that were not made to a name of this machine, or that a web page made.
///
/// A page can make a browser call a loopback port. It cannot hide that it did: the browser sends its origin,
/// and a name that was rebound to this machine is in the Host header.
pub(crate) fn check(headers: &HeaderMap, port: u16) -> Result<(), ApiError> {
    let refused = |what: &str| {
        Err(ApiError::new(ErrorCode::ForeignOrigin, format!("This program does not answer {what}"))
            .with_hint(format!("Call http://127.0.0.1:{port} directly, from a program on this machine.")))
    };
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next().map(|h| h.to_str()), hosts.next()) {
        (Some(Ok(host)), None) if is_local(host, port) => {}
        _ => return refused("under another host name"),
    }
    for origin in headers.get_all(header::ORIGIN) {
        let local =
            origin.to_str().ok().and_then(|o| o.strip_prefix("http://")).is_some_and(|h| is_local(h, port));
        if !local {
            return refused("web pages");
        }
    }
    if let Some(site) = headers.get("sec-fetch-site")
        && !matches!(site.to_str(), Ok("same-origin" | "none"))
    {
        return refused("web pages");
    }
    Ok(())
}

fn is_local(host: &str, port: u16) -> bool {
    let Some((name, given)) = host.rsplit_once(':') else { return false };
    given.parse() == Ok(port) && matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut h = HeaderMap::new();
        for (k, v) in pairs {
            h.append(*k, v.parse().unwrap());
        }
        h
    }

    #[test]
    fn only_names_of_this_machine_and_no_pages_get_in() {
        let ok = |p: &[_]| check(&with(p), 3100).is_ok();
        assert!(ok(&[("host", "127.0.0.1:3100")]));
        assert!(ok(&[("host", "localhost:3100"), ("origin", "http://localhost:3100")]));
        for bad in [
            &[][..],
            &[("host", "evil.example:3100")],
            &[("host", "127.0.0.1:3100.evil.example:3100")],
            &[("host", "127.0.0.1")],
            &[("host", "127.0.0.1:3101")],
            &[("host", "127.0.0.1:3100"), ("host", "evil.example")],
            &[("host", "127.0.0.1:3100"), ("origin", "https://evil.example")],
            &[("host", "127.0.0.1:3100"), ("origin", "null")],
            &[("host", "127.0.0.1:3100"), ("origin", "http://127.0.0.1:8080")],
            &[("host", "127.0.0.1:3100"), ("sec-fetch-site", "cross-site")],
        ] {
            assert!(!ok(bad), "{bad:?}");
        }
    }
}
