//! What documents say of the checks is so: every test that `docs/attacks.md` names exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder of the project").to_owned()
}

/// The names of all tests: functions in Rust, titles in scripts.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["appliance", "sync", "devices", "tests"] {
        collect(&root().join(folder), &mut names);
    }
    names
}

fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("read a folder of the project") {
        let path = entry.expect("read an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !["node_modules", "dist", "target", ".cache"].contains(&name.as_str()) {
            collect(&path, names);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).expect("read a source file");
            let functions = text.split("#[test]").skip(1).chain(text.split("#[tokio::test").skip(1));
            names.extend(
                functions.filter_map(|rest| Some(rest.split_once("fn ")?.1.split('(').next()?.to_owned())),
            );
        } else if name.ends_with(".test.mjs") || name.ends_with(".test.ts") {
            let text = fs::read_to_string(&path).expect("read a script");
            for opening in ["story(\"", "test(\""] {
                names.extend(
                    text.split(opening).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())),
                );
            }
        }
    }
}

#[test]
fn every_test_that_is_named_for_an_attack_exists() {
    let known = tests();
    assert!(known.len() > 500, "the tests were found: {}", known.len());
    let text = fs::read_to_string(root().join("docs/attacks.md")).expect("read docs/attacks.md");
    let rows: Vec<&str> =
        text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| What")).collect();
    assert!(rows.len() >= 40, "{}", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let named: Vec<&str> = cells.last().unwrap_or(&"").split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            wrong.push(format!("no test is named: {row}"));
        }
        wrong.extend(
            named.into_iter().filter(|name| !known.contains(*name)).map(|name| format!("no test: {name}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
