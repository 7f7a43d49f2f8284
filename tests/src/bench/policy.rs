//! 离线策略: how many cases a second it decides, over everything that can stand in a cell of the matrix.

use std::hint::black_box;
use std::time::Instant;

use hall_domain::policy::matrix::Variant;
use hall_domain::policy::{LineState, Policy, Situation, judge, outcome};
use hall_domain::{ApplicantKind, Tier};

use super::Row;
use super::spread::median;

/// Measures: the outcome alone, and the outcome with its sentence and what would raise it, as the desk asks for it.
pub fn run(short: bool) -> Vec<Row> {
    let policy = Policy::standard();
    let cells = cells();
    let rounds = if short { 1 } else { 9 };
    let rate = |decide: &dyn Fn(&Situation), times: usize| {
        let begun = Instant::now();
        for _ in 0..times {
            cells.iter().for_each(decide);
        }
        (times * cells.len()) as f64 / begun.elapsed().as_secs_f64()
    };
    let (bare, told) = if short { (10, 1) } else { (20_000, 200) };
    let (alone, whole): (Vec<_>, Vec<_>) = (0..rounds)
        .map(|_| {
            let alone = rate(&|cell| _ = black_box(outcome(policy, black_box(cell))), bare);
            (alone, rate(&|cell| _ = black_box(judge(policy, black_box(cell))), told))
        })
        .unzip();
    let (alone, whole) = (median(alone), median(whole));
    vec![
        Row::new("policy decision: outcome", alone, "decisions/s", rounds),
        Row::new("policy decision: with its sentence and advice", whole, "decisions/s", rounds)
            .beside("the outcome alone", alone),
    ]
}

/// The situation of every cell of `docs/matrix.md`.
fn cells() -> Vec<Situation> {
    let mut cells = Vec::new();
    for applicant in [ApplicantKind::Person, ApplicantKind::Organisation] {
        for line in [LineState::Up, LineState::Down { hours: 2 }] {
            for variant in Variant::ALL.into_iter().filter(|variant| variant.is_for(applicant)) {
                cells.extend(Tier::ALL.map(|tier| variant.at_best(applicant, line, tier)));
            }
        }
    }
    cells
}
