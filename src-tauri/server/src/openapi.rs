//! The OpenAPI document, made from the declarations.

use std::sync::LazyLock;

use contract::operations::ALL;
use contract::{Access, ApiError, Method, OperationInfo};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The document of this version.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(build);
    &DOCUMENT
}

fn build() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|s| s.definitions_path = "/components/schemas".into())
        .into_generator();
    let error = generator.subschema_for::<ApiError>();
    let mut paths = Map::new();
    for op in ALL {
        let item = paths.entry(op.path.to_owned()).or_insert_with(|| json!({}));
        item[op.method.as_str().to_lowercase()] = operation(op, &mut generator, error.as_value());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Paperclip Desktop",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The control plane of one operator on one machine, with Paperclip's paths and names.",
        },
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
        },
        "paths": paths,
    })
}

fn operation(op: &OperationInfo, generator: &mut SchemaGenerator, error: &Value) -> Value {
    let input = resolved(&(op.input_schema)(generator), generator);
    let output = (op.output_schema)(generator);
    let in_path: Vec<&str> = op.path_parameters().collect();
    let properties = input.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let required: Vec<&str> = input
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let by_query = op.method == Method::Get;
    let mut parameters = Vec::new();
    let mut body = Map::new();
    for (name, schema) in properties {
        if in_path.contains(&name.as_str()) {
            parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
        } else if by_query {
            let required = required.contains(&name.as_str());
            parameters.push(json!({ "name": name, "in": "query", "required": required, "schema": schema }));
        } else {
            body.insert(name, schema);
        }
    }
    let mut out = json!({
        "operationId": op.name,
        "summary": op.summary.trim(),
        "parameters": parameters,
        "responses": {
            op.status.to_string(): { "description": "Success", "content": { "application/json": { "schema": output } } },
            "default": { "description": "Refusal", "content": { "application/json": { "schema": error } } },
        },
        "x-access": op.access,
        "x-reads": op.reads,
        "x-changes": op.changes,
    });
    if op.access != Access::Public {
        out["security"] = json!([{ "bearer": [] }]);
    }
    if !body.is_empty() {
        let needed: Vec<&str> = required.into_iter().filter(|r| body.contains_key(*r)).collect();
        let schema = json!({ "type": "object", "additionalProperties": false, "required": needed, "properties": body });
        out["requestBody"] = json!({ "required": !needed.is_empty(), "content": { "application/json": { "schema": schema } } });
    }
    out
}

/// The schema itself where the generator answered with a reference.
fn resolved(schema: &schemars::Schema, generator: &SchemaGenerator) -> Value {
    let value = schema.as_value().clone();
    let name = value.get("$ref").and_then(Value::as_str).and_then(|r| r.rsplit('/').next());
    match name.and_then(|n| generator.definitions().get(n)) {
        Some(definition) => definition.clone(),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_stands_in_the_document_and_every_reference_resolves() {
        let d = document();
        for op in ALL {
            assert!(d["paths"][op.path][op.method.as_str().to_lowercase()].is_object(), "{}", op.name);
        }
        let text = d.to_string();
        for r in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
            let name = r.split('"').next().unwrap();
            assert!(d["components"]["schemas"][name].is_object(), "{name} is not defined");
        }
    }
}
