use leptos::prelude::*;
#[component]
pub fn RunPage(reference: String) -> impl IntoView { reference }
