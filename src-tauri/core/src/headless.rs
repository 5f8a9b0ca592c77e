//! The core without window and tray.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::json;

use crate::running::{Core, Options};
use crate::{log, signals};

pub async fn run(options: Options) -> ExitCode {
    // Listened to from the first moment on: a stop while the program starts is a stop.
    let stop = tokio::spawn(signals::told_to_stop());
    let core = match Core::start(&options).await {
        Ok(core) => core,
        Err(error) => {
            tracing::error!(%error, "the core did not start");
            log::complain(&error.explained());
            return ExitCode::FAILURE;
        }
    };
    let line = json!({
        "url": core.url,
        "port": core.port,
        "pid": std::process::id(),
        "tokenFile": core.token_file,
        "readyMs": core.ready_ms,
    });
    {
        // Whoever started the program may have closed its end; the program works all the same.
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}");
        let _ = out.flush();
    }
    let _ = stop.await;
    tracing::info!("stopping; runs in flight go on in their hosts");
    tokio::select! {
        () = core.stop() => ExitCode::SUCCESS,
        // Asked twice: at once, then. Nothing is lost by it, the next start finds everything as after a crash.
        () = signals::told_to_stop() => ExitCode::FAILURE,
    }
}
