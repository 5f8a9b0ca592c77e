//! A client for the HTTP door on this machine, small enough to need no library.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(30);
/// How long the program may be away (restarting, say) before the agent gives up.
const PATIENCE: Duration = Duration::from_secs(60);
const MAX_BODY: u64 = 16 << 20;

#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error("{0} is not set: the demo agent only works within a run")]
    Unset(&'static str),
    #[error("{0} is not a plain http:// address")]
    Url(String),
    #[error("{method} {path}: {source}")]
    Unreachable { method: &'static str, path: String, source: io::Error },
    #[error("{method} {path} was refused with {status}: {message}")]
    Refused { method: &'static str, path: String, status: u16, message: String },
    #[error("the answer to {0} lacks {1}")]
    Missing(String, &'static str),
}

/// Where the control plane is and who is asking.
pub struct Door {
    authority: String,
    prefix: String,
    token: String,
    run_id: String,
}

/// An answer of the door.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Door {
    pub fn from_env(var: &dyn Fn(&str) -> Option<String>) -> Result<Self, DemoError> {
        let need = |name: &'static str| var(name).ok_or(DemoError::Unset(name));
        let url = need("PAPERCLIP_API_URL")?;
        let rest = url.strip_prefix("http://").ok_or_else(|| DemoError::Url(url.clone()))?;
        let (authority, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // Clients may or may not name the `/api` that every path begins with.
        let prefix = prefix.trim_end_matches('/');
        let prefix = prefix.strip_suffix("/api").unwrap_or(prefix);
        let authority =
            if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
        Ok(Self {
            authority,
            prefix: prefix.to_owned(),
            token: need("PAPERCLIP_API_KEY")?,
            run_id: need("PAPERCLIP_RUN_ID")?,
        })
    }

    /// Asks, and asks again while the program is away.
    pub fn ask(&self, method: &'static str, path: &str, body: Option<&Value>) -> Result<Answer, DemoError> {
        let give_up = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(100);
        loop {
            let failed = match self.ask_once(method, path, body) {
                Ok(answer) if answer.status != 503 => return Ok(answer),
                Ok(_) => io::Error::other("the program is not ready"),
                Err(e) => e,
            };
            if Instant::now() + pause > give_up {
                return Err(DemoError::Unreachable { method, path: path.to_owned(), source: failed });
            }
            sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(3));
        }
    }

    fn ask_once(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Answer> {
        let address = self.authority.to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "{method} {}{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nX-Paperclip-Run-Id: {}\r\n\
             Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            self.prefix,
            self.authority,
            self.token,
            self.run_id,
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes())?;
        read_answer(&mut BufReader::new(stream))
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the answer has {what}"))
}

fn read_answer(reader: &mut impl BufRead) -> io::Result<Answer> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status =
        line.split(' ').nth(1).and_then(|s| s.trim().parse().ok()).ok_or_else(|| malformed("no status"))?;
    let (mut length, mut chunked) = (None, false);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse::<u64>().ok(),
            "transfer-encoding" => chunked = value.to_ascii_lowercase().contains("chunked"),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        read_chunks(reader, &mut body)?;
    } else {
        reader.take(length.unwrap_or(MAX_BODY).min(MAX_BODY)).read_to_end(&mut body)?;
    }
    Ok(Answer { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = line.trim().split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(size, 16).map_err(|_| malformed("a chunk without a size"))?;
        if size == 0 {
            return Ok(());
        }
        if body.len() as u64 + size > MAX_BODY {
            return Err(malformed("too long a body"));
        }
        reader.take(size).read_to_end(body)?;
        reader.read_line(&mut String::new())?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> io::Result<Answer> {
        read_answer(&mut text.as_bytes())
    }

    #[test]
    fn answers_are_read_in_every_framing() {
        let plain = answer("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}rest").unwrap();
        assert_eq!((plain.status, &plain.body["a"]), (200, &1.into()));
        let text =
            "HTTP/1.1 409 Conflict\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n";
        let chunked = answer(text).unwrap();
        assert_eq!((chunked.status, &chunked.body["a"]), (409, &1.into()));
        assert_eq!(answer("HTTP/1.1 204 No Content\r\n\r\n").unwrap().body, Value::Null);
        assert!(answer("nonsense\r\n\r\n").is_err());
    }

    #[test]
    fn the_address_may_or_may_not_end_in_api() {
        for url in ["http://127.0.0.1:3100", "http://127.0.0.1:3100/", "http://127.0.0.1:3100/api"] {
            let var = |name: &str| Some(if name == "PAPERCLIP_API_URL" { url } else { "x" }.to_owned());
            let door = Door::from_env(&var).unwrap();
            assert_eq!((&*door.authority, &*door.prefix), ("127.0.0.1:3100", ""));
        }
        let unset = |_: &str| None;
        assert!(matches!(Door::from_env(&unset), Err(DemoError::Unset("PAPERCLIP_API_URL"))));
    }
}
