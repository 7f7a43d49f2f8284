//! 用证授权 recorded: sixty windows that each ask and agree in turn and wait for each to be on the disk, against the
//! same storage without a ledger. The contenders take turns, so that a busy moment of the machine meets all of them.

mod bare;
mod hall;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::future::join_all;

use super::processor_time;
use super::spread::{Spread, median};
use super::{Row, Target};
use bare::{ByHand, Chained, ThroughWriter};
use hall::OpenCases;

const WINDOWS: usize = 60;
const WRITER: &str = "hall-sqlite, one plain insert of equal size";
const CHAINED: &str = "hall-sqlite, one entry of equal size signed and chained, nothing else";
const BY_HAND: &str = "rusqlite by hand, group commit, one plain insert of equal size";

/// How long is measured.
struct Effort {
    /// Rounds that count; one more goes before them, to warm up.
    rounds: usize,
    round: Duration,
}

/// What one contender did in one round.
struct Round {
    rate: f64,
    /// Microseconds of processor time for each commit, of all threads.
    cpu: f64,
    spread: Spread,
}

/// Measures.
///
/// # Errors
/// If a contender cannot be set up, or a commit fails.
pub async fn run(folder: &Path, short: bool) -> Result<Vec<Row>> {
    let effort = match short {
        true => Effort { rounds: 1, round: Duration::from_millis(200) },
        false => Effort { rounds: 9, round: Duration::from_millis(1_500) },
    };
    std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let hall = OpenCases::set_up(&folder.join("box"), WINDOWS).await?;
    let (row, body) = hall.bytes_of_entry().await?;
    let writer = ThroughWriter::open(&folder.join("bare.db"), row)?;
    let chained = Chained::open(&folder.join("chained.db"), body)?;
    let by_hand = ByHand::open(&folder.join("hand.db"), row)?;

    let [mut ours, mut bare, mut signed, mut hand] = [const { Vec::new() }; 4];
    for round in 0..=effort.rounds {
        let measured = [
            closed_loop(effort.round, |window| hall.consent(window)).await?,
            closed_loop(effort.round, |_| writer.insert()).await?,
            closed_loop(effort.round, |_| chained.append()).await?,
            closed_loop(effort.round, |_| by_hand.insert()).await?,
        ];
        if round > 0 {
            for (round, of) in measured.into_iter().zip([&mut ours, &mut bare, &mut signed, &mut hand]) {
                of.push(round);
            }
        }
    }
    hall.check().await?;
    let runs = effort.rounds;
    let rate = |rounds: &[Round]| median(rounds.iter().map(|round| round.rate));
    let cpu = |rounds: &[Round]| median(rounds.iter().map(|round| round.cpu));
    let ms = |rounds: &[Round], part: f64| median(rounds.iter().map(|round| round.spread.ms(part)));
    let part = |of: &[Round]| median(ours.iter().zip(of).map(|(ours, of)| ours.rate / of.rate));
    let name = |what: &str| format!("consent commit, {WINDOWS} windows: {what}");
    Ok(vec![
        Row::new(name("rate"), rate(&ours), "entries/s", runs)
            .beside(WRITER, rate(&bare))
            .target(Target::AtLeast(15_000.0)),
        Row::new(name("part of the signed rate, round by round"), part(&signed), "", runs)
            .target(Target::AtLeast(0.8)),
        Row::new(name("part of the bare rate, round by round"), part(&bare), "", runs),
        Row::new(name("rate beside signing"), rate(&ours), "entries/s", runs).beside(CHAINED, rate(&signed)),
        Row::new(name("CPU beside signing"), cpu(&ours), "µs/entry", runs).beside(CHAINED, cpu(&signed)),
        Row::new(name("rate beside handwork"), rate(&ours), "entries/s", runs).beside(BY_HAND, rate(&hand)),
        Row::new(name("CPU"), cpu(&ours), "µs/entry", runs).beside(WRITER, cpu(&bare)),
        Row::new(name("p50"), ms(&ours, 0.5), "ms", runs).beside(WRITER, ms(&bare, 0.5)),
        Row::new(name("p99"), ms(&ours, 0.99), "ms", runs)
            .beside(WRITER, ms(&bare, 0.99))
            .target(Target::AtMost(20.0)),
    ])
}

/// Each window commits again and again for so long, waiting for each commit.
async fn closed_loop<F, C>(round: Duration, commit: F) -> Result<Round>
where
    F: Fn(usize) -> C,
    C: Future<Output = Result<()>>,
{
    let (begun, cpu) = (Instant::now(), processor_time()?);
    let windows = (0..WINDOWS).map(|window| {
        let commit = &commit;
        async move {
            let mut took = Vec::new();
            while begun.elapsed() < round {
                let asked = Instant::now();
                commit(window).await?;
                took.push(asked.elapsed());
            }
            Ok::<_, anyhow::Error>(took)
        }
    });
    let took: Vec<Vec<Duration>> = join_all(windows).await.into_iter().collect::<Result<_>>()?;
    let spread = Spread::new(took.into_iter().flatten().collect());
    let count = spread.count() as f64;
    let cpu = (processor_time()? - cpu).as_secs_f64() * 1_000_000.0 / count;
    Ok(Round { rate: count / begun.elapsed().as_secs_f64(), cpu, spread })
}
