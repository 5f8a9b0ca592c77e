//! Mermaid diagrams, drawn by a module of their own that is loaded when the first is on the screen. Until then, and when
//! one cannot be drawn, its source is shown.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Deserialize;
use wasm_bindgen::prelude::*;

use super::code::Code;
use crate::components::base::{Icon, copy};
use crate::components::icons as i;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = drawDiagram, catch)]
    async fn draw_diagram(source: &str) -> Result<JsValue, JsValue>;
}

const SVG: &str = "http://www.w3.org/2000/svg";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    Drawn(Shape),
    Refused(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Shape(Shape),
    Text(String),
}

#[derive(Deserialize)]
struct Shape {
    tag: String,
    attributes: Vec<(String, String)>,
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq)]
enum Stage {
    Waiting,
    Drawn,
    Refused(String),
}

#[component]
pub fn Diagram(source: String) -> impl IntoView {
    let host = NodeRef::<html::Div>::new();
    let stage = RwSignal::new(Stage::Waiting);
    let as_source = RwSignal::new(false);
    let text = StoredValue::new(source);
    Effect::new(move |_| {
        // The place of the drawing has no size as long as it is empty.
        let Some(el) = host.get().and_then(|h| h.parent_element()) else { return };
        once_seen(&el, move || {
            let Some(source) = text.try_get_value() else { return };
            spawn_local(async move {
                let answer = draw_diagram(&source).await;
                let Some(el) = host.try_get_untracked().flatten() else { return };
                let next = match read(answer) {
                    Ok(shape) => match build(&shape) {
                        Some(drawing) => {
                            el.replace_children_with_node_1(&drawing);
                            Stage::Drawn
                        }
                        None => Stage::Refused("This diagram cannot be drawn.".into()),
                    },
                    Err(reason) => Stage::Refused(reason),
                };
                stage.try_set(next);
            });
        });
    });
    let shows_source = move || as_source.get() || stage.get() != Stage::Drawn;
    view! {
        <div class="code diagram">
            <div class="code-head">
                <button
                    class="icon-btn"
                    class:hidden=move || stage.get() != Stage::Drawn
                    aria-pressed=move || as_source.get().to_string()
                    aria-label="Show the source"
                    title="Show the source"
                    on:click=move |_| as_source.update(|s| *s = !*s)
                >
                    <Icon d=i::CODE />
                </button>
                <button
                    class="icon-btn"
                    aria-label="Copy code"
                    title="Copy code"
                    on:click=move |_| copy(text.get_value(), "Code")
                >
                    <Icon d=i::COPY />
                </button>
            </div>
            <div
                node_ref=host
                class="diagram-drawing"
                role="img"
                aria-label="Diagram"
                class:hidden=move || as_source.get() || matches!(stage.get(), Stage::Refused(_))
            ></div>
            <pre class:hidden=move || !shows_source()>
                <Code language=String::new() text=text.get_value() />
            </pre>
            {move || match stage.get() {
                Stage::Refused(reason) => Some(view! { <p class="diagram-refused">{reason}</p> }),
                _ => None,
            }}
        </div>
    }
}

fn read(answer: Result<JsValue, JsValue>) -> Result<Shape, String> {
    let lost = || "This diagram cannot be drawn.".to_owned();
    match answer {
        Ok(json) => match json.as_string().and_then(|j| serde_json::from_str(&j).ok()) {
            Some(Answer::Drawn(shape)) => Ok(shape),
            Some(Answer::Refused(reason)) => Err(reason),
            None => Err(lost()),
        },
        Err(e) => Err(e.dyn_into::<js_sys::Error>().map_or_else(|_| lost(), |e| e.message().into())),
    }
}

/// A drawing's elements. Which there may be was settled where it was drawn.
fn build(shape: &Shape) -> Option<web_sys::Element> {
    let page = document();
    let element = page.create_element_ns(Some(SVG), &shape.tag).ok()?;
    for (name, value) in &shape.attributes {
        element.set_attribute(name, value).ok()?;
    }
    for part in &shape.parts {
        let child: web_sys::Node = match part {
            Part::Shape(inner) => build(inner)?.into(),
            Part::Text(text) => page.create_text_node(text).into(),
        };
        element.append_child(&child).ok()?;
    }
    Some(element)
}

/// Calls once when an element is on the screen, or nearly.
fn once_seen(el: &web_sys::Element, then: impl Fn() + 'static) {
    let seen = Closure::<dyn FnMut(js_sys::Array, web_sys::IntersectionObserver)>::new(
        move |entries: js_sys::Array, observer: web_sys::IntersectionObserver| {
            let near = |e: JsValue| {
                e.dyn_into::<web_sys::IntersectionObserverEntry>().is_ok_and(|e| e.is_intersecting())
            };
            if entries.iter().any(near) {
                observer.disconnect();
                then();
            }
        },
    );
    let options = web_sys::IntersectionObserverInit::new();
    options.set_root_margin("200px");
    let seen = seen.into_js_value();
    if let Ok(observer) = web_sys::IntersectionObserver::new_with_options(seen.unchecked_ref(), &options) {
        observer.observe(el);
    }
}
