//! Name and text of a company or a project, saved together.

use contract::text::{Name, Prose};
use leptos::prelude::*;

use crate::state::app;
use crate::text::{checked, optional};

/// What is saved: the checked name, the text unless it is empty, and what to do once it is kept.
pub type SaveAbout = Callback<(Name, Option<Prose>, Callback<()>)>;

/// Edits a name and a text. `kept` is what the core holds, absent until it is read; it is taken over when it changes,
/// unless one has begun to edit.
#[component]
pub fn AboutForm(
    /// Begins the test ids, as in `company-name` and `company-save`.
    thing: &'static str,
    text_label: &'static str,
    placeholder: &'static str,
    kept: Signal<Option<(String, String)>>,
    save: SaveAbout,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let text = RwSignal::new(String::new());
    let touched = RwSignal::new(false);
    let fill = move |(kept_name, kept_text): (String, String)| {
        name.set(kept_name);
        text.set(kept_text);
        touched.set(false);
    };
    Effect::new(move |_| {
        if let Some(kept) = kept.get()
            && !touched.get_untracked()
        {
            fill(kept);
        }
    });
    let dirty = Memo::new(move |_| {
        kept.with(|k| k.as_ref().is_some_and(|(n, t)| name.with(|v| v != n) || text.with(|v| v != t)))
    });
    let discard = move |_| {
        if let Some(kept) = kept.get_untracked() {
            fill(kept);
        }
    };
    let submit = move |_| match (
        checked("The name", name.get_untracked()),
        optional(text_label, text.get_untracked()),
    ) {
        (Ok(name), Ok(text)) => {
            let done = Callback::new(move |()| {
                touched.try_set(false);
            });
            save.run((name, text, done));
        }
        (Err(e), _) | (_, Err(e)) => app().fail(&e),
    };
    view! {
        <section class="form-section" on:input=move |_| touched.set(true)>
            <h2>"About"</h2>
            <label class="field-label">
                "Name"
                <input
                    class="field"
                    type="text"
                    maxlength="200"
                    data-testid=format!("{thing}-name")
                    prop:value=name
                    on:input:target=move |ev| name.set(ev.target().value())
                />
            </label>
            <label class="field-label">
                {text_label}
                <textarea
                    class="field"
                    rows="4"
                    placeholder=placeholder
                    prop:value=text
                    on:input:target=move |ev| text.set(ev.target().value())
                ></textarea>
            </label>
            {children.map(|c| c())}
            <Show when=move || dirty.get()>
                <div class="dirty-bar">
                    <span>"Unsaved changes"</span>
                    <button class="btn quiet" on:click=discard>
                        "Discard"
                    </button>
                    <button class="btn primary" data-testid=format!("{thing}-save") on:click=submit>
                        "Save"
                    </button>
                </div>
            </Show>
        </section>
    }
}
