//! Command line of the driver at the window.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use hall_bus::DeviceKind;
use hall_driver::store::{CardProfile, Credentials, Paired, Settings, StoreError};
use hall_driver::{DataDir, Ended, Readers, pairing, run};
use hall_readers::pcsc::{NamePattern, readers};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Driver of the hall box for a card reader or a scanner (窗口读卡器、扫码器驱动).
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Pair the reader or scanner at this terminal with a box: prints a code and waits until a technician types it (配对)
    Pair {
        /// Folder of this driver; one for each device
        #[arg(long)]
        data: PathBuf,
        /// Address of the box, https://host:port
        #[arg(long = "box", value_name = "URL")]
        box_url: String,
        /// CA certificate of the box (PEM)
        #[arg(long, value_name = "FILE")]
        ca: PathBuf,
        /// Its port, preferably /dev/serial/by-path/…
        #[arg(long, value_name = "PATH", required_unless_present = "pcsc")]
        port: Option<PathBuf>,
        /// Instead of a port: its name in the terminal's smart card service, as `hall-driver readers` prints it; `*` stands for
        /// any characters
        #[arg(long, value_name = "NAME", conflicts_with_all = ["port", "baud"], requires = "profile")]
        pcsc: Option<NamePattern>,
        /// What may be read with a reader in the smart card service; may be given more than once
        #[arg(long, value_enum, requires = "pcsc")]
        profile: Vec<CardProfile>,
        /// What is at the port
        #[arg(long, value_enum, default_value_t)]
        kind: Kind,
        /// Line speed; 115200 for a reader and 9600 for a scanner unless told otherwise
        #[arg(long)]
        baud: Option<u32>,
    },
    /// Drive the device until stopped; prints "ready" when the box is connected first (运行)
    Run {
        /// Folder of this driver
        #[arg(long)]
        data: PathBuf,
        /// Use a reader in the smart card service even if a program plays it; for demonstrations, never in a hall
        #[arg(long)]
        allow_virtual: bool,
    },
    /// Print the names of the readers in this terminal's smart card service (PC/SC 读卡器)
    Readers,
    /// Tell what is paired here and whether it runs (状态)
    Status {
        /// Folder of this driver
        #[arg(long)]
        data: PathBuf,
    },
}

/// What stands at the window.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Kind {
    /// 读卡器
    #[default]
    Reader,
    /// 扫码器 on a serial port (USB-CDC or RS-232)
    Scanner,
}

impl Kind {
    fn device(self) -> DeviceKind {
        match self {
            Self::Reader => DeviceKind::CardReader,
            Self::Scanner => DeviceKind::Scanner,
        }
    }

    /// How such a device leaves the factory.
    fn usual_baud(self) -> u32 {
        match self {
            Self::Reader => Settings::usual_baud(),
            Self::Scanner => 9_600,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("HALL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = match Arguments::parse().command {
        Command::Pair { data, box_url, ca, port, pcsc, profile, kind, baud } => {
            match settings(kind, port, baud, pcsc, profile) {
                Ok(settings) => pair(&DataDir::new(data), box_url, ca, settings, kind).await,
                Err(error) => Err(error),
            }
        }
        Command::Run { data, allow_virtual } => {
            let readers = if allow_virtual { Readers::VirtualToo } else { Readers::RealOnly };
            drive(&DataDir::new(data), readers).await
        }
        Command::Readers => list(),
        Command::Status { data } => status(&DataDir::new(data)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hall-driver: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What the technician has decided.
fn settings(
    kind: Kind,
    port: Option<PathBuf>,
    baud: Option<u32>,
    pcsc: Option<NamePattern>,
    profiles: Vec<CardProfile>,
) -> anyhow::Result<Settings> {
    match (port, pcsc) {
        (Some(port), None) => Ok(Settings::Serial { port, baud: baud.unwrap_or_else(|| kind.usual_baud()) }),
        (None, Some(reader)) => match kind {
            Kind::Reader => Ok(Settings::Pcsc { reader, profiles }),
            Kind::Scanner => bail!("a scanner has a serial port; give --port"),
        },
        _ => bail!("give --port or --pcsc"),
    }
}

async fn pair(
    data: &DataDir,
    box_url: String,
    ca: PathBuf,
    settings: Settings,
    kind: Kind,
) -> anyhow::Result<()> {
    let ca_pem = std::fs::read_to_string(&ca).with_context(|| format!("cannot read {}", ca.display()))?;
    data.create()?;
    let _lock = data.lock()?;
    let key = pairing::new_key()?;
    let stop = stop_signal()?;
    let model = pairing::model(kind.device(), &settings);
    let paired = pairing::pair(&box_url, &ca_pem, &key, kind.device(), model, |shown| {
        println!("code {}", shown.code);
        println!("fingerprint {}", shown.fingerprint);
        let minutes = shown.lives.as_secs() / 60;
        eprintln!("请运维人员在 {minutes} 分钟内登录大厅一体机，在“设备”页面输入配对码 {}，", shown.code);
        eprintln!("核对指纹 {} 后选择窗口。", shown.fingerprint);
    });
    let grant = tokio::select! {
        grant = paired => grant?,
        () = stop.cancelled() => bail!("stopped before the pairing was complete"),
    };
    let ca = grant.ca.clone().unwrap_or(ca_pem);
    let device = grant.device.clone();
    data.save(&Paired { settings, credentials: Credentials { grant, ca, box_url }, key })?;
    println!("paired {device}");
    Ok(())
}

async fn drive(data: &DataDir, readers: Readers) -> anyhow::Result<()> {
    match run(data, readers, stop_signal()?, || println!("ready")).await? {
        Ended::Stopped => Ok(()),
        Ended::Unpaired => bail!("the box has ended the pairing; run `hall-driver pair` again"),
    }
}

fn status(data: &DataDir) -> anyhow::Result<()> {
    let paired = data.load()?;
    let running = match data.lock() {
        Ok(_) => "no",
        Err(StoreError::InUse { .. }) => "yes",
        Err(error) => return Err(error.into()),
    };
    let counters = data.counters()?;
    println!("device   {}", paired.credentials.grant.device);
    println!("box      {} ({})", paired.credentials.box_url, paired.credentials.grant.mqtt.url);
    match &paired.settings {
        Settings::Serial { port, baud } => {
            let present = if port.exists() { "present" } else { "not there" };
            println!("port     {} at {baud} baud, {present}", port.display());
        }
        Settings::Pcsc { reader, .. } => {
            let present = match readers() {
                Ok(names) => match names.iter().filter(|name| reader.fits(name)).count() {
                    0 => "not there".to_owned(),
                    1 => "present".to_owned(),
                    many => format!("not used: {many} readers fit this name"),
                },
                Err(_) => "the smart card service is not running".to_owned(),
            };
            println!("reader   {reader}, {present}");
        }
    }
    println!("running  {running}");
    println!("answers  {} signed, {} connections", counters.answer, counters.bseq);
    Ok(())
}

fn list() -> anyhow::Result<()> {
    let names = readers().context("cannot list the readers")?;
    if names.is_empty() {
        eprintln!("没有读卡器。请检查连接线，再运行一次。");
    }
    for name in names {
        println!("{name}");
    }
    Ok(())
}

/// Fires on Ctrl-C and on the stop of a service manager.
fn stop_signal() -> anyhow::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    let stop = CancellationToken::new();
    let fired = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        fired.cancel();
    });
    Ok(stop)
}
