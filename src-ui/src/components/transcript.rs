//! A run's transcript, drawn.

use std::collections::HashSet;

use contract::RunId;
use leptos::html;
use leptos::prelude::*;

use crate::components::base::{Failed, Icon, Skeleton};
use crate::components::icons as i;
use crate::components::tape::{NARROW, Tape, WIDE};
use crate::format;
use crate::markdown::view::Markdown;
use crate::transcript::{Block, Ending, Piece, ToolUse, group};

/// A transcript in a box of its own that scrolls. `tall` fills the page.
#[component]
pub fn Transcript(run: RunId, #[prop(optional)] tall: bool) -> impl IntoView {
    let tape = Tape::open(run, if tall { WIDE } else { NARROW });
    let blocks = Memo::new(move |_| tape.entries.with(|e| group(e)));
    let open = RwSignal::new(HashSet::<(u64, u32)>::new());
    let node = NodeRef::<html::Div>::new();
    let stuck = RwSignal::new(true);
    let at_end =
        move |el: &web_sys::HtmlDivElement| el.scroll_height() - el.scroll_top() - el.client_height() < 48;
    // New lines at the end move the view along, unless one has scrolled away.
    Effect::new(move |_| {
        blocks.track();
        if stuck.get_untracked() && tape.tail.get_untracked() {
            request_animation_frame(move || {
                if let Some(el) = node.try_get_untracked().flatten() {
                    el.set_scroll_top(el.scroll_height());
                }
            });
        }
    });
    let on_scroll = move |_| {
        let Some(el) = node.get_untracked() else { return };
        stuck.set(at_end(&el));
        if el.scroll_top() < 400 && tape.from.get_untracked() > 0 {
            let before = el.scroll_height() - el.scroll_top();
            let held = el.clone();
            tape.earlier(move || {
                // What one reads stays where it is while more comes in above.
                request_animation_frame(move || held.set_scroll_top(held.scroll_height() - before));
            });
        } else if el.scroll_height() - el.scroll_top() - el.client_height() < 400 {
            tape.later(|| ());
        }
    };
    let jump = move |_| {
        stuck.set(true);
        tape.latest();
    };
    view! {
        <div class="transcript" class:tall=tall data-testid="run-transcript">
            {move || tape.error.get().map(|e| view! { <Failed error=e /> })}
            <Show when=move || !tape.ready.get() && tape.error.with(Option::is_none)>
                <Skeleton rows=4 />
            </Show>
            <Show when=move || tape.ready.get() && blocks.with(Vec::is_empty)>
                <p class="transcript-empty">
                    {move || if tape.live.get() { "Waiting for the first output" } else { "The run left no output" }}
                </p>
            </Show>
            <div node_ref=node class="transcript-scroll" on:scroll=on_scroll tabindex="0" role="log" aria-label="Transcript">
                <Show when=move || { tape.from.get() > 0 }>
                    <div class="transcript-more">
                        <button class="btn quiet" on:click=move |_| tape.first()>
                            <Icon d=i::ARROW_UP />
                            {move || format!("{} earlier lines. To the beginning", format::thousands(tape.from.get() as i64))}
                        </button>
                    </div>
                </Show>
                <For each=move || blocks.get() key=|b| b.version() let:b>
                    <BlockView block=b open=open />
                </For>
                <Show when=move || tape.live.get() && tape.tail.get()>
                    <div class="typing" aria-label="The agent is working">
                        <i></i>
                        <i></i>
                        <i></i>
                    </div>
                </Show>
            </div>
            <Show when=move || tape.ready.get() && (!stuck.get() || !tape.tail.get())>
                <button class="btn jump" data-testid="transcript-jump" on:click=jump>
                    <Icon d=i::ARROW_DOWN />
                    {move || if tape.live.get() { "Jump to latest" } else { "Jump to end" }}
                </button>
            </Show>
        </div>
    }
}

#[component]
fn BlockView(block: Block, open: RwSignal<HashSet<(u64, u32)>>) -> impl IntoView {
    let key = block.key;
    let fold = move |default_open: bool| {
        // The set holds what differs from the default.
        let is_open = Memo::new(move |_| open.with(|o| o.contains(&key)) != default_open);
        let toggle = move |_: web_sys::MouseEvent| {
            open.update(|o| {
                if !o.remove(&key) {
                    o.insert(key);
                }
            });
        };
        (is_open, toggle)
    };
    match block.piece {
        Piece::Said(t) => view! {
            <div class="tb said">
                <Markdown source=t />
            </div>
        }
        .into_any(),
        Piece::Note(t) => view! { <div class="tb note"><Icon d=i::INFO /><span>{t}</span></div> }.into_any(),
        Piece::Thought(t) => {
            folded("thought", i::BRAIN, "Thought".into(), format::first_line(&t, 110), t, fold(false))
        }
        Piece::Asked(t) => {
            folded("asked", i::CORNER_DOWN_LEFT, "Prompt".into(), format::first_line(&t, 110), t, fold(false))
        }
        Piece::Output { text, lines, err } => {
            let title = format::count(lines as i64, "line", "lines");
            let first = format::first_line(&text, 130);
            let kind = if err { "stderr" } else { "stdout" };
            if lines == 1 {
                view! {
                    <div class=format!("tb line {kind}")>
                        <pre>{text}</pre>
                    </div>
                }
                .into_any()
            } else {
                let name = if err { format!("Errors, {title}") } else { format!("Output, {title}") };
                folded(kind, i::TERMINAL, name, first, text, fold(false))
            }
        }
        Piece::Began { model, session } => view! {
            <div class="tb began">
                <Icon d=i::PLAY />
                <span>{model.map_or_else(|| "Started".to_owned(), |m| format!("Started with {m}"))}</span>
                {session.map(|s| view! { <code title="Session">{format::first_line(&s, 12)}</code> })}
            </div>
        }
        .into_any(),
        Piece::Ended(e) => view! { <EndView ending=e /> }.into_any(),
        Piece::Tools(tools) => {
            let (is_open, toggle) = fold(false);
            tools_view(tools, is_open, toggle)
        }
    }
}

/// A line that opens into its whole text.
fn folded(
    class: &'static str,
    icon: &'static str,
    name: String,
    summary: String,
    text: String,
    (is_open, toggle): (Memo<bool>, impl Fn(web_sys::MouseEvent) + 'static),
) -> AnyView {
    view! {
        <div class=format!("tb fold-block {class}")>
            <button class="fold-head" aria-expanded=move || is_open.get().to_string() on:click=toggle>
                <span class="fold" class:open=is_open>
                    <Icon d=i::CHEVRON_RIGHT />
                </span>
                <Icon d=icon />
                <span class="fold-name">{name}</span>
                <span class="fold-summary">{move || (!is_open.get()).then(|| summary.clone())}</span>
            </button>
            {move || is_open.get().then(|| view! { <pre class="fold-text">{text.clone()}</pre> })}
        </div>
    }
    .into_any()
}

fn tools_view(
    tools: Vec<ToolUse>,
    is_open: Memo<bool>,
    toggle: impl Fn(web_sys::MouseEvent) + 'static,
) -> AnyView {
    let failed = tools.iter().filter(|t| t.result.as_ref().is_some_and(|r| r.is_error)).count();
    let running = tools.iter().any(|t| t.result.is_none());
    let (name, summary) = match tools.as_slice() {
        [one] => (one.name.clone(), one.summary.clone()),
        many => {
            let mut names: Vec<&str> = Vec::new();
            for t in many {
                if !names.contains(&t.name.as_str()) {
                    names.push(&t.name);
                }
            }
            (format!("{} tool calls", many.len()), names.join(", "))
        }
    };
    view! {
        <div class="tb fold-block tools">
            <button class="fold-head" aria-expanded=move || is_open.get().to_string() on:click=toggle>
                <span class="fold" class:open=is_open>
                    <Icon d=i::CHEVRON_RIGHT />
                </span>
                <Icon d=i::WRENCH />
                <span class="fold-name">{name}</span>
                <span class="fold-summary mono">{summary}</span>
                {(failed > 0)
                    .then(|| view! { <span class="badge tone-red">{format!("{failed} failed")}</span> })}
                {running.then(|| view! { <span class="state tone-cyan spin"><Icon d=i::LOADER_CIRCLE /></span> })}
            </button>
            {move || {
                is_open
                    .get()
                    .then(|| tools.clone().into_iter().map(|t| view! { <ToolView tool=t /> }).collect_view())
            }}
        </div>
    }
    .into_any()
}

/// Longer results are cut; the raw view has them whole.
const LONGEST_RESULT: usize = 12_000;

#[component]
fn ToolView(tool: ToolUse) -> impl IntoView {
    let input = match &tool.input {
        serde_json::Value::String(s) => s.clone(),
        v => serde_json::to_string_pretty(v).unwrap_or_default(),
    };
    view! {
        <div class="tool">
            <div class="tool-name">
                <strong>{tool.name}</strong>
                <span class="mono ellipsis">{tool.summary}</span>
            </div>
            <pre class="fold-text">{input}</pre>
            {match tool.result {
                None => view! { <p class="muted">"No result yet"</p> }.into_any(),
                Some(r) => {
                    let cut: String = r.content.chars().take(LONGEST_RESULT).collect();
                    let more = r.content.len() > cut.len();
                    view! {
                        <pre class="fold-text result" class:error=r.is_error>
                            {cut}
                        </pre>
                        {more.then(|| view! { <p class="muted">"Cut here. The raw view has all of it."</p> })}
                    }
                        .into_any()
                }
            }}
        </div>
    }
}

#[component]
fn EndView(ending: Ending) -> impl IntoView {
    let usage =
        format!("{} in, {} out", format::tokens(ending.input_tokens), format::tokens(ending.output_tokens));
    let cached =
        (ending.cached_tokens > 0).then(|| format!("{} cached", format::tokens(ending.cached_tokens)));
    view! {
        <div class="tb ended" class:error=ending.is_error>
            <div class="ended-head">
                <Icon d=if ending.is_error { i::CIRCLE_X } else { i::CIRCLE_CHECK } />
                <strong>{if ending.is_error { "Ended with an error" } else { "Finished" }}</strong>
                <span class="muted num">{usage}</span>
                {cached.map(|c| view! { <span class="muted num">{c}</span> })}
                {ending.cost_usd.map(|c| view! { <span class="muted num">{format::usd(c)}</span> })}
            </div>
            {(!ending.text.is_empty()).then(|| view! { <Markdown source=ending.text /> })}
            {ending.errors.into_iter().map(|e| view! { <pre class="fold-text error">{e}</pre> }).collect_view()}
        </div>
    }
}
