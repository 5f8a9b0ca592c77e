//! Draws read Markdown.

use contract::attachment::of_content_path;
use leptos::context::Provider;
use leptos::prelude::*;

use super::code::Code;
use super::diagram::Diagram;
use super::source::units;
use super::{Align, Block, Inline, Item, is_safe_link, parse, tasks};
use crate::components::attachment::{FileLink, Picture};
use crate::components::base::{Icon, IssueChip, Link, copy};
use crate::components::icons as i;
use crate::ipc;
use crate::state::company;
use crate::state::route::{AgentTab, Page, Route};

/// Markdown, drawn.
#[component]
pub fn Markdown(
    #[prop(into)] source: Signal<String>,
    /// Takes the source after one of its boxes was ticked; without it they are pictures.
    #[prop(optional, into)]
    on_tick: Option<Callback<String>>,
) -> impl IntoView {
    let root = NodeRef::<leptos::html::Div>::new();
    let tick = move |ev: &web_sys::Event| {
        let (Some(done), Some(root)) = (on_tick, root.get_untracked()) else { return };
        let Some(n) = tasks::target(ev, &root) else { return };
        ev.prevent_default();
        ev.stop_propagation();
        if let Some(ticked) = source.with_untracked(|s| tasks::tick(s, n)) {
            done.run(ticked);
        }
    };
    view! {
        <Provider value=tasks::Ticking(on_tick.is_some())>
            <div
                class="md"
                node_ref=root
                on:click=move |ev| tick(&ev)
                on:keydown=move |ev| {
                    if matches!(ev.key().as_str(), " " | "Enter") {
                        tick(&ev);
                    }
                }
            >
                {move || source.with(|s| blocks(parse(s)))}
            </div>
        </Provider>
    }
}

/// Draws blocks. Their text nodes hold the drawn text of [`super::source`]; where a node says something else instead,
/// its `data-plain` tells the length of what it stands for.
pub fn blocks(blocks: Vec<Block>) -> AnyView {
    blocks.into_iter().map(block).collect_view().into_any()
}

fn block(b: Block) -> AnyView {
    match b {
        Block::Paragraph(t) => view! { <p>{inlines(t)}</p> }.into_any(),
        Block::Heading(1, t) => view! { <h2>{inlines(t)}</h2> }.into_any(),
        Block::Heading(2, t) => view! { <h3>{inlines(t)}</h3> }.into_any(),
        Block::Heading(_, t) => view! { <h4>{inlines(t)}</h4> }.into_any(),
        Block::Quote(b) => view! { <blockquote>{blocks(b)}</blockquote> }.into_any(),
        Block::Rule => view! { <hr /> }.into_any(),
        Block::Code { language, text } if language == "mermaid" => {
            let plain = units(&text).to_string();
            view! { <div data-plain=plain><Diagram source=text /></div> }.into_any()
        }
        Block::Code { language, text } => view! { <CodeBlock language=language text=text /> }.into_any(),
        Block::List { first: None, items } => {
            let tasks = items.iter().any(|i| i.checked.is_some());
            view! { <ul class:tasks=tasks>{items.into_iter().map(item).collect_view()}</ul> }.into_any()
        }
        Block::List { first: Some(n), items } => {
            view! { <ol start=n.to_string()>{items.into_iter().map(item).collect_view()}</ol> }.into_any()
        }
        Block::Table { align, head, rows } => table(&align, head, rows),
    }
}

fn item(it: Item) -> AnyView {
    // An item of one paragraph is drawn without the paragraph's margins.
    let tight = matches!(it.blocks.first(), Some(Block::Paragraph(_)));
    let mut rest = it.blocks.into_iter();
    let first = if tight {
        match rest.next() {
            Some(Block::Paragraph(t)) => Some(inlines(t)),
            _ => None,
        }
    } else {
        None
    };
    let rest = blocks(rest.collect());
    let (role, stop) = tasks::attributes();
    match it.checked {
        Some(on) => view! {
            <li class="task" class:done=on>
                <span class="task-box" role=role tabindex=stop aria-checked=role.map(|_| on.to_string())>
                    <Icon d=if on { i::SQUARE_CHECK } else { i::SQUARE } />
                </span>
                <div>{first} {rest}</div>
            </li>
        }
        .into_any(),
        None => view! { <li>{first} {rest}</li> }.into_any(),
    }
}

fn table(align: &[Align], head: Vec<Vec<Inline>>, rows: Vec<Vec<Vec<Inline>>>) -> AnyView {
    let class = |n: usize| match align.get(n) {
        Some(Align::End) => "end",
        Some(Align::Center) => "center",
        _ => "",
    };
    let classes: Vec<&'static str> = (0..head.len().max(1)).map(class).collect();
    let head = head
        .into_iter()
        .enumerate()
        .map(|(n, c)| view! { <th class=classes.get(n).copied().unwrap_or("")>{inlines(c)}</th> })
        .collect_view();
    let rows = rows
        .into_iter()
        .map(|r| {
            let cells = r
                .into_iter()
                .enumerate()
                .map(|(n, c)| view! { <td class=classes.get(n).copied().unwrap_or("")>{inlines(c)}</td> })
                .collect_view();
            view! { <tr>{cells}</tr> }
        })
        .collect_view();
    view! {
        <div class="md-table">
            <table>
                <thead>
                    <tr>{head}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn inlines(all: Vec<Inline>) -> AnyView {
    all.into_iter().map(inline).collect_view().into_any()
}

fn inline(i: Inline) -> AnyView {
    match i {
        Inline::Text(t) => t.into_any(),
        Inline::Code(t) => view! { <code>{t}</code> }.into_any(),
        Inline::Emphasis(t) => view! { <em>{inlines(t)}</em> }.into_any(),
        Inline::Strong(t) => view! { <strong>{inlines(t)}</strong> }.into_any(),
        Inline::Strike(t) => view! { <del>{inlines(t)}</del> }.into_any(),
        Inline::Break => view! { <br /> }.into_any(),
        Inline::Issue(id) => view! { <IssueChip identifier=id /> }.into_any(),
        Inline::Mention { who, text } => mention(&who, text),
        Inline::Image { url, alt } => match of_content_path(&url) {
            Some(id) => {
                let plain = units(&alt).to_string();
                view! { <span data-plain=plain><Picture id=id alt=alt /></span> }.into_any()
            }
            None if alt.is_empty() => {
                outside(url, view! { <span data-plain="0">"Picture"</span> }.into_any())
            }
            None => outside(url, alt.into_any()),
        },
        Inline::Link { url, text } if of_content_path(&url).is_none() && is_inside(&url) => {
            view! { <Link to=Route::read(&url) class="outside">{inlines(text)}</Link> }.into_any()
        }
        Inline::Link { url, text } => match of_content_path(&url) {
            Some(id) => view! { <FileLink id=id>{inlines(text)}</FileLink> }.into_any(),
            None => outside(url, inlines(text)),
        },
    }
}

/// A link that leaves the window; an unsafe one is only its words.
fn outside(url: String, words: AnyView) -> AnyView {
    if !is_safe_link(&url) {
        return view! { <span class="dead-link" title="This link is not opened: only http, https and mailto are">{words}</span> }
            .into_any();
    }
    let to = url.clone();
    view! {
        <a
            class="outside"
            href=url.clone()
            title=url
            rel="noreferrer"
            on:click=move |ev| {
                ev.prevent_default();
                ev.stop_propagation();
                ipc::open_link(&to);
            }
        >
            {words}
        </a>
    }
    .into_any()
}

/// A link to a place in this window, as "Copy link" gives it.
fn is_inside(url: &str) -> bool {
    url.starts_with('/') && !url.starts_with("//")
}

fn mention(who: &str, text: String) -> AnyView {
    let co = company();
    let agent = co.agents.data.with_untracked(|a| {
        a.as_ref()?.iter().find(|a| a.url_key.eq_ignore_ascii_case(who) || a.id.to_string() == who).cloned()
    });
    match agent {
        Some(a) => {
            let to = co.route(Page::Agent(a.url_key.clone(), AgentTab::Overview));
            view! {
                <Link to=to class="mention">
                    <span data-plain=units(&text).to_string()>{format!("@{}", a.name)}</span>
                </Link>
            }
            .into_any()
        }
        None => text.into_any(),
    }
}

/// Code with a button that copies it.
#[component]
fn CodeBlock(language: String, text: String) -> impl IntoView {
    let copied = text.clone();
    view! {
        <div class="code">
            <div class="code-head">
                // Not as text: what is selected and annotated is the code alone.
                <span data-label=language.clone()></span>
                <button
                    class="icon-btn"
                    aria-label="Copy code"
                    title="Copy code"
                    on:click=move |_| copy(copied.clone(), "Code")
                >
                    <Icon d=i::COPY />
                </button>
            </div>
            <pre>
                <Code language=language text=text />
            </pre>
        </div>
    }
}
