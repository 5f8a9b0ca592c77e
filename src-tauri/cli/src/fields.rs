//! An operation's input as arguments, after the JSON schema of its type.
//!
//! Parameters of the path are given by position, other fields as `--kebab-case`. The company need not be named.

use clap::builder::{Resettable, StyledStr};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};
use contract::{JsonObject, OperationInfo};
use serde_json::{Map, Value};

use crate::connection::Program;
use crate::failure::Failure;

/// The field that the global `--company-id` fills.
const COMPANY: &str = "companyId";
/// Takes the whole input at once.
const WHOLE: &str = "json";

/// A field of an input.
struct Field {
    name: String,
    shape: Shape,
    help: String,
    nullable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Text,
    Number,
    Flag,
    /// Of texts.
    List,
    /// Anything else, given as JSON.
    Json,
}

pub fn arguments(operation: &OperationInfo) -> Vec<Arg> {
    let parameters: Vec<&str> = operation.path_parameters().collect();
    let fields = fields(operation);
    let mut arguments: Vec<Arg> = parameters
        .iter()
        .filter(|p| **p != COMPANY)
        .map(|p| {
            Arg::new((*p).to_owned()).value_name(p.to_uppercase()).required(true).help(help_of(&fields, p))
        })
        .collect();
    let mut options = 0;
    for field in fields.iter().filter(|f| f.name != COMPANY && !parameters.contains(&f.name.as_str())) {
        arguments.push(option(field));
        options += 1;
    }
    if options > 0 {
        let help = "The whole input as JSON, `-` for standard input; other options are laid over it";
        arguments.push(Arg::new(WHOLE).long(WHOLE).value_name("JSON").help(help));
    }
    arguments
}

fn help_of(fields: &[Field], name: &str) -> Resettable<StyledStr> {
    fields.iter().find(|f| f.name == name).map_or(Resettable::Reset, |f| some(&f.help))
}

/// No help is less than an empty line of it.
fn some(help: &str) -> Resettable<StyledStr> {
    if help.is_empty() { Resettable::Reset } else { Resettable::Value(help.to_owned().into()) }
}

fn option(field: &Field) -> Arg {
    let arg = Arg::new(field.name.clone()).long(kebab(&field.name)).help(some(&field.help));
    match field.shape {
        Shape::Text => arg.value_name("TEXT").allow_hyphen_values(true),
        Shape::Number => arg.value_name("N").allow_negative_numbers(true),
        Shape::Flag => {
            arg.value_name("true|false").num_args(0..=1).require_equals(true).default_missing_value("true")
        }
        Shape::List => arg.value_name("A,B").value_delimiter(',').action(ArgAction::Append),
        Shape::Json => arg.value_name("JSON"),
    }
}

/// The input that was asked for on the command line.
pub fn input(
    operation: &OperationInfo,
    matches: &ArgMatches,
    program: &Program,
    company: Option<&str>,
) -> Result<JsonObject, Failure> {
    let mut input = given(operation, matches)?;
    let wants_company = operation.path_parameters().any(|p| p == COMPANY);
    if let Some(company) = company
        && fields(operation).iter().any(|f| f.name == COMPANY)
    {
        input.insert(COMPANY.into(), company.into());
    } else if wants_company && !input.contains_key(COMPANY) {
        input.insert(COMPANY.into(), program.only_company()?.into());
    }
    Ok(input)
}

fn given(operation: &OperationInfo, matches: &ArgMatches) -> Result<JsonObject, Failure> {
    let mut input = match matches.try_get_one::<String>(WHOLE) {
        Ok(Some(text)) => whole(text)?,
        _ => Map::new(),
    };
    for field in fields(operation) {
        let from_user = |name: &str| {
            matches.try_contains_id(name).unwrap_or(false)
                && matches.value_source(name) == Some(ValueSource::CommandLine)
        };
        if !from_user(&field.name) {
            continue;
        }
        let Some(values) = matches.get_many::<String>(&field.name) else { continue };
        let values: Vec<&String> = values.collect();
        input.insert(field.name.clone(), value(&field, &values)?);
    }
    Ok(input)
}

fn whole(text: &str) -> Result<JsonObject, Failure> {
    let text = if text == "-" {
        std::io::read_to_string(std::io::stdin())
            .map_err(|e| Failure::usage(format!("standard input: {e}")))?
    } else {
        text.to_owned()
    };
    serde_json::from_str(&text).map_err(|e| Failure::usage(format!("--json takes a JSON object: {e}")))
}

fn value(field: &Field, values: &[&String]) -> Result<Value, Failure> {
    let [first, ..] = values else { return Ok(Value::Array(Vec::new())) };
    if field.nullable && *first == "null" {
        return Ok(Value::Null);
    }
    let wrong = |expected: &str| {
        Failure::usage(format!("--{} takes {expected}, found `{first}`", kebab(&field.name)))
    };
    match field.shape {
        Shape::Text => Ok(Value::String((*first).clone())),
        Shape::List => Ok(values.iter().map(|v| Value::String((*v).clone())).collect()),
        Shape::Flag => match first.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(wrong("true or false")),
        },
        Shape::Number => match serde_json::from_str(first) {
            Ok(n @ Value::Number(_)) => Ok(n),
            _ => Err(wrong("a number")),
        },
        Shape::Json => serde_json::from_str(first).map_err(|_| wrong("JSON")),
    }
}

fn fields(operation: &OperationInfo) -> Vec<Field> {
    let mut generator = schemars::SchemaGenerator::default();
    let schema = (operation.input_schema)(&mut generator).to_value();
    let definitions = Value::Object(generator.take_definitions(true));
    let schema = resolve(&schema, &definitions);
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    properties
        .iter()
        .map(|(name, property)| Field {
            name: name.clone(),
            shape: shape(property, &definitions),
            help: describe(property, &definitions),
            nullable: nullable(property, &definitions),
        })
        .collect()
}

fn resolve<'a>(schema: &'a Value, definitions: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
        Some(name) if definitions.get(name).is_some() => resolve(&definitions[name], definitions),
        _ => schema,
    }
}

/// The one alternative beside `null`, where that is what `anyOf` says.
fn inner<'a>(schema: &'a Value, definitions: &'a Value) -> &'a Value {
    let schema = resolve(schema, definitions);
    let alternatives = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array());
    let mut real = alternatives.into_iter().flatten().filter(|s| s["type"] != "null");
    match (real.next(), real.next()) {
        (Some(only), None) => inner(only, definitions),
        _ => schema,
    }
}

fn nullable(schema: &Value, definitions: &Value) -> bool {
    let schema = resolve(schema, definitions);
    let null_type = |s: &Value| match &s["type"] {
        Value::String(t) => t == "null",
        Value::Array(types) => types.iter().any(|t| t == "null"),
        _ => false,
    };
    null_type(schema) || schema["anyOf"].as_array().is_some_and(|any| any.iter().any(null_type))
}

fn shape(schema: &Value, definitions: &Value) -> Shape {
    let schema = inner(schema, definitions);
    let kind = match &schema["type"] {
        Value::String(kind) => kind.as_str(),
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).find(|k| *k != "null").unwrap_or_default()
        }
        _ => "",
    };
    match kind {
        "string" => Shape::Text,
        "integer" | "number" => Shape::Number,
        "boolean" => Shape::Flag,
        "array" if shape(&schema["items"], definitions) == Shape::Text => Shape::List,
        // A closed set of words with a description each comes out as alternatives without a type.
        "" if schema["oneOf"].as_array().is_some_and(|any| any.iter().all(|s| s["type"] == "string")) => {
            Shape::Text
        }
        "" if schema["enum"].is_array() => Shape::Text,
        _ => Shape::Json,
    }
}

fn describe(property: &Value, definitions: &Value) -> String {
    let target = inner(property, definitions);
    let mut help = property["description"]
        .as_str()
        .or_else(|| target["description"].as_str())
        .map(|d| d.lines().next().unwrap_or_default().trim_end_matches('.').to_owned())
        .unwrap_or_default();
    let item = inner(&target["items"], definitions);
    let words = [target, item].into_iter().flat_map(|s| {
        let listed = s["enum"].as_array().into_iter().flatten();
        let told = s["oneOf"].as_array().into_iter().flatten().map(|s| &s["const"]);
        listed.chain(told).filter_map(Value::as_str)
    });
    let words: Vec<&str> = words.collect();
    if !words.is_empty() {
        help = format!("{help} [{}]", words.join(", ")).trim_start().to_owned();
    }
    help
}

fn kebab(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalogue;

    /// What the command line makes of `args` for the operation they name.
    fn parse(args: &[&str]) -> Result<JsonObject, Failure> {
        let matches = catalogue::command().try_get_matches_from([&["paperclip"], args].concat()).unwrap();
        let (mut path, mut leaf) = (Vec::new(), &matches);
        while let Some((name, inner)) = leaf.subcommand() {
            path.push(name);
            leaf = inner;
        }
        given(catalogue::find(&path).unwrap(), leaf)
    }

    #[test]
    fn fields_arrive_with_their_types() {
        let input = parse(&["issues", "list", "--status", "todo,done", "--limit", "5"]).unwrap();
        assert_eq!(Value::Object(input), json!({"status": ["todo", "done"], "limit": 5}));
        let input = parse(&["issues", "get", "PAP-1"]).unwrap();
        assert_eq!(Value::Object(input), json!({"id": "PAP-1"}));
        let input = parse(&["runs", "transcript", "r1", "--raw"]).unwrap();
        assert_eq!(input["raw"], json!(true));
    }

    #[test]
    fn options_are_laid_over_a_whole_input() {
        let input =
            parse(&["issues", "create", "--json", r#"{"title":"a","priority":"low"}"#, "--title", "-b"])
                .unwrap();
        assert_eq!(Value::Object(input), json!({"title": "-b", "priority": "low"}));
    }

    #[test]
    fn null_clears_what_may_be_cleared() {
        let input = parse(&["issues", "update", "PAP-1", "--assignee-agent-id", "null"]).unwrap();
        assert_eq!(input["assigneeAgentId"], Value::Null);
    }

    #[test]
    fn a_wrong_value_names_its_option() {
        let error = parse(&["issues", "list", "--limit", "many"]).unwrap_err().to_string();
        assert_eq!(error, "--limit takes a number, found `many`");
    }

    /// A schema that this module does not understand would show as an option that takes JSON.
    #[test]
    fn the_common_fields_are_not_taken_for_json() {
        for operation in contract::operations::ALL {
            for field in fields(operation) {
                let plain = [
                    "title",
                    "status",
                    "limit",
                    "priority",
                    "body",
                    "q",
                    "runId",
                    "raw",
                    "name",
                    "assigneeAgentId",
                ];
                if plain.contains(&field.name.as_str()) {
                    assert_ne!(field.shape, Shape::Json, "{} {}", operation.name, field.name);
                }
            }
        }
    }
}
