//! The OpenAPI document and the router say the same.

use super::*;
use std::collections::BTreeSet;

const DOCUMENT: &str = include_str!("../../../../../../docs/protocol/citizen.openapi.yaml");

/// Methods and paths of the document, by the places where YAML puts them.
fn documented() -> BTreeSet<(String, String)> {
    let paths = DOCUMENT.split("\npaths:\n").nth(1).unwrap().split("\ncomponents:\n").next().unwrap();
    let mut found = BTreeSet::new();
    let mut path = "";
    for line in paths.lines() {
        if let Some(name) = line.strip_prefix("  /") {
            path = name.trim_end_matches(':');
        } else if let Some(method) = line.strip_prefix("    ").and_then(|line| line.strip_suffix(':'))
            && !method.starts_with(' ')
        {
            found.insert((method.to_uppercase(), format!("/{path}")));
        }
    }
    found
}

#[tokio::test]
async fn every_call_is_documented_and_every_documented_call_is_there() {
    let town = Town::new().await;
    let documented = documented();
    let paths: BTreeSet<&str> = documented.iter().map(|(_, path)| path.as_str()).collect();
    let routed: BTreeSet<&str> = routes().iter().map(|(path, _)| *path).collect();
    assert_eq!(paths, routed);
    for path in paths {
        let real = path
            .replace("{session}", "00000000000000000000000000")
            .replace("{id}", "00000000000000000000000000")
            .replace("{nonce}", &"0".repeat(32))
            .replace("{uscc}", QINGHE);
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let got = town.ask(method, &real, "", None).await;
            let there = got.body["code"] != "wrong-method" && got.body["code"] != "unknown-call";
            assert_eq!(there, documented.contains(&(method.to_owned(), path.to_owned())), "{method} {path}");
        }
    }
}

#[test]
fn every_reason_for_a_refusal_is_documented() {
    for row in crate::citizen::refusal::TABLE {
        let is_ours = matches!(row.code, "unknown-call" | "wrong-method");
        assert!(is_ours || DOCUMENT.contains(&format!("`{}`", row.code)), "{} is not documented", row.code);
    }
}

#[tokio::test]
async fn without_a_token_only_the_public_calls_answer() {
    let town = Town::new().await;
    for (method, path) in documented() {
        let public = path == "/about"
            || path == "/sessions"
            || path == "/sessions/{session}"
            || path == "/receipts/{id}";
        if !public {
            let real = path.replace("{id}", "00000000000000000000000000").replace("{nonce}", &"0".repeat(32));
            let got = town.ask(&method, &real.replace("{uscc}", QINGHE), "", Some(json!({}))).await;
            assert_eq!(got.refused(), refused(401, "no-token"), "{method} {path}");
        }
    }
}
