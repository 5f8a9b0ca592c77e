//! From a name and JSON to the service that implements the operation, and back.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use contract::{ApiError, Operation, OperationInfo};
use serde_json::Value;

use crate::error::Answer;
use crate::{Caller, Engine};

/// Implemented once for every operation of the contract.
pub(crate) trait Handle<O: Operation> {
    fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        input: O::Input,
    ) -> impl Future<Output = Answer<O::Output>> + Send;
}

/// What a door sends back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status of success.
    pub status: u16,
    /// JSON.
    pub body: Bytes,
}

type Call = for<'a> fn(
    &'a Arc<Engine>,
    &'a Caller,
    Value,
) -> Pin<Box<dyn Future<Output = Answer<Reply>> + Send + 'a>>;

struct Entry {
    info: OperationInfo,
    call: Call,
}

/// An operation together with its handler.
fn entry<O: Operation>() -> Entry
where
    Engine: Handle<O>,
{
    Entry {
        info: OperationInfo::of::<O>(),
        call: |engine, caller, input| {
            Box::pin(async move {
                let input = read_input::<O>(input)?;
                let output = Handle::<O>::handle(engine, caller, input).await?;
                let body = serde_json::to_vec(&output).map_err(|e| ApiError::internal(e.to_string()))?;
                Ok(Reply { status: O::STATUS, body: body.into() })
            })
        },
    }
}

/// Reads the input, or says which field is wrong and how.
fn read_input<O: Operation>(input: Value) -> Answer<O::Input> {
    serde_path_to_error::deserialize(input).map_err(|e| {
        let path = e.path().to_string();
        let reason = e.inner().to_string();
        let message = if path == "." { reason.clone() } else { format!("{path}: {reason}") };
        let path: Vec<&str> = path.split('.').filter(|p| !p.is_empty()).collect();
        ApiError::invalid(format!("Validation error: {message}"))
            .with_details(serde_json::json!([{ "path": path, "message": reason }]))
            .with_hint(format!("GET /api/openapi.json describes the input of {} {}.", O::METHOD, O::PATH))
    })
}

macro_rules! table {
    ($($op:ident)*) => {
        vec![$(entry::<contract::operations::$op>()),*]
    };
}

static TABLE: LazyLock<HashMap<&'static str, Entry>> = LazyLock::new(|| {
    let entries: Vec<Entry> = contract::with_operations!(table);
    entries.into_iter().map(|e| (e.info.name, e)).collect()
});

impl Engine {
    /// Calls an operation by name. Every door ends here.
    pub async fn call(
        self: &Arc<Self>,
        caller: &Caller,
        name: &str,
        input: Value,
    ) -> Result<Reply, ApiError> {
        let entry = TABLE.get(name).ok_or_else(|| {
            ApiError::not_found("Operation").with_hint(format!("No operation is called {name:?}."))
        })?;
        caller.admitted(entry.info.access)?;
        if self.stop.is_cancelled() {
            return Err(ApiError::new(contract::ErrorCode::Unavailable, "The program is stopping"));
        }
        let asked = entry
            .info
            .cached
            .then(|| self.replies.question(entry.info.name, caller, &input, self.store.version()));
        if let Some(reply) = asked.as_ref().and_then(|q| self.replies.answer(q)) {
            return Ok(reply);
        }
        let answer = if entry.info.changes.is_empty() {
            (entry.call)(self, caller, input).await
        } else {
            self.to_its_end(entry.call, caller.clone(), input).await
        };
        match (&answer, asked) {
            (Ok(reply), Some(q)) => self.replies.keep(q, reply),
            (Err(e), _) => self.mind_damage(e),
            _ => {}
        }
        answer
    }

    /// Calls an operation that changes something. It goes on when whoever called has gone away, for what follows a
    /// commit (the kill of a run, the news for the queue) is part of it.
    async fn to_its_end(self: &Arc<Self>, call: Call, caller: Caller, input: Value) -> Answer<Reply> {
        let this = Arc::clone(self);
        let task = self.tasks.spawn(async move { call(&this, &caller, input).await });
        task.await.map_err(|e| ApiError::internal(format!("the operation broke off: {e}")))?
    }

    /// Calls an operation with its own types, from within the program.
    pub async fn run<O: Operation>(
        self: &Arc<Self>,
        caller: &Caller,
        input: O::Input,
    ) -> Result<O::Output, ApiError>
    where
        Engine: HandleAny<O>,
    {
        caller.admitted(O::ACCESS)?;
        self.handle_any(caller, input).await
    }
}

/// [`Handle`] for callers outside of this crate, who call but do not implement.
pub trait HandleAny<O: Operation>: private::Sealed {
    fn handle_any(
        self: &Arc<Self>,
        caller: &Caller,
        input: O::Input,
    ) -> impl Future<Output = Result<O::Output, ApiError>> + Send;
}

impl<O: Operation> HandleAny<O> for Engine
where
    Engine: Handle<O>,
{
    fn handle_any(
        self: &Arc<Self>,
        caller: &Caller,
        input: O::Input,
    ) -> impl Future<Output = Result<O::Output, ApiError>> + Send {
        Handle::<O>::handle(self, caller, input)
    }
}

mod private {
    pub trait Sealed {}
    impl Sealed for crate::Engine {}
}
