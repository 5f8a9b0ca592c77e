//! What the issue brought forth: branches, pull requests, pages to look at.

use contract::issue::IssuePath;
use contract::operations as op;
use contract::work_product::*;
use contract::{ApiError, IssueId};
use leptos::prelude::*;

use super::Current;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Icon, State};
use crate::components::icons as i;
use crate::components::menu::{Choice, Glyph, Menu, anchor};
use crate::ipc;
use crate::labels;
use crate::state::{Dialog, act, app, company};
use crate::text::{checked, optional};

#[component]
pub fn Outputs(current: Current) -> impl IntoView {
    let co = company();
    let id = current.detail.with_untracked(|d| d.issue.id);
    let all =
        use_query::<op::ListWorkProducts>(move || Some(Ask::within(IssuePath { id: id.into() }, co.id)));
    let list = Memo::new(move |_| all.get().map(|a| a.to_vec()).unwrap_or_default());
    let adding = RwSignal::new(false);
    view! {
        <section
            class="block"
            class:block-empty=move || list.with(Vec::is_empty) && !adding.get()
            data-testid="outputs"
        >
            <header class="block-head">
                <h2>"Outputs"</h2>
                <span class="muted num">{move || list.with(|l| (!l.is_empty()).then_some(l.len()))}</span>
                <button
                    class="icon-btn push"
                    aria-label="Add an output"
                    title="Add a link to what came of this issue"
                    on:click=move |_| adding.update(|a| *a = !*a)
                >
                    <Icon d=i::PLUS />
                </button>
            </header>
            <Show when=move || adding.get()>
                <NewOutput issue=id done=Callback::new(move |()| adding.set(false)) />
            </Show>
            <Show when=move || !list.with(Vec::is_empty)>
                <div class="mini-list">
                    <For each=move || list.get() key=|w| (w.id, w.updated_at, w.is_primary) let:w>
                        <Output product=w />
                    </For>
                </div>
            </Show>
        </section>
    }
}

#[component]
fn Output(product: WorkProduct) -> impl IntoView {
    let url = product.url.clone();
    let about = format!("{} · {}", labels::work_product_type(product.kind).1, product.provider);
    let summary = product.summary.clone().unwrap_or_default();
    let menu = product.clone();
    let title = view! {
        <Icon d=labels::work_product_type(product.kind).0 />
        <span class="ellipsis">{product.title.clone()}</span>
    };
    view! {
        <div class="mini-row" data-testid="output" data-primary=product.is_primary.to_string() title=summary>
            {match url {
                Some(url) => {
                    view! {
                        <button
                            class="mini-link"
                            title=url.clone()
                            on:click=move |_| ipc::send("open_link", serde_json::json!({ "url": url }))
                        >
                            {title}
                            <Icon d=i::EXTERNAL_LINK />
                        </button>
                    }
                        .into_any()
                }
                None => view! { <span class="mini-link">{title}</span> }.into_any(),
            }}
            {product.is_primary.then(|| view! { <span class="badge tone-blue">"Primary"</span> })}
            {(product.health_status == HealthStatus::Unhealthy)
                .then(|| view! { <span class="badge tone-red">"Unhealthy"</span> })}
            <span class="muted">{about}</span>
            <State look=labels::work_product_status(product.status) />
            <button
                class="icon-btn"
                aria-label="More about this output"
                title="More"
                on:click=move |ev| more(&ev, &menu)
            >
                <Icon d=i::MORE_HORIZONTAL />
            </button>
        </div>
    }
}

fn more(ev: &web_sys::MouseEvent, product: &WorkProduct) {
    let Some(el) = anchor(ev) else { return };
    let (id, title, primary) = (product.id, product.title.clone(), product.is_primary);
    let mut choices = vec![Choice::new(
        "primary",
        if primary { "No longer the primary one" } else { "Make it the primary one" },
        Glyph::Icon(i::TAG),
    )];
    for s in WorkProductStatus::ALL.iter().filter(|s| **s != product.status) {
        let look = labels::work_product_status(*s);
        choices.push(Choice::new(
            s.as_str(),
            format!("Say it is {}", look.word.to_lowercase()),
            Glyph::Icon(look.icon),
        ));
    }
    choices.push(Choice::new("delete", "Take it off", Glyph::Icon(i::TRASH_2)).danger());
    let pick = Callback::new(move |what: String| match what.as_str() {
        "primary" => {
            let input = UpdateWorkProduct { is_primary: Some(!primary), ..UpdateWorkProduct::of(id) };
            act::<op::UpdateWorkProductOp>(input, |_| ());
        }
        "delete" => app().dialog.set(Some(Dialog::Confirm {
            title: format!("Take off {title}?"),
            body: "Only its entry here goes; what it names stays where it is.".into(),
            action: "Take off".into(),
            danger: true,
            then: Callback::new(move |()| act::<op::DeleteWorkProduct>(WorkProductPath { id }, |_| ())),
        })),
        status => {
            let Ok(status) = status.parse() else { return };
            let input = UpdateWorkProduct { status: Some(status), ..UpdateWorkProduct::of(id) };
            act::<op::UpdateWorkProductOp>(input, |_| ());
        }
    });
    Menu::under(&el, "Do", choices, pick).open();
}

#[component]
fn NewOutput(issue: IssueId, done: Callback<()>) -> impl IntoView {
    let kind = RwSignal::new(WorkProductType::PullRequest);
    let (title, url) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let error = RwSignal::new(None::<ApiError>);
    let add = move || match typed(issue, kind.get_untracked(), &title.get_untracked(), &url.get_untracked()) {
        Ok(input) => act::<op::CreateWorkProductOp>(input, move |_| done.run(())),
        Err(e) => error.set(Some(e)),
    };
    let keydown = move |ev: web_sys::KeyboardEvent| match ev.key().as_str() {
        "Enter" => add(),
        "Escape" => done.run(()),
        _ => {}
    };
    view! {
        <div class="inline-form">
            <select
                class="field narrow"
                aria-label="Kind of output"
                on:change:target=move |ev| {
                    if let Ok(k) = ev.target().value().parse() {
                        kind.set(k);
                    }
                }
            >
                {WorkProductType::ALL
                    .iter()
                    .map(|k| {
                        view! {
                            <option value=k.as_str() selected=*k == WorkProductType::PullRequest>
                                {labels::work_product_type(*k).1}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
            <input
                class="field"
                type="text"
                placeholder="Title"
                aria-label="Title of the output"
                on:input:target=move |ev| title.set(ev.target().value())
                on:keydown=keydown
            />
            <input
                class="field"
                type="url"
                placeholder="https://…"
                aria-label="Address of the output"
                on:input:target=move |ev| url.set(ev.target().value())
                on:keydown=keydown
            />
            <button class="btn primary" on:click=move |_| add()>
                "Add"
            </button>
            <button class="btn quiet" on:click=move |_| done.run(())>
                "Discard"
            </button>
        </div>
        {move || error.get().map(|e| view! { <p class="field-error" role="alert">{e.message}</p> })}
    }
}

/// What was typed, as the operation takes it.
fn typed(
    issue: IssueId,
    kind: WorkProductType,
    title: &str,
    url: &str,
) -> Result<CreateWorkProduct, ApiError> {
    let title = checked("The title", title.trim())?;
    let url: Option<Url> = optional("The address", url.trim())?;
    let by_host = url.as_ref().is_some_and(|u| u.starts_with("https://github.com/"));
    let provider = checked("The provider", if by_host { "github" } else { "custom" })?;
    Ok(CreateWorkProduct { url, ..CreateWorkProduct::of(issue, kind, provider, title) })
}
