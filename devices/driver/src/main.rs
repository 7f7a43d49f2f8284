//! Command line of the driver at the window.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use hall_bus::DeviceKind;
use hall_driver::store::{Credentials, Paired, Settings, StoreError};
use hall_driver::{DataDir, Ended, pairing, run};
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
        #[arg(long, value_name = "PATH")]
        port: PathBuf,
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
    },
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
        Command::Pair { data, box_url, ca, port, kind, baud } => {
            let baud = baud.unwrap_or_else(|| kind.usual_baud());
            pair(&DataDir::new(data), box_url, ca, Settings { port, baud }, kind).await
        }
        Command::Run { data } => drive(&DataDir::new(data)).await,
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
    let paired = pairing::pair(&box_url, &ca_pem, &key, kind.device(), |shown| {
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

async fn drive(data: &DataDir) -> anyhow::Result<()> {
    match run(data, stop_signal()?, || println!("ready")).await? {
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
    let Settings { port, baud } = &paired.settings;
    let present = if port.exists() { "present" } else { "not there" };
    println!("device   {}", paired.credentials.grant.device);
    println!("box      {} ({})", paired.credentials.box_url, paired.credentials.grant.mqtt.url);
    println!("port     {} at {baud} baud, {present}", port.display());
    println!("running  {running}");
    println!("answers  {} signed, {} connections", counters.answer, counters.bseq);
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
