//! How an adapter presents itself: what it can do, and the fields of its settings form.

use contract::adapter::{AdapterCapabilities, AdapterField, AdapterInfo, FieldKind};

/// Nothing but starting a command and reading what it writes.
pub const PLAIN: AdapterCapabilities = AdapterCapabilities {
    supports_instructions_bundle: false,
    supports_skills: false,
    supports_local_agent_jwt: false,
    requires_materialized_runtime_skills: false,
    supports_sessions: false,
    supports_models: false,
};

/// An adapter that comes with the program.
pub fn built_in(kind: &str, label: &str, description: &str, fields: Vec<AdapterField>) -> AdapterInfo {
    AdapterInfo {
        r#type: kind.into(),
        label: label.into(),
        description: description.into(),
        source: "builtin".into(),
        models_count: 0,
        loaded: true,
        disabled: false,
        recommended: false,
        capabilities: PLAIN,
        fields,
    }
}

/// How long a run may take.
pub fn timeout() -> AdapterField {
    field("timeoutSec", "Time limit in seconds", FieldKind::Number).default(0).advanced()
}

/// How many processes a run may have at once.
pub fn max_processes() -> AdapterField {
    field("maxProcesses", "Processes of a run at once", FieldKind::Number)
        .default(super::context::MAX_PROCESSES)
        .help("A run that starts more is stopped.")
        .advanced()
}

/// How long a run has to stop by itself.
pub fn grace(seconds: u32) -> AdapterField {
    field("graceSec", "Seconds between asking to stop and killing", FieldKind::Number)
        .default(seconds)
        .advanced()
}

/// A field that is not required and has no default.
pub fn field(key: &str, label: &str, kind: FieldKind) -> Field {
    Field(AdapterField {
        key: key.into(),
        label: label.into(),
        help: None,
        kind,
        default: None,
        options: Vec::new(),
        required: false,
        advanced: false,
    })
}

/// Builds an [`AdapterField`]; ends in one wherever one is wanted.
pub struct Field(AdapterField);

impl Field {
    pub fn help(mut self, help: &str) -> Self {
        self.0.help = Some(help.into());
        self
    }

    pub fn default(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.0.default = Some(value.into());
        self
    }

    pub fn options(mut self, options: &[&str]) -> Self {
        self.0.options = options.iter().map(ToString::to_string).collect();
        self
    }

    pub fn required(mut self) -> AdapterField {
        self.0.required = true;
        self.0
    }

    pub fn advanced(mut self) -> AdapterField {
        self.0.advanced = true;
        self.0
    }
}

impl From<Field> for AdapterField {
    fn from(field: Field) -> Self {
        field.0
    }
}
