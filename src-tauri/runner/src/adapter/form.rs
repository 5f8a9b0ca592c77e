//! The fields of an adapter's settings form.

use contract::adapter::{AdapterField, FieldKind};

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
