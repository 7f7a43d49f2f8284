//! Sample screens: every page in every state it was designed for, with the cast of the stories.
//!
//! The tests render them all; they are also what one looks at when the look of a page changes.

mod case;
mod desks;
mod papers;
mod steps;

use crate::web::pages::Lang;
use crate::web::pages::frame::{Bare, Clock, Desk, Frame, Line, LineState, RailEntry, WindowOption};
use askama::Template;

/// Every designed screen: its name and its HTML.
pub fn all(lang: Lang) -> Vec<(String, String)> {
    let mut screens = desks::screens(lang);
    screens.extend(papers::screens(lang));
    screens.extend(case::screens(lang));
    screens
}

fn screen(name: &str, page: &impl Template) -> (String, String) {
    (name.to_owned(), page.render().expect("a sample renders"))
}

fn bare(lang: Lang) -> Bare {
    Bare {
        lang,
        csrf: "c7f3a1".to_owned(),
        assets: "preview".to_owned(),
        hall: "示例县政务服务大厅".to_owned(),
    }
}

fn frame(lang: Lang, here: Desk, line: Line) -> Frame {
    let down = line == Line::Down;
    Frame {
        lang,
        csrf: "c7f3a1".to_owned(),
        assets: "preview".to_owned(),
        hall: "示例县政务服务大厅".to_owned(),
        serves: true,
        windows: vec![
            window("W01", "1 号窗口 综合受理", None, true),
            window("W02", "2 号窗口 综合受理", Some("赵敏"), false),
            window("W03", "3 号窗口 企业开办", None, false),
        ],
        clerk: "李强".to_owned(),
        session_left_ms: 36_000_000,
        line: LineState {
            line,
            since: if down { "13:20" } else { "08:02" }.to_owned(),
            knowledge_age_s: Some(if down { 8_160 } else { 42 }),
            stale: down,
        },
        clock: Clock { hm: "15:36:08".to_owned(), epoch_ms: 1_795_246_568_000, doubtful: false },
        here,
        rail: vec![
            RailEntry { desk: Desk::Cases, count: 3, urgent: false },
            RailEntry { desk: Desk::Findings, count: 2, urgent: true },
            RailEntry { desk: Desk::Devices, count: u32::from(down), urgent: false },
            RailEntry { desk: Desk::Sync, count: if down { 47 } else { 0 }, urgent: false },
        ],
        search: String::new(),
        path: here.path().to_owned(),
        follow: String::new(),
        notice: None,
        alarms: Vec::new(),
    }
}

fn window(id: &str, label: &str, taken_by: Option<&str>, chosen: bool) -> WindowOption {
    WindowOption { id: id.to_owned(), label: label.to_owned(), taken_by: taken_by.map(str::to_owned), chosen }
}
