//! The models to choose from.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use contract::JsonObject;
use contract::adapter::AdapterModel;
use sha2::{Digest, Sha256};

use crate::adapter::env::configured;

/// Offered when the provider is not asked, or does not answer.
pub const FALLBACK: [(&str, &str); 7] = [
    ("claude-opus-4-8", "Claude Opus 4.8"),
    ("claude-opus-4-7", "Claude Opus 4.7"),
    ("claude-opus-4-6", "Claude Opus 4.6"),
    ("claude-sonnet-4-6", "Claude Sonnet 4.6"),
    ("claude-haiku-4-6", "Claude Haiku 4.6"),
    ("claude-sonnet-4-5-20250929", "Claude Sonnet 4.5"),
    ("claude-haiku-4-5-20251001", "Claude Haiku 4.5"),
];

const BEDROCK: [(&str, &str); 4] = [
    ("us.anthropic.claude-opus-4-6-v1", "Bedrock Opus 4.6"),
    ("us.anthropic.claude-sonnet-4-6", "Bedrock Sonnet 4.6"),
    ("us.anthropic.claude-sonnet-4-5-20250929-v2:0", "Bedrock Sonnet 4.5"),
    ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "Bedrock Haiku 4.5"),
];

const BASE_URL: &str = "https://api.anthropic.com";
const DEADLINE: Duration = Duration::from_secs(5);
const FRESH_FOR: Duration = Duration::from_secs(60);
const MAX_BODY: usize = 1 << 20;

/// Whether this names a model on Bedrock.
pub fn is_bedrock(model: &str) -> bool {
    model.contains("anthropic.") || model.starts_with("arn:aws:bedrock:")
}

struct Cached {
    at: Instant,
    models: Vec<AdapterModel>,
}

/// By base URL and fingerprint of the key.
static CACHE: Mutex<Option<HashMap<(String, String), Cached>>> = Mutex::new(None);

/// Asks the provider when there is a key, at most once a minute unless `refresh`; otherwise, and when it
/// does not answer, the last answer or the fixed list.
pub async fn list(config: &JsonObject, refresh: bool) -> Vec<AdapterModel> {
    let own = configured(config);
    let var = |name: &str| {
        let value = own.get(name).cloned().or_else(|| std::env::var(name).ok());
        value.map(|v| v.trim().to_owned()).filter(|v| !v.is_empty())
    };
    if super::Billing::of(|name| own.get(name).map(String::as_str)) == super::Billing::Bedrock
        || var("CLAUDE_CODE_USE_BEDROCK").is_some_and(|v| v == "1" || v == "true")
    {
        return fixed(&BEDROCK);
    }
    let Some(key) = var("ANTHROPIC_API_KEY") else { return fixed(&FALLBACK) };
    let base = var("ANTHROPIC_BASE_URL").unwrap_or_else(|| BASE_URL.into());
    let place = (base.trim_end_matches('/').to_owned(), fingerprint(&key));
    if let Some(models) = cached(&place, if refresh { Duration::ZERO } else { FRESH_FOR }) {
        return models;
    }
    match fetch(&place.0, &key).await {
        Ok(fetched) => {
            let mut models = fetched;
            models.extend(fixed(&FALLBACK));
            let mut seen = std::collections::HashSet::new();
            models.retain(|m| seen.insert(m.id.clone()));
            if let Ok(mut cache) = CACHE.lock() {
                let entry = Cached { at: Instant::now(), models: models.clone() };
                cache.get_or_insert_default().insert(place, entry);
            }
            models
        }
        Err(error) => {
            tracing::warn!(base = place.0, %error, "the model list could not be fetched");
            cached(&place, Duration::MAX).unwrap_or_else(|| fixed(&FALLBACK))
        }
    }
}

fn cached(place: &(String, String), fresh_for: Duration) -> Option<Vec<AdapterModel>> {
    let cache = CACHE.lock().ok()?;
    let entry = cache.as_ref()?.get(place)?;
    (entry.at.elapsed() < fresh_for).then(|| entry.models.clone())
}

fn fixed(models: &[(&str, &str)]) -> Vec<AdapterModel> {
    models.iter().map(|(id, label)| AdapterModel { id: (*id).into(), label: (*label).into() }).collect()
}

/// Tells keys apart without keeping them.
fn fingerprint(key: &str) -> String {
    let digest = Sha256::digest(key);
    let hex: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
    format!("{}:{hex}", key.len())
}

#[derive(serde::Deserialize)]
struct Listing {
    data: Vec<Listed>,
}

#[derive(serde::Deserialize)]
struct Listed {
    id: String,
    display_name: Option<String>,
}

/// Why the provider's list could not be had.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("the provider answered {0}")]
    Status(reqwest::StatusCode),
    #[error("the answer is too long")]
    TooLong,
    #[error("the answer is not a list of models: {0}")]
    Json(#[from] serde_json::Error),
}

async fn fetch(base: &str, key: &str) -> Result<Vec<AdapterModel>, FetchError> {
    // Another part of the program may have chosen a provider of cryptography before; any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(DEADLINE).build()?;
    let url = format!("{base}/v1/models?limit=100");
    let mut answer =
        client.get(url).header("x-api-key", key).header("anthropic-version", "2023-06-01").send().await?;
    if !answer.status().is_success() {
        return Err(FetchError::Status(answer.status()));
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        body.extend_from_slice(&part);
        if body.len() > MAX_BODY {
            return Err(FetchError::TooLong);
        }
    }
    let listing: Listing = serde_json::from_slice(&body)?;
    Ok(listing
        .data
        .into_iter()
        .filter(|m| !m.id.trim().is_empty())
        .map(|m| AdapterModel { label: m.display_name.unwrap_or_else(|| m.id.clone()), id: m.id })
        .collect())
}
