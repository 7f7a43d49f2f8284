//! 基准测试: what the product reaches in numbers, each beside a bare baseline of the same run, so that a slow or busy
//! machine shows in both. Benchmarks report and never judge: a missed target is a mark in the table, not a failure.

mod commit;
mod licences;
mod live;
mod policy;
mod rest;
mod row;
mod screens;
mod spread;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

pub use row::{Row, Target, table};

/// What is to be measured, and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder for what the benchmarks write; emptied before. It should lie on the disk of the product's data.
    pub folder: PathBuf,
    /// Where the rows are written as JSON.
    pub results: PathBuf,
    /// What is measured; nothing named means everything.
    pub only: Vec<Subject>,
    /// The most licences that are put into a cache.
    pub largest: usize,
    /// A few seconds that only show that everything runs: the figures say nothing.
    pub short: bool,
}

/// A group of rows that is measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Subject {
    /// Recording a consent, 60 windows at once.
    Commit,
    /// The licence cache: opening one of ten million.
    Licences,
    /// The offline policy: decisions a second.
    Policy,
    /// The box at rest: start and memory.
    Rest,
    /// From a hand to a screen, in a browser.
    Screens,
}

impl Options {
    fn wants(&self, subject: Subject) -> bool {
        self.only.is_empty() || self.only.contains(&subject)
    }
}

/// Measures, writes the results file and returns the rows.
///
/// # Errors
/// If something cannot be run at all.
pub async fn run(options: &Options) -> Result<Vec<Row>> {
    match fs::remove_dir_all(&options.folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    fs::create_dir_all(&options.folder).with_context(|| format!("make {}", options.folder.display()))?;
    let mut rows = Vec::new();
    if options.wants(Subject::Commit) {
        rows.extend(commit::run(&options.folder.join("commit"), options.short).await.context("commit")?);
    }
    if options.wants(Subject::Licences) {
        let (folder, largest, short) = (options.folder.join("licences"), options.largest, options.short);
        let measured = tokio::task::spawn_blocking(move || licences::run(&folder, largest, short)).await?;
        rows.extend(measured.context("licences")?);
    }
    if options.wants(Subject::Policy) {
        rows.extend(policy::run(options.short));
    }
    if options.wants(Subject::Rest) || options.wants(Subject::Screens) {
        let live = live::LiveHall::start(&options.folder.join("hall")).await?;
        let measured = in_hall(&live, options).await;
        live.stop().await;
        rows.extend(measured?);
    }
    if let Some(folder) = options.results.parent() {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    fs::write(&options.results, serde_json::to_vec_pretty(&rows)?)
        .with_context(|| format!("write {}", options.results.display()))?;
    Ok(rows)
}

async fn in_hall(live: &live::LiveHall, options: &Options) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    if options.wants(Subject::Rest) {
        rows.extend(rest::run(live, options.short).await.context("rest")?);
    }
    if options.wants(Subject::Screens) {
        let folder = options.folder.join("screens");
        rows.extend(screens::run(live, &folder, options.short).await.context("screens")?);
    }
    Ok(rows)
}

/// Processor time that this process has used so far, in steps of 10 ms.
fn processor_time() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").context("read the process's statistics")?;
    // The name in brackets may hold anything, so what follows is counted from its end.
    let fields = stat.rsplit_once(')').context("statistics of a process")?.1;
    let ticks: u64 =
        fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}
