//! The door to the core: Tauri's `invoke` and `Channel`, bound by hand.
//!
//! Only what this window uses is bound. A channel's messages arrive as `{message, index}` and may overtake each
//! other (large ones take another way than small ones), so they are put back in order here; `{end, index}` closes it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use contract::{ApiError, ErrorCode};
use js_sys::{JSON, Reflect, Uint8Array};
use leptos::prelude::request_animation_frame;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["window", "__TAURI_INTERNALS__"], js_name = invoke, catch)]
    async fn js_invoke(cmd: &str, args: JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["window", "__TAURI_INTERNALS__"], js_name = invoke, catch)]
    async fn js_invoke_raw(cmd: &str, bytes: &Uint8Array, options: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["window", "__TAURI_INTERNALS__"], js_name = transformCallback)]
    fn js_transform_callback(callback: &JsValue, once: bool) -> f64;
    #[wasm_bindgen(js_namespace = ["window", "__TAURI_INTERNALS__"], js_name = unregisterCallback, catch)]
    fn js_unregister_callback(id: f64) -> Result<(), JsValue>;
}

fn lost(what: &str) -> ApiError {
    ApiError::new(ErrorCode::Unavailable, format!("The core did not answer: {what}"))
        .with_hint("Close and reopen the window; if it stays, restart the program.")
}

/// The text of a JS value that carries JSON: raw bytes, a string of JSON, or an object.
fn json_text(value: &JsValue) -> Option<String> {
    if value.is_instance_of::<js_sys::ArrayBuffer>() || value.is_instance_of::<Uint8Array>() {
        return String::from_utf8(Uint8Array::new(value).to_vec()).ok();
    }
    JSON::stringify(value).ok()?.as_string()
}

/// What `invoke` rejected with: an `ApiError`, or anything else, told as it is.
fn rejection(value: &JsValue) -> ApiError {
    json_text(value).and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_else(|| {
        let said = value
            .as_string()
            .or_else(|| Reflect::get(value, &"message".into()).ok()?.as_string())
            .unwrap_or_else(|| "no reason given".into());
        lost(&said)
    })
}

/// Whether the page runs inside the program's own window.
pub fn present() -> bool {
    web_sys::window()
        .and_then(|w| Reflect::get(&w, &"__TAURI_INTERNALS__".into()).ok())
        .is_some_and(|v| v.is_object())
}

/// Calls a command of the shell with a JSON object of arguments.
pub async fn invoke(cmd: &str, args: &serde_json::Value) -> Result<JsValue, ApiError> {
    if !present() {
        return Err(lost("this page is not open in the program's window"));
    }
    let args = JSON::parse(&args.to_string()).map_err(|_| lost("the request could not be written"))?;
    js_invoke(cmd, args).await.map_err(|e| rejection(&e))
}

/// Calls a command that answers with the bytes of a JSON value.
pub async fn invoke_bytes<T: DeserializeOwned>(cmd: &str, args: &serde_json::Value) -> Result<T, ApiError> {
    let value = invoke(cmd, args).await?;
    let text = json_text(&value).ok_or_else(|| lost("its answer is not text"))?;
    serde_json::from_str(&text)
        .map_err(|e| ApiError::internal(format!("The answer of {cmd} has an unexpected shape: {e}")))
}

/// Calls a command with bytes, which go as they are, and one header.
pub async fn invoke_raw(cmd: &str, bytes: &Uint8Array, header: (&str, &str)) -> Result<(), ApiError> {
    if !present() {
        return Err(lost("this page is not open in the program's window"));
    }
    let mut headers = serde_json::Map::new();
    headers.insert(header.0.to_owned(), header.1.into());
    let options = serde_json::json!({ "headers": headers });
    let options = JSON::parse(&options.to_string()).map_err(|_| lost("the request could not be written"))?;
    js_invoke_raw(cmd, bytes, &options).await.map(drop).map_err(|e| rejection(&e))
}

/// Calls a command and does not wait for its answer.
pub fn send(cmd: &'static str, args: serde_json::Value) {
    wasm_bindgen_futures::spawn_local(async move {
        let _ = invoke(cmd, &args).await;
    });
}

struct Ordered {
    next: u64,
    early: BTreeMap<u64, Option<String>>,
}

impl Ordered {
    /// Takes a message (`None` closes the channel) and gives what can be delivered now.
    fn take(&mut self, index: u64, message: Option<String>) -> Vec<Option<String>> {
        self.early.insert(index, message);
        let mut ready = Vec::new();
        while let Some(m) = self.early.remove(&self.next) {
            self.next += 1;
            ready.push(m);
        }
        ready
    }
}

/// A stream of messages from the core. Dropping it stops delivery here; tell the core with `unfollow`.
pub struct Channel {
    id: f64,
    _callback: Closure<dyn FnMut(JsValue)>,
}

impl Channel {
    /// `deliver` is called with each message, in the order they were sent.
    pub fn new<T: DeserializeOwned + 'static>(mut deliver: impl FnMut(T) + 'static) -> Self {
        let order = Rc::new(RefCell::new(Ordered { next: 0, early: BTreeMap::new() }));
        let callback = Closure::<dyn FnMut(JsValue)>::new(move |envelope: JsValue| {
            let field = |name: &str| Reflect::get(&envelope, &name.into()).unwrap_or(JsValue::UNDEFINED);
            let Some(index) = field("index").as_f64() else { return };
            let message = if field("end").is_truthy() { None } else { json_text(&field("message")) };
            // Released before delivery: the receiver may answer with a call that leads back here.
            let ready = order.borrow_mut().take(index as u64, message);
            for text in ready.into_iter().flatten() {
                match serde_json::from_str(&text) {
                    Ok(message) => deliver(message),
                    Err(e) => log("error", &format!("a message of a channel has an unexpected shape: {e}")),
                }
            }
        });
        let id = js_transform_callback(callback.as_ref(), false);
        Self { id, _callback: callback }
    }

    /// The form under which a command receives the channel.
    pub fn argument(&self) -> String {
        format!("__CHANNEL__:{}", self.id)
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        let _ = js_unregister_callback(self.id);
    }
}

/// Follows something until dropped: the channel, and the id under which the core knows it.
pub struct Follow {
    _channel: Channel,
    id: Rc<RefCell<FollowId>>,
}

#[derive(Clone, Copy, PartialEq)]
enum FollowId {
    Pending,
    Known(f64),
    Dropped,
}

impl Follow {
    /// Starts `cmd` with `args` and a channel; `failed` hears why it did not start.
    pub fn start<T: DeserializeOwned + 'static>(
        cmd: &'static str,
        mut args: serde_json::Value,
        mut deliver: impl FnMut(T) + 'static,
        failed: impl FnOnce(ApiError) + 'static,
    ) -> Self {
        let id = Rc::new(RefCell::new(FollowId::Pending));
        let taken = Rc::new(Cell::new(0));
        let (follow, count) = (id.clone(), taken.clone());
        let channel = Channel::new(move |message| {
            deliver(message);
            let (follow, count) = (follow.clone(), count.clone());
            // After the frame that shows it: a window that draws slowly, or not at all, asks for no more.
            request_animation_frame(move || {
                count.set(count.get() + 1);
                if let FollowId::Known(id) = *follow.borrow() {
                    took(id, count.get());
                }
            });
        });
        args["channel"] = channel.argument().into();
        let slot = id.clone();
        wasm_bindgen_futures::spawn_local(async move {
            match invoke(cmd, &args).await {
                Ok(answer) => {
                    let Some(known) = follow_id(&answer) else { return };
                    if *slot.borrow() == FollowId::Dropped {
                        unfollow(known);
                    } else {
                        *slot.borrow_mut() = FollowId::Known(known);
                        if taken.get() > 0 {
                            took(known, taken.get());
                        }
                    }
                }
                Err(e) => failed(e),
            }
        });
        Self { _channel: channel, id }
    }
}

fn follow_id(answer: &JsValue) -> Option<f64> {
    answer.as_f64().or_else(|| json_text(answer)?.parse().ok())
}

/// Tells the core how many batches of a stream were drawn so far.
fn took(id: f64, batches: u64) {
    send("took", serde_json::json!({ "id": id as u64, "batches": batches }));
}

fn unfollow(id: f64) {
    send("unfollow", serde_json::json!({ "id": id as u64 }));
}

impl Drop for Follow {
    fn drop(&mut self) {
        if let FollowId::Known(id) = *self.id.borrow() {
            unfollow(id);
        }
        *self.id.borrow_mut() = FollowId::Dropped;
    }
}

/// Writes to the program's own log.
pub fn log(level: &str, message: &str) {
    send("ui_log", serde_json::json!({ "level": level, "message": message }));
}

/// Opens a link outside; the caller has checked its scheme.
pub fn open_link(url: &str) {
    send("open_link", serde_json::json!({ "url": url }));
}

/// Lets the operator choose a folder; `None` when the dialog was closed.
pub async fn pick_folder() -> Result<Option<String>, ApiError> {
    let value = invoke("pick_folder", &serde_json::json!({})).await?;
    Ok(value.as_string())
}

/// Lets the operator save a text as a file; answers where, `None` when the dialog was closed.
pub async fn save_text(name: &str, text: &str) -> Result<Option<String>, ApiError> {
    let value = invoke("save_text", &serde_json::json!({ "name": name, "text": text })).await?;
    Ok(value.as_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_overtake_each_other_are_delivered_in_order_and_none_is_lost() {
        let mut o = Ordered { next: 0, early: BTreeMap::new() };
        let m = |s: &str| Some(s.to_owned());
        assert!(o.take(2, m("c")).is_empty());
        assert!(o.take(1, m("b")).is_empty());
        assert_eq!(o.take(0, m("a")), vec![m("a"), m("b"), m("c")]);
        assert_eq!(o.take(3, None), vec![None]);
    }
}
