//! Which crate may depend on which.

use serde_json::Value;

use super::{packages, text};

/// Own crates and what each may use of the others, as DESIGN.md draws the arrows.
const ALLOWED: &[(&str, &[&str])] = &[
    ("contract", &[]),
    ("domain", &["contract"]),
    ("store", &["domain", "contract"]),
    ("runner", &["domain", "contract"]),
    ("workspaces", &["domain", "contract"]),
    ("skills", &["domain", "contract"]),
    ("engine", &["store", "runner", "workspaces", "skills", "domain", "contract"]),
    ("server", &["engine", "domain", "contract"]),
    ("paperclip-core", &["server", "engine", "runner", "contract"]),
    ("paperclip-desktop", &["paperclip-core", "engine", "runner", "contract"]),
    ("paperclip-cli", &["runner", "contract"]),
    ("paperclip-ui", &["contract"]),
    ("paperclip-diagrams", &[]),
    ("xtask", &[]),
];

/// Outside crates that belong to one layer. A name that ends in `-` stands for all that begin with it.
const KEPT_TO: &[(&str, &str)] = &[
    ("tauri", "paperclip-desktop"),
    ("tauri-", "paperclip-desktop"),
    ("axum", "server"),
    ("sqlx", "store"),
    ("libsqlite3-sys", "store"),
    ("rusqlite", "store"),
    ("web-sys", "paperclip-ui"),
    ("leptos", "paperclip-ui"),
    ("git2", "workspaces"),
];

pub fn check(metadata: &Value) -> Vec<String> {
    let own: Vec<&Value> = packages(metadata).filter(|p| p["source"].is_null()).collect();
    let names: Vec<&str> = own.iter().map(|p| text(p, "name")).collect();
    let mut broken = Vec::new();
    for package in &own {
        let name = text(package, "name");
        let Some((_, allowed)) = ALLOWED.iter().find(|(n, _)| *n == name) else {
            broken.push(format!(
                "`{name}` has no place among the layers: give it one in xtask/src/check/arrows.rs"
            ));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let dep = text(dependency, "name");
            let for_tests = dependency["kind"] == "dev";
            if !for_tests && names.contains(&dep) && !allowed.contains(&dep) {
                broken.push(format!("`{name}` may not depend on `{dep}`"));
            }
            if let Some((_, owner)) = KEPT_TO.iter().find(|(pattern, _)| is(pattern, dep))
                && *owner != name
            {
                broken.push(format!("`{dep}` belongs to `{owner}` alone, yet `{name}` depends on it"));
            }
        }
    }
    broken
}

fn is(pattern: &str, name: &str) -> bool {
    if pattern.ends_with('-') { name.starts_with(pattern) } else { name == pattern }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    fn package(name: &str, deps: &[&str]) -> serde_json::Value {
        let deps: Vec<_> = deps.iter().map(|d| json!({"name": d, "kind": null})).collect();
        json!({"name": name, "source": null, "dependencies": deps})
    }

    #[test]
    fn an_arrow_that_points_up_and_a_crate_out_of_its_layer_are_found() {
        let metadata = json!({"packages": [
            package("contract", &["serde"]),
            package("domain", &["contract", "engine"]),
            package("engine", &["domain", "tauri-plugin-dialog"]),
            package("newcomer", &[]),
        ]});
        let broken = super::check(&metadata);
        assert_eq!(broken.len(), 3, "{broken:?}");
        assert!(broken[0].contains("`domain` may not depend on `engine`"));
        assert!(broken[1].contains("`tauri-plugin-dialog` belongs to `paperclip-desktop`"));
        assert!(broken[2].contains("`newcomer` has no place"));
    }

    #[test]
    fn tests_may_look_further_than_the_code() {
        let mut domain = package("domain", &[]);
        domain["dependencies"] = json!([{"name": "store", "kind": "dev"}]);
        assert_eq!(super::check(&json!({"packages": [domain, package("store", &[])]})), Vec::<String>::new());
    }
}
