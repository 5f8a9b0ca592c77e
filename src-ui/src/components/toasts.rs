//! Short messages in the corner. They go by themselves and never take the focus.

use leptos::prelude::*;

use crate::components::base::{Icon, Link, tone_class};
use crate::components::icons as i;
use crate::state::{Tone, app};

#[component]
pub fn Toasts() -> impl IntoView {
    let toasts = app().toasts;
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toasts.get() key=|t| t.id let:t>
                <div class=format!("toast {}", tone_class(t.tone)) data-testid="toast">
                    <Icon d=match t.tone {
                        Tone::Info => i::INFO,
                        Tone::Good => i::CIRCLE_CHECK,
                        Tone::Bad => i::TRIANGLE_ALERT,
                    } />
                    <div class="toast-text">
                        <strong>{t.title.clone()}</strong>
                        {t.body.clone().map(|b| view! { <p>{b}</p> })}
                        {t
                            .to
                            .clone()
                            .map(|to| {
                                view! {
                                    <Link to=to class="toast-link">
                                        "Open"
                                    </Link>
                                }
                            })}
                    </div>
                    <button
                        class="icon-btn"
                        aria-label="Dismiss"
                        on:click=move |_| toasts.update(|all| all.retain(|x| x.id != t.id))
                    >
                        <Icon d=i::X />
                    </button>
                </div>
            </For>
        </div>
    }
}
