//! Mermaid diagrams as data. A module of its own, which the window loads when a diagram is first on its screen, and runs in a
//! worker: what a text of an agent does to it, it does to nothing else.
//!
//! What is drawn comes out as a tree of the elements and attributes that [`SHAPES`] and [`ATTRIBUTES`] name, and of no
//! others: no links, no scripts, no styles, nothing from elsewhere.

mod theme;

use std::borrow::Cow;

use mermaid_svg::RenderError;
use roxmltree::{Document, Node, NodeType};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

/// Longer sources are not drawn. In bytes.
const LONGEST: usize = 20_000;

const SHAPES: &[&str] = &[
    "svg",
    "g",
    "defs",
    "marker",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "title",
    "linearGradient",
    "stop",
    "clipPath",
    "pattern",
];

const ATTRIBUTES: &[&str] = &[
    "id",
    "viewBox",
    "x",
    "y",
    "x1",
    "y1",
    "x2",
    "y2",
    "dx",
    "dy",
    "cx",
    "cy",
    "r",
    "rx",
    "ry",
    "width",
    "height",
    "d",
    "points",
    "transform",
    "fill",
    "fill-opacity",
    "fill-rule",
    "stroke",
    "stroke-width",
    "stroke-opacity",
    "stroke-dasharray",
    "stroke-linecap",
    "stroke-linejoin",
    "opacity",
    "marker-start",
    "marker-mid",
    "marker-end",
    "markerWidth",
    "markerHeight",
    "markerUnits",
    "refX",
    "refY",
    "orient",
    "text-anchor",
    "dominant-baseline",
    "alignment-baseline",
    "font-size",
    "font-weight",
    "font-style",
    "text-decoration",
    "text-rendering",
    "offset",
    "stop-color",
    "stop-opacity",
    "gradientUnits",
    "gradientTransform",
    "clip-path",
    "patternUnits",
];

/// A shape, or words.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Part {
    Shape(Shape),
    Text(String),
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Shape {
    pub tag: String,
    pub attributes: Vec<(String, String)>,
    pub parts: Vec<Part>,
}

/// Draws a source as JSON: `{"drawn": shape}`, or `{"refused": reason}` in words for the reader. `scope` begins every id of
/// the drawing, so that two drawings in a page do not mean each other's parts.
#[wasm_bindgen]
pub fn draw(source: &str, scope: &str) -> String {
    let answer = match drawn(source, scope) {
        Ok(shape) => serde_json::to_string(&Answer::Drawn(shape)),
        Err(reason) => serde_json::to_string(&Answer::Refused(reason)),
    };
    answer.unwrap_or_default()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    Drawn(Shape),
    Refused(String),
}

/// Draws a source.
pub fn drawn(source: &str, scope: &str) -> Result<Shape, String> {
    if source.len() > LONGEST {
        return Err("This diagram is too long to be drawn.".into());
    }
    let svg = mermaid_svg::render_with(&timeless(source), &theme::theme()).map_err(|e| told(&e))?;
    let read = Document::parse(&svg).map_err(|e| format!("This diagram cannot be drawn: {e}."))?;
    match part(read.root_element(), scope) {
        Some(Part::Shape(shape)) => Ok(sized(shape)),
        _ => Err("This diagram has nothing in it.".into()),
    }
}

/// A Gantt chart without the line that marks today: a drawing knows no clock.
fn timeless(source: &str) -> Cow<'_, str> {
    if !source.lines().any(|l| l.trim() == "gantt") {
        return Cow::Borrowed(source);
    }
    let mut out = String::with_capacity(source.len() + 20);
    for line in source.lines().filter(|l| !l.trim_start().starts_with("todayMarker")) {
        out.push_str(line);
        out.push_str(if line.trim() == "gantt" { "\ntodayMarker off\n" } else { "\n" });
    }
    Cow::Owned(out)
}

/// A drawing at its natural size instead of as wide as its place.
fn sized(mut shape: Shape) -> Shape {
    let view = shape.attributes.iter().find(|(name, _)| name == "viewBox").map(|(_, value)| value.clone());
    let numbers: Vec<String> = view.iter().flat_map(|v| v.split_whitespace()).map(str::to_owned).collect();
    if let [_, _, width, height] = numbers.as_slice() {
        shape.attributes.retain(|(name, _)| name != "width" && name != "height");
        shape.attributes.push(("width".into(), width.clone()));
        shape.attributes.push(("height".into(), height.clone()));
    }
    shape
}

fn told(error: &RenderError) -> String {
    format!("This diagram cannot be drawn: {error}.")
}

fn part(node: Node<'_, '_>, scope: &str) -> Option<Part> {
    match node.node_type() {
        NodeType::Text => node.text().filter(|t| !t.is_empty()).map(|t| Part::Text(t.to_owned())),
        NodeType::Element => {
            // What is around a link stays as a group.
            let tag = match node.tag_name().name() {
                "a" => "g",
                name => SHAPES.iter().find(|s| **s == name)?,
            };
            let attributes = node
                .attributes()
                .filter(|a| a.namespace().is_none() && ATTRIBUTES.contains(&a.name()))
                .filter_map(|a| Some((a.name().to_owned(), value(a.name(), a.value(), scope)?)))
                .collect();
            let parts = node.children().filter_map(|n| part(n, scope)).collect();
            Some(Part::Shape(Shape { tag: tag.to_owned(), attributes, parts }))
        }
        _ => None,
    }
}

/// An attribute's value with ids of this scope, or nothing when it would point out of the drawing.
fn value(name: &str, value: &str, scope: &str) -> Option<String> {
    if name == "id" {
        return Some(format!("{scope}{value}"));
    }
    let Some((before, rest)) = value.split_once("url(") else { return Some(value.to_owned()) };
    let id = rest.strip_prefix('#')?.strip_suffix(')')?;
    let plain = before.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    plain.then(|| format!("url(#{scope}{id})"))
}

#[cfg(test)]
mod tests;
