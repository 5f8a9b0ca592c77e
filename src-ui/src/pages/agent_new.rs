use leptos::prelude::*;
#[component]
pub fn NewAgent() -> impl IntoView {}
