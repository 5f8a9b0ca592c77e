use leptos::prelude::*;
#[component]
pub fn AgentPage(reference: String) -> impl IntoView { reference }
