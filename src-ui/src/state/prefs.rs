//! What this window remembers between starts: small things of its own, in local storage.

use leptos::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}

/// Reads a remembered value; `None` when there is none or it has another shape by now.
pub fn load<T: DeserializeOwned>(key: &str) -> Option<T> {
    let text = storage()?.get_item(&format!("paperclip.{key}")).ok()??;
    serde_json::from_str(&text).ok()
}

/// Remembers a value, and says whether it could. A full or forbidden storage loses the memory, not the work.
pub fn save<T: Serialize>(key: &str, value: &T) -> bool {
    let (Some(s), Ok(text)) = (storage(), serde_json::to_string(value)) else { return false };
    s.set_item(&format!("paperclip.{key}"), &text).is_ok()
}

pub fn forget(key: &str) {
    if let Some(s) = storage() {
        let _ = s.remove_item(&format!("paperclip.{key}"));
    }
}

/// Remembers a text while it is typed, until it is empty.
pub fn keep(key: StoredValue<String>, text: RwSignal<String>) {
    Effect::new(move |before: Option<()>| {
        let t = text.get();
        if before.is_none() {
            return;
        }
        if t.is_empty() {
            forget(&key.get_value());
        } else {
            save(&key.get_value(), &t);
        }
    });
}
