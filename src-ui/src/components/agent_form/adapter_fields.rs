//! What runs an agent: the adapter, the fields it declares, and whether it would work.

use contract::adapter::{AdapterDetection, AdapterField, DetectAdapters, FieldKind, ListAdapterModels};
use contract::operations as op;
use contract::{JsonObject, Text};
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::Value;

use super::{AgentForm, environment};
use crate::api::query::{Ask, use_query};
use crate::components::base::{Icon, Toggle};
use crate::components::icons as i;
use crate::format;
use crate::ipc;
use crate::pages::onboarding::{TestResult, test_adapter};
use crate::state::{app, company};

#[component]
pub fn AdapterFields(form: AgentForm) -> impl IntoView {
    let co = company();
    let testing = RwSignal::new(false);
    let result = RwSignal::new(None);
    let info = Memo::new(move |_| {
        let kind = form.adapter.get();
        form.adapters.get()?.iter().find(|a| a.r#type == kind).cloned()
    });
    let command = Memo::new(move |_| {
        form.config
            .with(|c| c.get("command").and_then(Value::as_str).filter(|c| !c.is_empty()).map(str::to_owned))
    });
    let found = use_query::<op::DetectAdaptersOp>(move || {
        let kind = Text::new(form.adapter.get()).ok()?;
        Some(Ask::of(DetectAdapters { r#type: Some(kind), command: command.get() }))
    });
    let test = move |_| {
        test_adapter(co.id, &form.adapter.get_untracked(), form.config.get_untracked(), testing, result);
    };
    view! {
        <section class="form-section">
            <h2>"What runs it"</h2>
            <label class="field-label">
                "Adapter"
                <select
                    class="field"
                    data-testid="agent-adapter"
                    on:change:target=move |ev| {
                        form.adapter.set(ev.target().value());
                        form.config.set(JsonObject::new());
                        form.wrong.update(|w| w.clear());
                        result.set(None);
                    }
                >
                    {move || {
                        form.adapters
                            .get()
                            .iter()
                            .flat_map(|a| a.iter())
                            .filter(|a| !a.disabled)
                            .map(|a| {
                                let here = form.adapter.with_untracked(|t| *t == a.r#type);
                                view! {
                                    <option value=a.r#type.clone() selected=here>
                                        {a.label.clone()}
                                    </option>
                                }
                            })
                            .collect_view()
                    }}
                </select>
                <small>{move || info.get().map(|a| a.description)}</small>
            </label>
            {move || {
                found
                    .get()
                    .and_then(|f| f.first().cloned())
                    .filter(|d| form.adapter.with(|t| *t == d.r#type && t != "demo"))
                    .map(|d| view! { <Found detection=d /> })
            }}
            {move || info.get().map(|a| view! { <Fields form=form fields=a.fields kind=a.r#type /> })}
            <div class="step-actions">
                <button type="button" class="btn" disabled=testing on:click=test>
                    <Icon d=i::HEART_PULSE />
                    {move || if testing.get() { "Testing" } else { "Test environment" }}
                </button>
            </div>
            {move || match result.get() {
                Some(Ok(t)) => view! { <TestResult test=t /> }.into_any(),
                Some(Err(e)) => view! { <p class="field-error" role="alert">{e.message}</p> }.into_any(),
                None => ().into_any(),
            }}
        </section>
    }
}

/// Which executable would be started, and why that one.
#[component]
fn Found(detection: AdapterDetection) -> impl IntoView {
    let there = detection.executable.is_some();
    let tone = if there { "tone-green" } else { "tone-yellow" };
    view! {
        <div class=format!("notice {tone}")>
            <Icon d=if there { i::CIRCLE_CHECK } else { i::CIRCLE_ALERT } />
            <span>
                {detection.executable.map(|e| view! { <code>{e}</code> " " })}
                {detection.version.map(|v| format!("{v}. "))}
                <span class="muted">{detection.why}</span>
            </span>
        </div>
    }
}

#[component]
fn Fields(form: AgentForm, fields: Vec<AdapterField>, kind: String) -> impl IntoView {
    let (advanced, plain): (Vec<_>, Vec<_>) = fields.into_iter().partition(|f| f.advanced);
    let open = RwSignal::new(false);
    let many = !advanced.is_empty();
    let advanced = StoredValue::new(advanced);
    let kind = StoredValue::new(kind);
    view! {
        <div class="form-grid">
            {plain.into_iter().map(|f| view! { <Field form=form field=f kind=kind.get_value() /> }).collect_view()}
        </div>
        {many
            .then(|| {
                view! {
                    <button
                        type="button"
                        class="fold-head"
                        aria-expanded=move || open.get().to_string()
                        on:click=move |_| open.update(|o| *o = !*o)
                    >
                        <span class="fold" class:open=open>
                            <Icon d=i::CHEVRON_RIGHT />
                        </span>
                        "Advanced"
                    </button>
                    <Show when=move || open.get()>
                        <div class="form-grid">
                            {advanced
                                .get_value()
                                .into_iter()
                                .map(|f| view! { <Field form=form field=f kind=kind.get_value() /> })
                                .collect_view()}
                        </div>
                    </Show>
                }
            })}
    }
}

/// A setting as the text of its field.
pub fn as_text(v: &Value, kind: FieldKind) -> String {
    match (v, kind) {
        (Value::String(s), _) => s.clone(),
        (Value::Array(a), _) => a.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
        (Value::Object(o), FieldKind::Env) => environment::as_text(o),
        (Value::Null, _) => String::new(),
        (other, _) => other.to_string(),
    }
}

/// The text of a field as a setting; `None` when it is empty. An environment is read by [`environment::from_text`].
pub fn from_text(text: &str, kind: FieldKind) -> Option<Value> {
    if text.trim().is_empty() {
        return None;
    }
    Some(match kind {
        FieldKind::Number => text.trim().parse::<i64>().map_or_else(|_| text.into(), Into::into),
        FieldKind::List => text.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().into(),
        _ => text.into(),
    })
}

#[component]
fn Field(form: AgentForm, field: AdapterField, kind: String) -> impl IntoView {
    let co = company();
    let key = StoredValue::new(field.key.clone());
    let field_kind = field.kind;
    let fallback = StoredValue::new(field.default.clone());
    let value = Memo::new(move |_| key.with_value(|k| form.config.with(|c| c.get(k).cloned())));
    // What was typed and cannot be a setting stands until it is mended or discarded.
    let refused = RwSignal::new(None::<String>);
    let wrong = Memo::new(move |_| key.with_value(|k| form.wrong.with(|w| w.get(k).cloned())));
    Effect::new(move |_| {
        if wrong.with(Option::is_none) {
            refused.set(None);
        }
    });
    let text = move || {
        let setting = value.get().map_or_else(String::new, |v| as_text(&v, field_kind));
        refused.get().unwrap_or(setting)
    };
    let placeholder = field.default.as_ref().map(|d| as_text(d, field_kind)).unwrap_or_default();
    let set = move |typed: String| {
        let key = key.get_value();
        if field_kind != FieldKind::Env {
            return form.set_field(&key, from_text(&typed, field_kind));
        }
        let before = value.with_untracked(|v| v.as_ref().and_then(Value::as_object).cloned());
        match environment::from_text(&typed, &before.unwrap_or_default()) {
            Ok(env) => {
                form.set_field(&key, (!env.is_empty()).then(|| env.into()));
                form.wrong.update(|w| {
                    w.remove(&key);
                });
            }
            Err(why) => {
                refused.set(Some(typed));
                form.wrong.update(|w| {
                    w.insert(key, why);
                });
            }
        }
    };
    let label = if field.required { format!("{} *", field.label) } else { field.label.clone() };
    let help = field.help.clone();
    if field_kind == FieldKind::Toggle {
        let on = Signal::derive(move || {
            value.get().or_else(|| fallback.get_value()).and_then(|v| v.as_bool()).unwrap_or(false)
        });
        let set = Callback::new(move |on: bool| form.set_field(&key.get_value(), Some(on.into())));
        return view! {
            <div class="full">
                <Toggle label=label help=help.unwrap_or_default() on=on set=set />
            </div>
        }
        .into_any();
    }
    let input = match field_kind {
        FieldKind::Multiline | FieldKind::List | FieldKind::Env => {
            let hint = if field_kind == FieldKind::Env { "NAME=value".to_owned() } else { placeholder };
            view! {
                <textarea
                    class="field mono"
                    rows="3"
                    placeholder=hint
                    prop:value=text
                    on:change:target=move |ev| set(ev.target().value())
                ></textarea>
            }
            .into_any()
        }
        FieldKind::Select => view! {
            <select class="field" on:change:target=move |ev| set(ev.target().value())>
                {(!field.required).then(|| view! { <option value="">"Default"</option> })}
                {field
                    .options
                    .iter()
                    .map(|o| {
                        let (is, value) = (o.clone(), o.clone());
                        view! {
                            <option value=value selected=move || text() == is>
                                {format::words(o)}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
        }
        .into_any(),
        FieldKind::Model => {
            let models = use_query::<op::ListModels>(move || {
                let r#type = Text::new(kind.clone()).ok()?;
                let input =
                    ListAdapterModels { company_id: co.id, r#type, refresh: false, environment_id: None };
                Some(Ask::of(input))
            });
            view! {
                <input
                    class="field"
                    type="text"
                    list="models"
                    placeholder="The command's own default"
                    prop:value=text
                    on:change:target=move |ev| set(ev.target().value())
                />
                <datalist id="models">
                    {move || {
                        models
                            .get()
                            .iter()
                            .flat_map(|m| m.iter())
                            .map(|m| view! { <option value=m.id.clone()>{m.label.clone()}</option> })
                            .collect_view()
                    }}
                </datalist>
            }
            .into_any()
        }
        FieldKind::Folder => view! {
            <span class="inline-form">
                <input
                    class="field mono"
                    type="text"
                    placeholder=placeholder
                    prop:value=text
                    on:change:target=move |ev| set(ev.target().value())
                />
                <button
                    type="button"
                    class="btn"
                    on:click=move |_| {
                        spawn_local(async move {
                            match ipc::pick_folder().await {
                                Ok(Some(folder)) => set(folder),
                                Ok(None) => {}
                                Err(e) => app().fail(&e),
                            }
                        });
                    }
                >
                    <Icon d=i::FOLDER />
                    "Choose"
                </button>
            </span>
        }
        .into_any(),
        FieldKind::Text | FieldKind::Number | FieldKind::Toggle => view! {
            <input
                class="field"
                type=if field_kind == FieldKind::Number { "number" } else { "text" }
                placeholder=placeholder
                prop:value=text
                on:change:target=move |ev| set(ev.target().value())
            />
        }
        .into_any(),
    };
    let wide =
        matches!(field_kind, FieldKind::Multiline | FieldKind::List | FieldKind::Env | FieldKind::Folder);
    view! {
        <label class="field-label" class:full=wide>
            {label}
            {input}
            {move || wrong.get().map(|why| view! { <small class="field-error" role="alert">{why}</small> })}
            {help.map(|h| view! { <small>{h}</small> })}
        </label>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_survives_the_way_through_its_field() {
        for (kind, value) in [
            (FieldKind::List, serde_json::json!(["a b", "c"])),
            (FieldKind::Number, serde_json::json!(12)),
            (FieldKind::Text, serde_json::json!("x y")),
        ] {
            assert_eq!(from_text(&as_text(&value, kind), kind), Some(value));
        }
        assert_eq!(from_text("  ", FieldKind::Text), None);
    }
}
