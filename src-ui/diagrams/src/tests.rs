#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

const DIAGRAMS: &[(&str, &str)] = &[
    (
        "flowchart",
        "flowchart LR\n  A[Measure] --> B{Fast enough?}\n  B -->|yes| C[Ship]\n  B -->|no| D[Profile]\n",
    ),
    ("sequence", "sequenceDiagram\n  Alice->>Bob: Hello\n  Note right of Bob: thinks\n  Bob-->>Alice: Hi\n"),
    ("class", "classDiagram\n  Animal <|-- Duck\n  Animal : +int age\n"),
    ("state", "stateDiagram-v2\n  [*] --> Still\n  Still --> Moving\n  Moving --> [*]\n"),
    ("er", "erDiagram\n  CUSTOMER ||--o{ ORDER : places\n"),
    ("gantt", "gantt\n  dateFormat YYYY-MM-DD\n  section A\n  One :a1, 2026-01-01, 30d\n"),
    ("pie", "pie title Pets\n  \"Dogs\" : 3\n  \"Cats\" : 2\n"),
    ("mindmap", "mindmap\n  root\n    a\n    b\n"),
    ("git", "gitGraph\n  commit\n  branch x\n  commit\n  checkout main\n  merge x\n"),
    ("journey", "journey\n  title Day\n  section Go\n    Work: 5: Me\n"),
    ("timeline", "timeline\n  title T\n  2002 : A\n  2004 : B\n"),
];

fn all<'a>(shape: &'a Shape, found: &mut Vec<&'a Shape>) {
    found.push(shape);
    for part in &shape.parts {
        if let Part::Shape(inner) = part {
            all(inner, found);
        }
    }
}

fn words(shape: &Shape) -> String {
    let parts = shape.parts.iter().map(|p| match p {
        Part::Text(t) => t.clone(),
        Part::Shape(s) => words(s) + " ",
    });
    parts.collect()
}

#[test]
fn every_kind_is_drawn_from_shapes_that_are_named_and_in_the_windows_colours() {
    for (kind, source) in DIAGRAMS {
        let shape = drawn(source, "d1-").unwrap_or_else(|e| panic!("{kind}: {e}"));
        assert_eq!(shape.tag, "svg", "{kind}");
        let width = shape.attributes.iter().find(|(n, _)| n == "width").map(|(_, v)| v.parse::<f64>());
        assert!(matches!(width, Some(Ok(w)) if w > 0.0), "{kind}: {width:?}");
        let mut shapes = Vec::new();
        all(&shape, &mut shapes);
        for shape in shapes {
            assert!(SHAPES.contains(&shape.tag.as_str()), "{kind}: {}", shape.tag);
            for (name, value) in &shape.attributes {
                assert!(ATTRIBUTES.contains(&name.as_str()), "{kind}: {name}");
                assert!(!value.contains("url(") || value.starts_with("url(#d1-"), "{kind}: {name}={value}");
                assert!(name != "id" || value.starts_with("d1-"), "{kind}: {value}");
            }
        }
    }
    assert!(words(&drawn(DIAGRAMS[0].1, "").unwrap()).contains("Measure"));
}

#[test]
fn links_scripts_and_addresses_are_left_out() {
    let source = "flowchart TD\n  A[\"<img src=x onerror=alert(1)> & <script>\"] --> B\n  \
                  click A href \"https://example.org\" \"tip\" _blank\n  click B call doThing()\n  \
                  style B fill:url(https://example.org/x),stroke:#f00\n";
    let shape = drawn(source, "s-").unwrap();
    let json = serde_json::to_string(&shape).unwrap();
    for gone in ["href", "onclick", "\"script\"", "\"img\"", "https://example.org/x", "style", "class"] {
        assert!(!json.contains(gone), "{gone}: {json}");
    }
}

#[test]
fn what_cannot_be_drawn_says_why() {
    for (source, why) in [
        ("", "cannot be drawn"),
        ("not a diagram", "cannot be drawn"),
        ("flowchart", ""),
        (&"x".repeat(LONGEST + 1), "too long"),
    ] {
        if let Err(reason) = drawn(source, "") {
            assert!(reason.contains(why), "{reason}");
            assert!(draw(source, "").starts_with("{\"refused\":"), "{source}");
        } else {
            assert!(why.is_empty(), "{source:?} was drawn");
        }
    }
}

#[test]
fn a_gantt_chart_asks_no_clock() {
    let source =
        timeless("%% plan\n  gantt\n  todayMarker stroke:red\n  section A\n  One :a1, 2026-01-01, 30d\n");
    assert_eq!(source, "%% plan\n  gantt\ntodayMarker off\n  section A\n  One :a1, 2026-01-01, 30d\n");
    assert_eq!(timeless("pie\n\"gantt\" : 1"), "pie\n\"gantt\" : 1");
}
