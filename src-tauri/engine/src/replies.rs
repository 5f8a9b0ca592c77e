//! Answers that may be given again.
//!
//! Agents and clients ask for the same lists over and over, and mostly nothing has changed in between. An
//! operation that is declared `cached` is answered from here until the next commit of whatever kind.

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::Value;

use crate::dispatch::Reply;
use crate::{Actor, Caller};

/// Bytes of answers kept.
const MOST_BYTES: u64 = 8 << 20;
/// Answers expected; only a hint for the size of the table.
const EXPECTED: usize = 256;
/// Inputs and answers above these bytes are not kept.
const LONGEST_INPUT: usize = 2 << 10;
const LONGEST_ANSWER: usize = 1 << 20;

/// What was asked, by whom, and of which state of the data.
pub(crate) struct Question {
    key: Key,
    version: u64,
}

/// Operation, caller and input.
type Key = (&'static str, Actor, String);

pub(crate) struct Replies {
    kept: Cache<Key, (u64, Reply), Bytes>,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, (u64, Reply)> for Bytes {
    fn weight(&self, (_, _, input): &Key, (_, reply): &(u64, Reply)) -> u64 {
        (input.len() + reply.body.len() + 200) as u64
    }
}

impl Default for Replies {
    fn default() -> Self {
        Self { kept: Cache::with_weighter(EXPECTED, MOST_BYTES, Bytes) }
    }
}

impl Replies {
    /// `version` is the state of the data before anything is read for the answer.
    pub fn question(
        &self,
        operation: &'static str,
        caller: &Caller,
        input: &Value,
        version: u64,
    ) -> Question {
        Question { key: (operation, caller.actor.clone(), input.to_string()), version }
    }

    pub fn answer(&self, q: &Question) -> Option<Reply> {
        let (version, reply) = self.kept.get(&q.key)?;
        (version == q.version).then_some(reply)
    }

    pub fn keep(&self, q: Question, reply: &Reply) {
        if q.key.2.len() <= LONGEST_INPUT && reply.body.len() <= LONGEST_ANSWER {
            self.kept.insert(q.key, (q.version, reply.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::{AgentId, CompanyId};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn reply(body: &'static str) -> Reply {
        Reply { status: 200, body: body.into() }
    }

    #[test]
    fn an_answer_holds_for_its_caller_its_input_and_its_state_of_the_data() {
        let replies = Replies::default();
        let agent = Caller {
            actor: Actor::Agent { id: AgentId(Uuid::nil()), company: CompanyId(Uuid::nil()), run: None },
        };
        let (operator, input) = (Caller::operator(), json!({ "limit": 5 }));
        replies.keep(replies.question("issues.list", &operator, &input, 3), &reply("[1]"));
        let ask = |op, who: &Caller, input: &Value, version| {
            replies.answer(&replies.question(op, who, input, version)).map(|r| r.body)
        };
        assert_eq!(ask("issues.list", &operator, &input, 3).as_deref(), Some(b"[1]".as_slice()));
        assert_eq!(ask("issues.list", &operator, &input, 4), None, "something was committed since");
        assert_eq!(ask("issues.list", &agent, &input, 3), None);
        assert_eq!(ask("issues.list", &operator, &json!({ "limit": 6 }), 3), None);
        assert_eq!(ask("issues.count", &operator, &input, 3), None);
    }

    #[test]
    fn what_is_kept_stays_within_its_bound() {
        let replies = Replies::default();
        let big: &'static str = Box::leak("x".repeat(500_000).into_boxed_str());
        for n in 0..100 {
            replies.keep(replies.question("issues.list", &Caller::operator(), &json!(n), 1), &reply(big));
        }
        assert!(replies.kept.weight() <= MOST_BYTES);
        let huge: &'static str = Box::leak("x".repeat(LONGEST_ANSWER + 1).into_boxed_str());
        let q = replies.question("issues.get", &Caller::operator(), &json!(0), 1);
        replies.keep(q, &reply(huge));
        assert!(replies.answer(&replies.question("issues.get", &Caller::operator(), &json!(0), 1)).is_none());
    }
}
