//! The tray icon, read over D-Bus as a desktop reads it, with no window open.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::time::Duration;

use support::Place;
use support::display::{self, Bus, Display};
use support::processes;
use support::program::{browser_engines, on_desktop as start};
use support::tray::Tray;

const SOON: Duration = Duration::from_secs(15);

/// All processes of browser engines in a place.
fn engine_processes(place: &Place) -> usize {
    processes::of(place.path()).iter().filter(|p| p.command.contains("/WebKit")).count()
}

/// How many windows drew themselves and took input, by the program's own word.
fn windows_that_worked(place: &Place) -> usize {
    std::fs::read_to_string(place.artifact("program.log")).unwrap().matches("window interactive").count()
}

#[tokio::test]
async fn the_tray_works_without_a_window_and_quits_the_program() {
    let place = Place::new("tray-without-window");
    let display = Display::start();
    let bus = Bus::start(&place);
    let tray = Tray::offer(&bus.address).await;
    let mut program = start(&place, &display, &bus, &["--minimized"]);

    let icon = tray.icon().await;
    icon.line("Nothing runs", SOON).await;
    icon.line("Nothing waits for you", SOON).await;
    icon.line("$0.00 spent today", SOON).await;
    icon.line("No wake planned", SOON).await;
    assert_eq!(browser_engines(&place), 0, "no window was asked for");
    let idle = std::fs::read(icon.picture().await).unwrap();
    assert!(idle.starts_with(b"\x89PNG"));

    icon.click("Pause all").await;
    icon.line("Everything is paused", SOON).await;
    icon.line("No wake while paused", SOON).await;
    icon.click("Resume").await;
    icon.line("Nothing runs", SOON).await;

    icon.click("Quit").await;
    assert!(program.ended(SOON).await.success());
}

#[tokio::test]
async fn a_second_start_raises_the_window_and_closing_it_frees_the_browser_engine() {
    let place = Place::new("tray-second-start");
    let display = Display::start();
    let bus = Bus::start(&place);
    let tray = Tray::offer(&bus.address).await;
    let mut first = start(&place, &display, &bus, &["--minimized"]);
    let icon = tray.icon().await;
    icon.line("Nothing runs", SOON).await;

    let mut second = start(&place, &display, &bus, &[]);
    assert!(second.ended(SOON).await.success(), "the second program hands over and ends");
    support::eventually("the window", SOON, async || (windows_that_worked(&place) == 1).then_some(())).await;
    assert_eq!(browser_engines(&place), 1);
    assert!(first.0.try_wait().unwrap().is_none(), "the first program goes on");

    // Pressed again until it is heard: a window that is still being made has no ear yet.
    support::eventually("the engine to be gone", SOON, async || {
        display::press_close_buttons(&display.name);
        tokio::time::sleep(Duration::from_millis(200)).await;
        (engine_processes(&place) == 0).then_some(())
    })
    .await;
    assert!(first.0.try_wait().unwrap().is_none(), "closing the window keeps the company running");
    icon.click("Open Paperclip Desktop").await;
    support::eventually("a window", SOON, async || (windows_that_worked(&place) == 2).then_some(())).await;

    icon.click("Quit").await;
    assert!(first.ended(SOON).await.success());
    // With the bus go the desktop's own services, which it had started.
    drop(bus);
    processes::assert_none_left(place.path(), &[], SOON).await;
}

#[tokio::test]
async fn two_data_folders_are_two_programs_side_by_side() {
    let (one, other) = (Place::new("tray-folder-one"), Place::new("tray-folder-two"));
    let display = Display::start();
    let bus = Bus::start(&one);
    let mut first = start(&one, &display, &bus, &["--minimized"]);
    let mut second = start(&other, &display, &bus, &["--minimized"]);
    for place in [&one, &other] {
        let file = place.data().join("server.json");
        support::eventually("a program on each folder", SOON, async || file.is_file().then_some(())).await;
    }
    assert!(first.0.try_wait().unwrap().is_none() && second.0.try_wait().unwrap().is_none());
    for program in [&mut first, &mut second] {
        program.signal(rustix::process::Signal::TERM);
        assert!(program.ended(SOON).await.success());
    }
}
