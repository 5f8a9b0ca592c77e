//! Settings of the installation, its backups and its health.

mod halts;

use contract::company::Nothing;
use contract::instance::{DoctorReport, PatchGeneralSettings, RunDoctor};
use contract::operations as op;
use contract::{ApiError, Patch};
use leptos::prelude::*;
use leptos::task::spawn_local;

use halts::Halts;

use crate::api::call;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Ago, Icon, State, Toggle, copy, loaded};
use crate::components::icons as i;
use crate::components::shell::Topbar;
use crate::format;
use crate::labels;
use crate::state::{Dialog, act, app};

/// Changes settings and shows the new ones.
fn patch(p: PatchGeneralSettings) {
    act::<op::PatchSettings>(p, |_| app().settings.refetch());
}

/// Changes the theme, here at once and for the next start.
pub fn set_theme(theme: &'static str) {
    app().theme.set(theme.to_owned());
    patch(PatchGeneralSettings { theme: Some(theme.into()), ..PatchGeneralSettings::default() });
}

#[component]
pub fn Settings() -> impl IntoView {
    view! {
        <div class="page">
            <Topbar title="Settings" />
            <div class="page-body">
                <div class="page-inner narrow">
                    <Problems />
                    <Appearance />
                    {loaded(app().settings, 6, move |s| view! { <General settings=s /> })}
                    <Halts />
                    <Backups />
                    <Health />
                    <About />
                </div>
            </div>
        </div>
    }
}

#[component]
fn Problems() -> impl IntoView {
    let status = app().status;
    move || {
        status
            .get()
            .map(|s| s.problems.clone())
            .unwrap_or_default()
            .into_iter()
            .map(|p| {
                let look = labels::finding(p.level);
                view! {
                    <div class=format!("notice tone-{}", look.tone)>
                        <Icon d=look.icon />
                        <span>{p.message} " " {p.hint}</span>
                    </div>
                }
            })
            .collect_view()
    }
}

#[component]
fn Appearance() -> impl IntoView {
    let theme = app().theme;
    let options = [("system", "System", i::MONITOR), ("light", "Light", i::SUN), ("dark", "Dark", i::MOON)];
    view! {
        <section class="form-section">
            <h2>"Appearance"</h2>
            <div class="setting">
                <span class="setting-text">
                    <span>"Theme"</span>
                </span>
                <div class="segments" role="group" aria-label="Theme">
                    {options
                        .into_iter()
                        .map(|(key, label, icon)| {
                            view! {
                                <button
                                    class:on=move || theme.with(|t| t == key)
                                    data-testid=format!("settings-theme-{key}")
                                    on:click=move |_| set_theme(key)
                                >
                                    <Icon d=icon />
                                    " "
                                    {label}
                                </button>
                            }
                        })
                        .collect_view()}
                </div>
            </div>
        </section>
    }
}

#[component]
fn General(settings: Signal<std::sync::Arc<contract::instance::GeneralSettings>>) -> impl IntoView {
    type S = contract::instance::GeneralSettings;
    let flag = move |get: fn(&S) -> bool| Signal::derive(move || settings.with(|s| get(s)));
    let set = |put: fn(&mut PatchGeneralSettings, bool)| {
        Callback::new(move |on: bool| {
            let mut p = PatchGeneralSettings::default();
            put(&mut p, on);
            patch(p);
        })
    };
    let trust = Callback::new(move |on: bool| {
        if !on {
            return patch(PatchGeneralSettings { trust_local_processes: Some(false), ..Default::default() });
        }
        // The switch shows the setting, not the click, until the operator has confirmed.
        app().settings.refetch();
        app().dialog.set(Some(Dialog::Confirm {
            title: "Let every local process in?".into(),
            body: "Any program on this machine, of any user, could then read and change everything here without a \
                   token, and start agents in your name. Only for tools written for Paperclip that cannot send a token."
                .into(),
            action: "Trust local processes".into(),
            danger: true,
            then: Callback::new(|()| {
                patch(PatchGeneralSettings { trust_local_processes: Some(true), ..Default::default() });
            }),
        }));
    });
    let cap = Signal::derive(move || {
        settings.with(|s| s.max_live_runs.map_or_else(String::new, |n| n.to_string()))
    });
    let url = Memo::new(move |_| app().status.get().and_then(|s| s.url.clone()));
    view! {
        <section class="form-section">
            <h2>"Desktop"</h2>
            <Toggle
                label="Keep working when the window closes"
                help="The program stays in the tray and agents go on. Off: closing the window quits."
                on=flag(|s| s.close_to_tray)
                set=set(|p, on| p.close_to_tray = Some(on))
            />
            <Toggle
                label="Start at login"
                help="Starts in the tray, without a window."
                on=flag(|s| s.start_at_login)
                set=set(|p, on| p.start_at_login = Some(on))
            />
            <Toggle
                label="Notifications"
                help="Only for decisions that wait for you and for failures."
                on=flag(|s| s.notifications)
                set=set(|p, on| p.notifications = Some(on))
            />
            <Toggle
                label="Keyboard shortcuts"
                help="Single keys such as C and J. Ctrl K works either way."
                on=flag(|s| s.keyboard_shortcuts)
                set=set(|p, on| p.keyboard_shortcuts = Some(on))
            />
        </section>
        <section class="form-section">
            <h2>"Runs"</h2>
            <label class="setting">
                <span class="setting-text">
                    <span>"Live runs at once"</span>
                    <small>
                        {move || {
                            let now = app().status.get().map_or(0, |s| s.max_live_runs);
                            format!("Empty: as many as memory allows. Now at most {now}.")
                        }}
                    </small>
                </span>
                <input
                    class="field"
                    type="number"
                    min="1"
                    max="200"
                    placeholder="auto"
                    aria-label="Live runs at once"
                    prop:value=cap
                    on:change:target=move |ev| {
                        let typed = ev.target().value();
                        let max_live_runs = match typed.trim().parse::<u32>() {
                            Ok(n) if n > 0 => Patch::Set(n),
                            _ => Patch::Clear,
                        };
                        patch(PatchGeneralSettings { max_live_runs, ..Default::default() });
                    }
                />
            </label>
            <Toggle
                label="Hide your user name in logs"
                on=flag(|s| s.censor_username_in_logs)
                set=set(|p, on| p.censor_username_in_logs = Some(on))
            />
        </section>
        <section class="form-section">
            <h2>"Access"</h2>
            <div class="setting">
                <span class="setting-text">
                    <span>"HTTP door"</span>
                    <small>
                        {move || match url.get() {
                            Some(u) => format!("{u}, this machine only, with a token"),
                            None => "Closed: no port could be opened. Agents that work over HTTP cannot run.".into(),
                        }}
                    </small>
                </span>
                {move || {
                    url.get()
                        .map(|u| {
                            view! {
                                <button class="btn" on:click=move |_| copy(u.clone(), "Address")>
                                    <Icon d=i::COPY />
                                    "Copy"
                                </button>
                            }
                        })
                }}
            </div>
            <Toggle
                label="Trust local processes without a token"
                help="Unsafe on a shared machine: any local program gets every right you have."
                on=flag(|s| s.trust_local_processes)
                set=trust
                testid="settings-trust".to_owned()
            />
            <Show when=move || settings.with(|s| s.trust_local_processes)>
                <div class="notice tone-red">
                    <Icon d=i::SHIELD_ALERT />
                    <span>"Every program on this machine can act in your name."</span>
                </div>
            </Show>
        </section>
    }
}

#[component]
fn Backups() -> impl IntoView {
    let list = use_query::<op::ListBackups>(|| Some(Ask::of(Nothing {})));
    let settings = app().settings;
    let busy = RwSignal::new(false);
    let make = move |_| {
        busy.set(true);
        spawn_local(async move {
            let answer = call::<op::CreateBackup>(&Nothing {}).await;
            busy.try_set(false);
            match answer {
                Ok(b) => {
                    app().say(format!("Backup made and checked, {}", format::bytes(b.size_bytes)));
                    list.refetch();
                }
                Err(e) => app().fail(&e),
            }
        });
    };
    let every = move || {
        settings.get().map_or_else(String::new, |s| {
            if s.backup_enabled {
                let r = s.backup_retention;
                format!(
                    "Every {}. Kept: {}, {}, {}.",
                    format::count(s.backup_interval_minutes.into(), "minute", "minutes"),
                    format::count(r.daily_days.into(), "day", "days"),
                    format::count(r.weekly_weeks.into(), "week", "weeks"),
                    format::count(r.monthly_months.into(), "month", "months")
                )
            } else {
                "No backups are made by themselves.".into()
            }
        })
    };
    view! {
        <section class="form-section">
            <h2>"Backups"</h2>
            <Toggle
                label="Make backups"
                on=Signal::derive(move || settings.get().is_some_and(|s| s.backup_enabled))
                set=Callback::new(|on| {
                    patch(PatchGeneralSettings { backup_enabled: Some(on), ..Default::default() });
                })
            />
            <div class="setting">
                <span class="setting-text">
                    <small>{every}</small>
                </span>
                <button class="btn" data-testid="settings-backup-now" disabled=busy on:click=make>
                    <Icon d=i::DATABASE />
                    {move || if busy.get() { "Making a backup" } else { "Back up now" }}
                </button>
            </div>
            {loaded(
                list,
                2,
                |l| {
                    view! {
                        <div class="flat-list">
                            <Show when=move || l.with(|l| l.is_empty())>
                                <p class="muted">"No backup yet."</p>
                            </Show>
                            <For each={move || l.get().iter().take(12).cloned().collect::<Vec<_>>()} key=|b| b.file.clone() let:b>
                                <div class="line-item">
                                    <span class="mono ellipsis selectable">{b.file.clone()}</span>
                                    <span class="push muted num">{format::bytes(b.size_bytes)}</span>
                                    <Ago at=b.created_at />
                                </div>
                            </For>
                        </div>
                    }
                },
            )}
        </section>
    }
}

#[component]
fn Health() -> impl IntoView {
    let report = RwSignal::new(None::<Result<DoctorReport, ApiError>>);
    let busy = RwSignal::new(false);
    let run = move |repair: bool| {
        busy.set(true);
        spawn_local(async move {
            let answer = call::<op::Doctor>(&RunDoctor { repair }).await;
            busy.try_set(false);
            report.try_set(Some(answer));
        });
    };
    let mendable = move || {
        report.with(|r| {
            matches!(r, Some(Ok(r)) if r.findings.iter().any(|f| f.level != contract::instance::FindingLevel::Ok))
        })
    };
    view! {
        <section class="form-section">
            <h2>"Health"</h2>
            <div class="setting">
                <span class="setting-text">
                    <small>"Checks the database, its locks and the log files, and says what to do."</small>
                </span>
                <button class="btn" data-testid="settings-doctor" disabled=busy on:click=move |_| run(false)>
                    <Icon d=i::HEART_PULSE />
                    {move || if busy.get() { "Checking" } else { "Check now" }}
                </button>
            </div>
            {move || match report.get() {
                Some(Ok(r)) => {
                    r.findings
                        .into_iter()
                        .map(|f| {
                            view! {
                                <div class="line-item">
                                    <State look=labels::finding(f.level) />
                                    <span>
                                        {f.message} {f.hint.map(|h| view! { <small class="muted">" " {h}</small> })}
                                    </span>
                                </div>
                            }
                        })
                        .collect_view()
                        .into_any()
                }
                Some(Err(e)) => view! { <p class="field-error">{e.message}</p> }.into_any(),
                None => ().into_any(),
            }}
            <Show when=mendable>
                <button class="btn" on:click=move |_| run(true)>
                    <Icon d=i::WRENCH />
                    "Mend what can be mended"
                </button>
            </Show>
        </section>
    }
}

#[component]
fn About() -> impl IntoView {
    let status = app().status;
    view! {
        <section class="form-section">
            <h2>"About"</h2>
            <dl class="kv">
                <dt>"Version"</dt>
                <dd>{move || status.get().map(|s| s.version.clone())}</dd>
                <dt>"Data folder"</dt>
                <dd class="mono">{move || status.get().map(|s| s.data_dir.clone())}</dd>
                <dt>"Licences"</dt>
                <dd>"Inter and JetBrains Mono under the SIL Open Font License 1.1, icons by Lucide under the ISC licence."</dd>
            </dl>
        </section>
    }
}
