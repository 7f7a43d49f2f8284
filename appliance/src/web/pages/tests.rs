//! What must hold for every screen.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::case::Outcome;
use super::receipt::Paper;
use super::{Lang, samples, text};

/// Sources whose every word is one of a screen.
const OWN: [&str; 8] = [
    "pages",
    "case/alias.rs",
    "case/page.rs",
    "web/security.rs",
    "refusal.rs",
    "case/story.rs",
    "case/list.rs",
    "case/view.rs",
];

const MANIFEST: &str = env!("CARGO_MANIFEST_DIR");

fn screens() -> Vec<(String, String)> {
    let mut screens = samples::all(Lang::Zh);
    screens.extend(samples::all(Lang::En).into_iter().map(|(name, html)| (format!("{name} (en)"), html)));
    screens
}

fn screen(name: &str) -> String {
    let found = samples::all(Lang::Zh).into_iter().find(|(sample, _)| sample == name);
    found.expect("there is such a sample").1
}

/// The text between each `start` and the `end` after it.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

fn is_chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the entry is readable").path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

/// Every Chinese text that templates and pages use, with where it stands.
fn texts_in_use() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut templates = Vec::new();
    files(&Path::new(MANIFEST).join("templates"), ".html", &mut templates);
    for path in &templates {
        let source = std::fs::read_to_string(path).expect("the template is readable");
        for call in [".t(\"", ".fill(\"", ".fill2(\""] {
            found.extend(
                between(&source, call, "\"").into_iter().map(|t| (t.to_owned(), path.display().to_string())),
            );
        }
    }
    let mut sources = Vec::new();
    files(&Path::new(MANIFEST).join("src/web"), ".rs", &mut sources);
    sources.push(Path::new(MANIFEST).join("src/reception/refusal.rs"));
    for path in sources {
        let name = path.display().to_string();
        let source = std::fs::read_to_string(&path).expect("the source is readable");
        let code: String = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        if name.contains("samples") || name.ends_with("english.rs") || name.ends_with("pages/tests.rs") {
            continue;
        }
        let tests = code.find("#[cfg(test)]").unwrap_or(code.len());
        let code = code.get(..tests).unwrap_or_default();
        // Pages own their words; handlers are only asked for those they pass through the table.
        let strings: Vec<&str> = if OWN.iter().any(|part| name.contains(part)) {
            code.split('"').skip(1).step_by(2).collect()
        } else {
            [".t(\"", ".fill(\""].iter().flat_map(|call| between(code, call, "\"")).collect()
        };
        found.extend(strings.into_iter().map(|text| (text.to_owned(), name.clone())));
    }
    found.retain(|(text, _)| text.chars().any(is_chinese) && text != "中文");
    found
}

#[test]
fn every_text_has_english_with_the_same_values() {
    for (zh, place) in texts_in_use() {
        let en = Lang::En.t(&zh).to_owned();
        assert_ne!(en, zh, "no English for {zh:?} in {place}");
        assert!(!en.chars().any(is_chinese), "{en:?} is not English");
        assert_eq!(en.matches("{}").count(), zh.matches("{}").count(), "values of {zh:?}");
    }
}

#[test]
fn the_table_of_texts_is_sorted_and_holds_nothing_unused() {
    let used: BTreeSet<String> = texts_in_use().into_iter().map(|(text, _)| text).collect();
    let tables = text::keys();
    for table in &tables {
        let sorted = table.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(sorted, "a table is not sorted, so it cannot be searched");
    }
    let keys = tables.into_iter().flatten();
    let unused: Vec<_> = keys.filter(|key| !used.contains(*key)).collect();
    assert!(unused.is_empty(), "unused: {unused:?}");
}

#[test]
fn templates_hold_no_words_outside_the_table() {
    let mut templates = Vec::new();
    files(&Path::new(MANIFEST).join("templates"), ".html", &mut templates);
    for path in templates {
        let source = std::fs::read_to_string(&path).expect("the template is readable");
        let outside: String = source
            .split("{{")
            .enumerate()
            .map(|(n, part)| if n == 0 { part } else { part.split("}}").nth(1).unwrap_or("") })
            .collect();
        let outside: String = outside
            .split("{%")
            .enumerate()
            .map(|(n, part)| if n == 0 { part } else { part.split("%}").nth(1).unwrap_or("") })
            .collect();
        let word: String = outside.chars().filter(|c| is_chinese(*c)).collect();
        assert!(word.is_empty(), "{} says {word:?} in one language only", path.display());
    }
}

#[test]
fn pages_obey_the_content_security_policy() {
    for (name, html) in screens() {
        assert!(!html.contains(" style="), "{name} has an inline style");
        assert!(
            between(&html, "<script", ">").iter().all(|tag| tag.contains(" src=\"/assets/")),
            "{name} has an inline script"
        );
        for tag in between(&html, "<", ">") {
            assert!(
                !tag.split_whitespace().any(|word| word.starts_with("on") && word.contains('=')),
                "{name}: {tag}"
            );
        }
        assert!(!html.contains("http://") || html.contains("http://www.w3.org"), "{name} refers outside");
    }
}

#[test]
fn every_posting_form_carries_the_token() {
    for (name, html) in screens() {
        for form in between(&html, "<form", "</form>") {
            if form.contains("method=\"post\"") {
                assert!(form.contains("name=\"csrf\" value=\"c7f3a1\""), "{name}: {form}");
            }
        }
    }
}

/// The routes of the contract at the top of `mod.rs`: method and path with `{}` for what changes.
fn routes() -> BTreeSet<(String, String)> {
    let contract = include_str!("mod.rs");
    between(contract, "//! | `", "`")
        .into_iter()
        .filter_map(|route| route.split_once(' '))
        .map(|(method, path)| (method.to_owned(), path.to_owned()))
        .collect()
}

fn served(routes: &BTreeSet<(String, String)>, method: &str, target: &str) -> bool {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    routes.iter().any(|(served, route)| {
        let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
        served == method
            && route.len() == path.len()
            && route.iter().zip(&path).all(|(want, got)| want.starts_with('{') || want == got)
    })
}

#[test]
fn pages_lead_only_where_the_contract_says() {
    let routes = routes();
    assert!(routes.len() > 35, "the contract could not be read");
    for (name, html) in screens() {
        for tag in between(&html, "<", ">") {
            let method = if tag.contains("method=\"post\"") { "POST" } else { "GET" };
            for attribute in [" href=\"", " action=\"", " hx-get=\"", " src=\""] {
                for target in between(tag, attribute, "\"") {
                    let inside = target.starts_with('/') && !target.starts_with("//");
                    assert!(
                        target.starts_with('#')
                            || target == "data:,"
                            || inside && served(&routes, method, target),
                        "{name} leads to {method} {target}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_clerk_has_no_way_to_say_yes_for_the_citizen() {
    for (name, html) in samples::all(Lang::Zh) {
        if !name.starts_with("case-consent") {
            continue;
        }
        let page = html
            .split("id=\"case-step\"")
            .nth(1)
            .expect("there is a step")
            .split("<aside")
            .next()
            .unwrap_or_default();
        for action in between(page, " action=\"/cases/01JD3X8/", "\"") {
            let looks = action.starts_with("licences/");
            // All of these ask somebody else, take something back, or go on without a licence. What the office form
            // leads to is no consent, and a supervisor signs for it.
            let asks = ["push", "push-phone", "acknowledge", "office", "scan"];
            let takes_back = ["cancel-push", "cancel-phone", "withdraw", "paper"];
            assert!(
                looks || asks.contains(&action) || takes_back.contains(&action),
                "{name} offers {action}"
            );
        }
    }
}

#[test]
fn a_page_stays_small() {
    for (name, html) in screens() {
        let limit = if name.starts_with("receipt") { 40 * 1024 } else { 20 * 1024 };
        assert!(html.len() <= limit, "{name} weighs {} bytes", html.len());
    }
}

#[test]
fn a_receipt_says_no_more_than_is_true() {
    let reviewed = screen("receipt-a4");
    assert!(reviewed.contains("复核后生效"));
    assert!(!reviewed.contains("已受理"));
    assert!(screen("receipt-a4-accepted").contains("已受理"));
    for outcome in [Outcome::Review, Outcome::Following, Outcome::ReceiptOnly, Outcome::No] {
        assert!(!outcome.done_zh().contains("已受理"), "{outcome:?}");
        assert_ne!(outcome.title_zh(), Outcome::Accept.title_zh());
    }
    assert_eq!(Paper::from_code("slip"), Paper::Slip);
}

#[test]
fn attested_fields_are_shown_but_not_sent() {
    let form = screen("case-form");
    assert!(form.contains("id=\"f.name\"") && !form.contains("name=\"f.name\""));
    assert!(form.contains("value=\"edit:name\""));
    assert!(form.contains("name=\"f.address\""), "a changed field is sent");
    assert!(form.contains("value=\"restore:address\""));
}

#[test]
fn a_case_that_somebody_else_has_can_only_be_looked_at() {
    let held = screen("case-form-held");
    assert!(held.contains("<fieldset class=\"bare\" disabled>"));
    assert!(held.contains("/take-over"));
    assert!(!held.contains("/abandon"));
    assert!(!screen("case-form").contains("fieldset class=\"bare\" disabled"));
}

#[test]
fn waiting_pages_look_again_without_scripts() {
    assert!(screen("case-identify-waiting").contains("http-equiv=\"refresh\""));
    assert!(screen("case-consent-shown").contains("http-equiv=\"refresh\""));
    assert!(!screen("case-form").contains("http-equiv=\"refresh\""));
}

#[test]
fn text_from_outside_cannot_become_markup() {
    let mut page = super::errors::ErrorPage {
        frame: super::Bare::default(),
        problem: super::errors::Problem::NotFound,
        number: "<img src=x>".to_owned(),
        back: "/cases".to_owned(),
    };
    page.frame.hall = "<b>大厅</b>".to_owned();
    let html = askama::Template::render(&page).expect("it renders");
    assert!(!html.contains("<img") && !html.contains("<b>大厅"));
}

#[test]
fn ages_are_told_in_the_two_largest_units() {
    let zh = |seconds: u64| Lang::Zh.ago(seconds);
    assert_eq!(zh(3), "刚刚");
    assert_eq!(zh(59), "59 秒前");
    assert_eq!(zh(61), "1 分钟前");
    assert_eq!(zh(3_600), "1 小时前");
    assert_eq!(zh(8_160), "2 小时 16 分前");
    assert_eq!(zh(172_800), "2 天前");
    assert_eq!(zh(93_600), "1 天 2 小时前");
    assert_eq!(Lang::En.ago(8_160_u64), "2 h 16 min ago");
    assert_eq!(Lang::Zh.checked(180_u64), "核验于 3 分钟前");
}

#[test]
fn sizes_are_told_for_people() {
    assert_eq!(Lang::Zh.size(900_u64), "900 B");
    assert_eq!(Lang::Zh.size(2_214_331_u64), "2.1 MB");
    assert_eq!(Lang::Zh.size(1_025_u64), "2 KB");
}
