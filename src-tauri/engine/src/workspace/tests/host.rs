//! This test program as a run host: the real one is a command of a crate above.

use runner::host::HostLauncher;

pub fn launcher() -> HostLauncher {
    // What a host is found by stands at the end, before the run.
    let args = ["workspace::tests::host::serves", "--exact", "--ignored", "--nocapture", "run-host"];
    HostLauncher {
        program: std::env::current_exe().unwrap(),
        leading_args: args.into_iter().map(Into::into).collect(),
    }
}

#[test]
#[ignore = "a host that the other tests start"]
fn serves() {
    if std::env::args().any(|a| a == "run-host") {
        runner::host::serve(std::env::args_os().rev().take(1));
    }
}
