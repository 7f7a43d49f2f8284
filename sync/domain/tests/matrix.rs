//! 核验方式矩阵: `docs/matrix.md` is what the policy says, cells that were driven in a browser came to what it promises,
//! and what that took, or that it was not done, stands below the tables.

use std::fmt::Write as _;
use std::path::PathBuf;

use hall_domain::policy::matrix::{Cell, Variant, markdown, matrix};
use hall_domain::policy::{LineState, Policy};
use hall_domain::{ApplicantKind, Tier, Way};
use serde::Deserialize;

/// Seconds that a practised typist needs for a key, and for pointing with the mouse and clicking: the keystroke-level
/// model (Card, Moran and Newell, 1980).
const KEY_S: f64 = 0.28;
const CLICK_S: f64 = 1.3;

/// One cell as it was driven: `make matrix` writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    applicant: String,
    line: String,
    way: String,
    tier: Tier,
    outcome: String,
    /// Keys that the clerk pressed from the list of cases to the form.
    keys: u32,
    /// Clicks of the clerk.
    clicks: u32,
    /// Milliseconds from the first key to the form, the citizen acting at once.
    ms: u32,
}

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

fn runs() -> Vec<Run> {
    let text = std::fs::read_to_string(docs("matrix.runs.json")).expect("read docs/matrix.runs.json");
    serde_json::from_str(&text).expect("docs/matrix.runs.json is what `make matrix` writes")
}

fn line_zh(line: LineState) -> &'static str {
    if line == LineState::Up { "在线" } else { "离线" }
}

/// The run of a cell.
fn run_of<'a>(runs: &'a [Run], cell: &Cell) -> Option<&'a Run> {
    runs.iter().find(|run| {
        run.applicant == cell.applicant.zh()
            && run.line == line_zh(cell.line)
            && run.way == cell.variant.zh()
            && run.tier == cell.tier
    })
}

#[test]
fn the_matrix_in_the_documentation_is_current() {
    let runs = runs();
    let current = format!("{}{}{}", markdown(&Policy::default()), effort(&runs), lacking(&runs));
    let path = docs("matrix.md");
    if std::env::var_os("HALL_WRITE_MATRIX").is_some() {
        std::fs::write(&path, &current).expect("write docs/matrix.md");
    }
    let kept = std::fs::read_to_string(&path).expect("read docs/matrix.md");
    assert!(kept == current, "run again with HALL_WRITE_MATRIX=1 and look at what changed in docs/matrix.md");
}

#[test]
fn every_cell_that_was_driven_in_a_browser_came_to_what_is_promised() {
    let runs = runs();
    let cells = matrix(&Policy::default());
    let mut wrong = Vec::new();
    for cell in &cells {
        if let Some(run) = run_of(&runs, cell).filter(|run| run.outcome != cell.outcome.zh()) {
            wrong.push(format!(
                "{}: {} is promised, {} was seen",
                place(cell),
                cell.outcome.zh(),
                run.outcome
            ));
        }
    }
    assert!(wrong.is_empty(), "`make matrix` drives them:\n{}", wrong.join("\n"));
    let driven = cells.iter().filter(|cell| run_of(&runs, cell).is_some()).count();
    assert_eq!(runs.len(), driven, "a run of a cell that there is not");
}

fn place(cell: &Cell) -> String {
    let (applicant, line) = (cell.applicant.zh(), line_zh(cell.line));
    format!("{applicant}，{line}：{} {:?}", cell.variant.zh(), cell.tier)
}

#[test]
fn the_matrix_covers_every_way_for_everybody_on_both_lines_at_every_tier() {
    let cells = matrix(&Policy::default());
    assert_eq!(cells.len(), (11 + 14) * 2 * 4);
    for way in Way::ALL {
        assert!(cells.iter().any(|cell| cell.variant.way() == way), "{way:?}");
    }
    for cell in cells {
        assert!(cell.sentence.ends_with('。'), "{cell:?}");
        assert_ne!(cell.sentence, "", "{cell:?}");
    }
}

/// 多少键、多少秒: what each way takes of a clerk, the median of its tiers.
fn effort(runs: &[Run]) -> String {
    let mut text = format!(
        "\n## 熟练的窗口人员要按多少键、多少时间\n\n\
         `make matrix` drives the cells above in Chromium, with clerk's page, evaluator and phone, and holds what the desk \
         said, what the box recorded and what the centre read against them. From the list of cases (按 F9) to the \
         form filled from licences; what an item asks for besides is the same in every way. 键 and 击 are the clerk's \
         own, a scanner's not. 秒 is the median over the tiers: *系统* is measured, on two cores, the citizen acting at \
         once (a face check, a phone that signs in and scans are in it); *人工* adds {KEY_S} s for a key and {CLICK_S} s \
         for a click (keystroke-level model).\n\n\
         | 申请人 | 方式 | 在线：键 | 击 | 系统 | 人工 | 离线：键 | 击 | 系统 | 人工 |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n"
    );
    for applicant in [ApplicantKind::Person, ApplicantKind::Organisation] {
        for variant in Variant::ALL.into_iter().filter(|variant| variant.is_for(applicant)) {
            let _ = write!(text, "| {} | {} |", applicant.zh(), variant.zh());
            for line in ["在线", "离线"] {
                let mine = |run: &&Run| {
                    run.applicant == applicant.zh() && run.way == variant.zh() && run.line == line
                };
                let mine: Vec<&Run> = runs.iter().filter(mine).collect();
                text.push_str(&columns(&mine));
            }
            text.push('\n');
        }
    }
    text
}

/// What nobody has driven yet, row by row; nothing once all has been.
fn lacking(runs: &[Run]) -> String {
    let mut rows: Vec<(String, Vec<Tier>)> = Vec::new();
    for cell in matrix(&Policy::default()).iter().filter(|cell| run_of(runs, cell).is_none()) {
        let row = format!("{}，{}：{}", cell.applicant.zh(), line_zh(cell.line), cell.variant.zh());
        match rows.last_mut() {
            Some((known, tiers)) if *known == row => tiers.push(cell.tier),
            _ => rows.push((row, vec![cell.tier])),
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let mut text = "\n## 还没有在浏览器里走过的\n\n".to_owned();
    for (row, tiers) in rows {
        let tiers: Vec<String> = tiers.iter().map(|tier| format!("{tier:?}")).collect();
        let _ = writeln!(text, "- {row} {}", tiers.join("、"));
    }
    text
}

fn columns(runs: &[&Run]) -> String {
    // A way that ends at the desk's refusal has no form to get to.
    let served: Vec<&&Run> = runs.iter().filter(|run| run.outcome != "不能办理").collect();
    if served.is_empty() {
        return " – | – | – | – |".to_owned();
    }
    let (keys, clicks) = (median(&served, |run| run.keys), median(&served, |run| run.clicks));
    let seconds = f64::from(median(&served, |run| run.ms)) / 1_000.0;
    let hands = seconds + f64::from(keys) * KEY_S + f64::from(clicks) * CLICK_S;
    format!(" {keys} | {clicks} | {seconds:.1} | {hands:.1} |")
}

/// The lower median.
fn median(runs: &[&&Run], of: impl Fn(&Run) -> u32) -> u32 {
    let mut values: Vec<u32> = runs.iter().map(|run| of(run)).collect();
    values.sort_unstable();
    values[(values.len() - 1) / 2]
}

#[test]
fn the_table_of_effort_is_the_median_of_what_ran() {
    let run = |tier, keys, ms| Run {
        applicant: "个人".to_owned(),
        line: "离线".to_owned(),
        way: Variant::CardCached.zh().to_owned(),
        tier,
        outcome: "受理".to_owned(),
        keys,
        clicks: 1,
        ms,
    };
    let runs = [run(Tier::T0, 10, 4_000), run(Tier::T1, 12, 2_000), run(Tier::T2, 20, 9_000)];
    let text = effort(&runs);
    let row = "| 个人 | 实体身份证，证照在本厅缓存 | – | – | – | – | 12 | 1 | 4.0 | 8.7 |";
    assert!(text.contains(row), "{text}");
}
