use leptos::prelude::*;
#[component]
pub fn Agents() -> impl IntoView {}
