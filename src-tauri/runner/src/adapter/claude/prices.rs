//! What models cost by the list, so that a message can be weighed when it arrives. The agent's own total at its end
//! has the last word.

use contract::Micros;

use crate::adapter::Usage;

/// Millionths of a dollar for a token: dollars for a million.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Price {
    input: f64,
    output: f64,
}

const fn price(input: f64, output: f64) -> Price {
    Price { input, output }
}

/// Of tokens that are read from the provider's cache, and of those that are written to it, by the price of input.
const CACHE_READ: f64 = 0.1;
const CACHE_WRITE: f64 = 1.25;

fn of(model: &str) -> Price {
    let model = model.to_ascii_lowercase();
    // What the command line says itself, in a model's place, and what the demo agent says.
    if model == "demo" || model == "<synthetic>" {
        return price(0.0, 0.0);
    }
    let old_opus = ["opus-4-0", "opus-4-1", "opus-4-2", "opus-4@", "3-opus"];
    match &*model {
        m if m.contains("haiku") && m.contains("3-5") => price(0.8, 4.0),
        m if m.contains("3-haiku") => price(0.25, 1.25),
        m if m.contains("haiku") => price(1.0, 5.0),
        m if m.contains("sonnet") => price(3.0, 15.0),
        m if old_opus.iter().any(|o| m.contains(o)) || m.ends_with("opus-4") => price(15.0, 75.0),
        // Also of models that are not known here: rather too dear than too cheap.
        _ => price(5.0, 25.0),
    }
}

pub fn cost(model: Option<&str>, usage: Usage) -> Micros {
    let p = of(model.unwrap_or_default());
    let tokens = |n: i64| n as f64;
    let input = tokens(usage.input_tokens)
        + tokens(usage.cached_input_tokens) * CACHE_READ
        + tokens(usage.cache_write_tokens) * CACHE_WRITE;
    Micros::new((input * p.input + tokens(usage.output_tokens) * p.output).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_weighed_by_its_model_and_by_what_came_from_the_cache() {
        let usage = Usage {
            input_tokens: 1000,
            cached_input_tokens: 10_000,
            cache_write_tokens: 2000,
            output_tokens: 100,
        };
        assert_eq!(cost(Some("claude-sonnet-4-6"), usage), Micros::new(3000 + 3000 + 7500 + 1500));
        assert_eq!(cost(Some("demo"), usage), Micros::ZERO);
        let dear = |m| cost(Some(m), usage).get();
        assert!(dear("claude-opus-4-1-20250805") > dear("claude-opus-4-8"));
        assert!(dear("us.anthropic.claude-haiku-4-6") < dear("claude-sonnet-4-6"));
        assert_eq!(dear("some-model-to-come"), dear("claude-opus-4-8"));
    }
}
