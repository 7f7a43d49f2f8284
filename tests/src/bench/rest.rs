//! The box at rest: how soon it is ready, and how much memory it takes once it knows everything that the centre has
//! for its hall.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, OpenFlags};
use tokio::time::sleep;

use super::live::LiveHall;
use super::spread::median;
use super::{Row, Target};

const LEARNS: Duration = Duration::from_secs(30);
/// A box whose cache has not grown for so long has everything.
const QUIET: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Measures.
///
/// # Errors
/// If the box does not start, or its memory cannot be read.
pub async fn run(live: &LiveHall, short: bool) -> Result<Vec<Row>> {
    let runs = if short { 1 } else { 5 };
    let (mut ready, mut of_box, mut of_broker) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let mut hall_box = live.hall.hall_box().write().await;
        hall_box.stop().await;
        let begun = Instant::now();
        hall_box.start().await?;
        ready.push(begun.elapsed().as_secs_f64());
        settled(&hall_box.data().join("box.db")).await?;
        let pid = hall_box.part().context("the box runs")?.pid();
        of_box.push(resident_mb(pid)?);
        of_broker.push(resident_mb(hall_box.broker().context("the broker runs")?)?);
    }
    let (of_box, of_broker) = (median(of_box), median(of_broker));
    let build = if cfg!(debug_assertions) { ", debug build" } else { "" };
    Ok(vec![
        Row::new(format!("box: start to ready{build}"), median(ready), "s", runs).target(Target::AtMost(2.0)),
        Row::new(format!("box at rest, register cached: hallbox resident{build}"), of_box, "MB", runs),
        Row::new("box at rest: broker resident", of_broker, "MB", runs),
        Row::new(format!("box at rest: resident together{build}"), of_box + of_broker, "MB", runs)
            .target(Target::AtMost(60.0)),
    ])
}

/// Waits until licences are cached and no more come.
async fn settled(database: &Path) -> Result<()> {
    let deadline = Instant::now() + LEARNS;
    let (mut last, mut since) = (0, Instant::now());
    loop {
        let now = cached(database)?;
        if now != last {
            (last, since) = (now, Instant::now());
        }
        if last > 0 && since.elapsed() > QUIET {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("the box cached {last} licences and did not come to rest");
        }
        sleep(LOOK_AGAIN).await;
    }
}

fn cached(database: &Path) -> Result<i64> {
    let db = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok(db.query_row("SELECT count(*) FROM licence", [], |row| row.get(0))?)
}

/// `VmRSS` in units of 1,000,000 bytes.
fn resident_mb(pid: i32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("read a process's status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a process has memory")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse().context("VmRSS in kB")?;
    Ok(kib * 1024.0 / 1_000_000.0)
}
