//! `hall-centre`: the reference provincial centre as a program.

use anyhow::Context;
use clap::{Parser, Subcommand};
use hall_centre::{Centre, InitOptions, RunOptions, Switch};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
#[command(name = "hall-centre", version, about = "省级中心参考实现: the centre that hall boxes sync with")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a new centre: keys, certificate authority, database, catalogue and register.
    Init {
        /// Folder of the centre. Must not hold one yet.
        #[arg(long)]
        data: PathBuf,
        /// Catalogue of items and licence kinds, a TOML file or a folder of them. Default: the one built in.
        #[arg(long)]
        catalogue: Option<PathBuf>,
        /// Folder with the register to load: people, organisations and their licences.
        #[arg(long)]
        cast: Option<PathBuf>,
    },
    /// Say that the folder was restored from a backup, once, before the next `run`: boxes send again what it lacks.
    Restored {
        /// Folder of the centre.
        #[arg(long)]
        data: PathBuf,
    },
    /// Make the next signing key and tell the halls of it, in time before it signs. May be done while the centre runs.
    Rotate {
        /// Folder of the centre.
        #[arg(long)]
        data: PathBuf,
        /// The key signs after so many days. Halls that have no line for longer learn of it when they are back.
        #[arg(long, default_value_t = hall_centre::ANNOUNCE_DAYS, conflicts_with = "now")]
        announce_days: u32,
        /// At once: for drills, or when a key was stolen. A key that is announced already is taken.
        #[arg(long)]
        now: bool,
        /// The root's key instead: first announces the next one, then (with --now) drops the old one.
        #[arg(long, conflicts_with = "announce_days")]
        root: bool,
    },
    /// Serve boxes, operators and citizens until SIGTERM or Ctrl-C.
    Run {
        /// Folder of the centre, made by `init`.
        #[arg(long)]
        data: PathBuf,
        /// Address for boxes (HTTPS).
        #[arg(long, default_value = "127.0.0.1:9443")]
        listen: SocketAddr,
        /// Address for operators (HTTP with a token; keep it on loopback).
        #[arg(long, default_value = "127.0.0.1:9444")]
        admin: SocketAddr,
        /// Address for citizens' phones (HTTPS).
        #[arg(long, default_value = "127.0.0.1:9445")]
        citizen: SocketAddr,
        /// Where text messages go: an HTTP address on this machine that shows them. Without it they are only kept;
        /// this centre never sends a real one.
        #[arg(long)]
        messages: Option<String>,
        /// Further names or addresses that boxes reach this centre under, for its certificate.
        #[arg(long = "name")]
        names: Vec<String>,
    },
}

fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("HALL_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info")),
        )
        .init();
    let cli = Cli::parse();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    runtime.block_on(async {
        match cli.command {
            Command::Init { data, catalogue, cast } => {
                let summary = hall_centre::init(InitOptions { data, catalogue, cast }).await?;
                println!("{summary}");
                Ok(())
            }
            Command::Restored { data } => {
                println!("纪元 {}", hall_centre::restored(&data).await?);
                Ok(())
            }
            Command::Rotate { data, now, root: true, .. } => {
                hall_centre::rotate_root(&data, now)?;
                println!("{}", if now { "根密钥已更换。" } else { "下一把根密钥已公布。" });
                Ok(())
            }
            Command::Rotate { data, announce_days, now, root: false } => {
                let switch = if now { Switch::Now } else { Switch::Announced(announce_days) };
                let from = hall_centre::rotate(&data, switch)?;
                println!("下一把签名密钥自 {} 起启用。", from.to_display());
                Ok(())
            }
            Command::Run { data, listen, admin, citizen, messages, names } => {
                let stop = CancellationToken::new();
                stop_on_signal(stop.clone())?;
                let centre =
                    Centre::start(RunOptions { data, listen, admin, citizen, messages, names }, stop).await?;
                println!(
                    "ready {} {} {}",
                    centre.link_address(),
                    centre.admin_address(),
                    centre.citizen_address()
                );
                centre.finished().await
            }
        }
    })
}

fn stop_on_signal(stop: CancellationToken) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    });
    Ok(())
}
