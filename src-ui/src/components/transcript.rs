//! A run's transcript, drawn.

use std::collections::HashSet;

use contract::RunId;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

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
    // What one reads stays where it is while lines come and go above it.
    let earlier = move || {
        if let Some(el) = node.get_untracked() {
            let place = Place::of(&el);
            tape.earlier(move || request_animation_frame(move || place.restore(&el)));
        }
    };
    let later = move || {
        if let Some(el) = node.get_untracked() {
            let place = Place::of(&el);
            tape.later(move || request_animation_frame(move || place.restore(&el)));
        }
    };
    let look = move |el: &web_sys::HtmlDivElement| {
        let end = at_end(el);
        stuck.set(end);
        tape.held.set(!end);
        if el.scroll_top() < 400 && tape.from.get_untracked() > 0 {
            earlier();
        } else if el.scroll_height() - el.scroll_top() - el.client_height() < 400 {
            later();
        }
    };
    let on_scroll = move |_| {
        if let Some(el) = node.get_untracked() {
            look(&el);
        }
    };
    // Where everything fits there is nothing to scroll; the wheel then leads on all the same.
    let on_wheel = move |ev: web_sys::WheelEvent| {
        let Some(el) = node.get_untracked() else { return };
        if el.scroll_height() > el.client_height() + 8 {
            return;
        }
        if ev.delta_y() < 0.0 {
            stuck.set(false);
            tape.held.set(true);
            earlier();
        } else {
            later();
        }
    };
    // Output is folded by the hundred lines: a page of it may leave most of the box empty.
    Effect::new(move |_| {
        blocks.track();
        if !tape.ready.get() || tape.from.get() == 0 || !tape.has_room() {
            return;
        }
        request_animation_frame(move || {
            if let Some(el) = node.try_get_untracked().flatten()
                && el.scroll_height() <= el.client_height() + 8
            {
                tape.earlier(|| ());
            }
        });
    });
    let jump = move || {
        stuck.set(true);
        tape.held.set(false);
        tape.latest();
    };
    let first = move || {
        stuck.set(false);
        tape.held.set(true);
        tape.first();
        if let Some(el) = node.get_untracked() {
            el.set_scroll_top(0);
        }
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
            // Outside of what scrolls: lines that come in above would carry it away from under the pointer.
            <Show when=move || { tape.from.get() > 0 }>
                <div class="transcript-more">
                    <span class="num">
                        {move || format::count(tape.from.get() as i64, "earlier line", "earlier lines")}
                    </span>
                    <button class="btn quiet" data-testid="transcript-earlier" on:click=move |_| earlier()>
                        "Earlier"
                    </button>
                    <button class="btn quiet" data-testid="transcript-first" on:click=move |_| first()>
                        <Icon d=i::ARROW_UP />
                        "To the beginning"
                    </button>
                </div>
            </Show>
            <div node_ref=node class="transcript-scroll" on:scroll=on_scroll on:wheel=on_wheel tabindex="0" role="log" aria-label="Transcript">
                <For each=move || blocks.get() key=|b| b.version() let:b>
                    <BlockView block=b open=open />
                </For>
                <Show when=move || !tape.tail.get() && (tape.after() > 0)>
                    <div class="transcript-more">
                        <span class="num">{move || format::count(tape.after() as i64, "later line", "later lines")}</span>
                        <button class="btn quiet" data-testid="transcript-later" on:click=move |_| later()>
                            "Later"
                        </button>
                    </div>
                </Show>
                <Show when=move || tape.live.get() && tape.tail.get()>
                    <div class="typing" aria-label="The agent is working">
                        <i></i>
                        <i></i>
                        <i></i>
                    </div>
                </Show>
            </div>
            <Show when=move || tape.ready.get() && (!stuck.get() || !tape.tail.get())>
                <button class="btn jump" data-testid="transcript-jump" on:click=move |_| jump()>
                    <Icon d=i::ARROW_DOWN />
                    {move || if tape.live.get() { "Jump to latest" } else { "Jump to end" }}
                </button>
            </Show>
        </div>
    }
}

/// Where a reader is: blocks in sight and how far each is below the top edge.
struct Place(Vec<(web_sys::HtmlElement, i32)>);

impl Place {
    fn of(scroller: &web_sys::HtmlDivElement) -> Self {
        let top = scroller.scroll_top();
        let bottom = top + scroller.client_height();
        let mut found = Vec::new();
        let mut next = scroller.first_element_child();
        while let Some(el) = next {
            next = el.next_element_sibling();
            let Ok(el) = el.dyn_into::<web_sys::HtmlElement>() else { continue };
            let (from, to) = (el.offset_top(), el.offset_top() + el.offset_height());
            if to > top && el.class_list().contains("tb") {
                found.push((el, from - top));
            }
            if from > bottom {
                break;
            }
        }
        Self(found)
    }

    /// Scrolls so that the first of the blocks that is still there is where it was.
    fn restore(&self, scroller: &web_sys::HtmlDivElement) {
        if let Some((el, below)) = self.0.iter().find(|(el, _)| el.is_connected()) {
            scroller.set_scroll_top(el.offset_top() - below);
        }
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
                let (is_open, toggle) = fold(false);
                // Folded, its end is seen all the same: that is where a program says how it goes.
                let last = last_lines(&text);
                view! {
                    {folded(kind, i::TERMINAL, name, String::new(), text, (is_open, toggle))}
                    <Show when=move || !is_open.get()>
                        <pre class="peek">{last.clone()}</pre>
                    </Show>
                }
                .into_any()
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

/// Lines of folded output that are shown.
const PEEK: usize = 4;

fn last_lines(text: &str) -> String {
    let from = text.rmatch_indices('\n').nth(PEEK - 1).map_or(0, |(at, _)| at + 1);
    // A line may be a megabyte; only its beginning is ever seen.
    let lines = text[from..].lines().map(|l| l.chars().take(400).collect::<String>());
    lines.collect::<Vec<_>>().join("\n")
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

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn of_folded_output_the_last_lines_are_shown() {
        assert_eq!(last_lines("a\nb\nc\nd\ne"), "b\nc\nd\ne");
        assert_eq!(last_lines("a\nb"), "a\nb");
        assert_eq!(last_lines(""), "");
        assert_eq!(last_lines(&format!("a\n{}", "é".repeat(9_000))).chars().count(), 402);
    }
}
