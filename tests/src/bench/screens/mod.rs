//! From a hand to a screen: card, authorisation page and consent in two real browser pages, each beside what the
//! wires below need in the same minute.

mod browser;
mod bus;
mod reader;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::live::LiveHall;
use super::spread::Spread;
use super::{Row, Target};
use browser::Browser;
use bus::BareBus;
use reader::BareReader;

const BUS: &str = "bare broker round trip through the door, same payload size";
const LINE: &str = "find, select and read on a bare SAM_V line";
/// Round trips beside each case.
const TRIPS: usize = 10;

/// Measures.
///
/// # Errors
/// If the browser cannot be driven, or the hall does not do its job.
pub async fn run(live: &LiveHall, folder: &Path, short: bool) -> Result<Vec<Row>> {
    let rounds = if short { 1 } else { 30 };
    let card = live.hall.cast().card(browser::CARD).context("the cast has the card")?.clone();
    let reader = BareReader::start(folder.join("reader"), card).await?;
    let bus = BareBus::start(&folder.join("bus")).await.context("a bare bus")?;
    let mut browser = Browser::open(&live.endpoints).await?;
    // The first case warms pages, caches and connections.
    let first = browser.case().await?;
    let mut seen = Seen::default();
    for _ in 0..rounds {
        let case = browser.case().await?;
        seen.person.push(ms(case.card_to_person));
        seen.list.push(ms(case.confirm_to_list));
        seen.whole.push(ms(case.card_to_person) + ms(case.confirm_to_list));
        seen.push.push(ms(case.push_to_painted));
        seen.agree.push(ms(case.agree_to_screen));
        seen.line.push(reader.read().await?);
        for _ in 0..TRIPS {
            seen.show.push(bus.round_trip(first.show_bytes).await?);
            seen.answer.push(bus.round_trip(first.answer_bytes).await?);
        }
    }
    browser.close().await?;
    bus.stop().await;
    Ok(seen.rows(rounds))
}

#[derive(Default)]
struct Seen {
    person: Vec<Duration>,
    list: Vec<Duration>,
    whole: Vec<Duration>,
    push: Vec<Duration>,
    agree: Vec<Duration>,
    line: Vec<Duration>,
    show: Vec<Duration>,
    answer: Vec<Duration>,
}

impl Seen {
    fn rows(self, runs: usize) -> Vec<Row> {
        let line = Spread::new(self.line);
        let (show, answer) = (Spread::new(self.show), Spread::new(self.answer));
        let mut rows = Vec::new();
        let mut both = |name: &str,
                        seen: Vec<Duration>,
                        beside: Option<(&'static str, &Spread)>,
                        target: Option<f64>| {
            let seen = Spread::new(seen);
            for (part, word) in [(0.5, "p50"), (0.99, "p99")] {
                let mut row = Row::new(format!("{name}: {word}"), seen.ms(part), "ms", runs);
                if let Some((what, baseline)) = beside {
                    row = row.beside(what, baseline.ms(part));
                }
                if let (Some(bound), true) = (target, word == "p99") {
                    row = row.target(Target::AtMost(bound));
                }
                rows.push(row);
            }
        };
        both("card placed to person on the clerk's screen", self.person, Some((LINE, &line)), None);
        both("人证一致 to list on the clerk's screen", self.list, None, Some(100.0));
        both("card placed to list, 人证一致 pressed at once", self.whole, Some((LINE, &line)), None);
        both("push to evaluator painted", self.push, Some((BUS, &show)), Some(100.0));
        both("confirm to clerk's screen", self.agree, Some((BUS, &answer)), Some(100.0));
        rows
    }
}

fn ms(figure: f64) -> Duration {
    Duration::from_secs_f64(figure.max(0.0) / 1_000.0)
}
