//! `hallbox device check`: acts as a box for one device of another maker and drives it through the cases of
//! `docs/protocol/devices.md`. Its broker and its door are the box's own; it has no hall, no case and no person.

mod cases;
mod host;
mod pages;
mod report;
mod trouble;
mod wire;

use crate::clock::Clock;
use anyhow::{Context, Result};
use cases::Check;
use hall_bus::PairingCode;
use hall_bus::acceptance::{DeviceRecord, Standing};
use host::Host;
use report::Report;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::oneshot;
use wire::Wire;

/// What a technician says before a check.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the keys of the check stay, so that a device that pins its CA goes on trusting it.
    pub data: PathBuf,
    /// Where the device connects.
    pub listen: SocketAddr,
    /// Names and addresses that its certificate is for.
    pub names: Vec<String>,
    /// How long somebody may take at the device, in each case.
    pub patience: Duration,
}

/// Checks one evaluator. True if it passed everything.
pub async fn run(options: &Options) -> Result<bool> {
    let mut host = Host::start(&options.data, options.listen, &options.names).await?;
    println!("ready {}", host.url());
    println!("请让设备信任 {}，并连接上面的地址。", host.ca().display());
    let report = examine(&mut host, options.patience).await;
    host.stop().await;
    let report = report?;
    print!("{report}");
    Ok(report.passed())
}

async fn examine(host: &mut Host, patience: Duration) -> Result<Report> {
    let mut report = Report::default();
    let refused = host.until_begun().await;
    report.note("3", "配对请求由所报的密钥签名，格式正确", refused);
    println!("设备已发来配对请求。请输入设备屏幕上的配对码和密钥指纹，中间空一格：");
    let (code, print) = typed().await?;
    let shown = host.fingerprint();
    let known = code.parse::<PairingCode>().is_ok_and(|code| host.is_code(code));
    report.note("3", "设备显示收到的配对码", yes(known, "显示的不是它收到的配对码"));
    let told = yes(print == shown, &format!("显示 {print}，密钥的指纹是 {shown}"));
    report.note("3", "设备显示自己密钥的指纹", told);

    let wire = Wire::connect(&host.broker).await?;
    let (device, key) = host.bind()?;
    let record = DeviceRecord {
        id: device,
        standing: Standing::Active,
        keys: BTreeMap::from([(1, key)]),
        counter: 0,
        bind_epoch: 1,
    };
    let mut check = Check::new(host, wire, record, Clock::start(), patience);
    let born = check.born().await;
    report.note("5", "每次订阅之后发上线消息，保留", born);
    if check.birth.is_none() {
        report.note("1", "其余各项", Err("设备没有上线，无法检查".to_owned()));
        return Ok(report);
    }
    check.pages(&mut report).await;
    check.troubles(&mut report).await;
    check.answers(&mut report);
    report.note("3", "收到 unpair 后忘掉凭据和密钥，重新配对", check.unpair().await);
    Ok(report)
}

/// The two words that the technician reads off the device.
async fn typed() -> Result<(String, String)> {
    let (told, line) = oneshot::channel();
    // A thread of its own: nobody can call a reading of the keyboard off.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line);
        // Who asked may be gone.
        let _ = told.send(read.map(|_| line));
    });
    let line = line.await.context("read the keyboard")?.context("read the keyboard")?;
    let (code, print) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    Ok((code.to_owned(), print.trim().to_ascii_uppercase()))
}

fn yes(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
