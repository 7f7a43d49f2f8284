//! The hall box as a command.

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use hall_domain::case::WindowId;
use hallbox::admin::{self, Answer, Command};
use hallbox::clock::Clock;
use hallbox::devices::check;
use hallbox::setup::DataDir;
use hallbox::{enrol, run, setup};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
#[command(name = "hallbox", version, about = "政务服务大厅免证办一体机")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// 初始化：按配置文件建立窗口、账号和地址
    Setup {
        #[arg(long)]
        data: PathBuf,
        /// hall.toml
        #[arg(long)]
        file: PathBuf,
    },
    /// 入网：用省级中心发放的入网码登记本机
    Enrol {
        #[arg(long)]
        data: PathBuf,
        /// https://主机:端口
        #[arg(long)]
        centre: String,
        /// 中心 CA 证书文件
        #[arg(long)]
        ca: PathBuf,
        #[arg(long)]
        code: String,
    },
    /// 运行
    Run {
        #[arg(long)]
        data: PathBuf,
    },
    /// 绑定设备：输入设备屏幕上的配对码
    Pair {
        #[arg(long)]
        data: PathBuf,
        code: String,
        #[arg(long)]
        window: WindowId,
    },
    /// 公告：显示在各评价器的空闲页上，留空为撤下
    Notice {
        #[arg(long)]
        data: PathBuf,
        #[arg(default_value = "")]
        text: String,
    },
    /// 设备厂商用：检查设备
    Device {
        #[command(subcommand)]
        task: DeviceTask,
    },
    /// 导出一件办件的授权记录、包含证明和中心回执
    Export {
        #[arg(long)]
        data: PathBuf,
        /// 办件编号
        #[arg(long)]
        case: String,
        #[arg(long)]
        out: PathBuf,
    },
    /// 核对账本：签名、次序、回执，以及每件办件是否与账本一致
    Verify {
        #[arg(long)]
        data: PathBuf,
    },
    /// 查看线路状态
    Health {
        #[arg(long)]
        data: PathBuf,
    },
}

#[derive(Subcommand)]
enum DeviceTask {
    /// 充当一体机，按 docs/protocol/devices.md 逐项检查一台评价器；有不通过的，退出码为 1
    Check {
        /// 检查用的密钥放在哪里；设备要信任其中的 keys/hall-ca.pem
        #[arg(long)]
        data: PathBuf,
        /// 设备连到哪里
        #[arg(long, default_value = "127.0.0.1:9443")]
        listen: SocketAddr,
        /// 证书上的名称或地址，可以有几个；设备用第一个来连接
        #[arg(long = "name", default_value = "127.0.0.1")]
        names: Vec<String>,
        /// 每一项最多等人操作设备多少秒
        #[arg(long, default_value_t = 60)]
        patience: u64,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("HALLBOX_LOG").unwrap_or_else(|_| "info".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    match Arguments::parse().task {
        Task::Setup { data, file } => tokio::task::spawn_blocking(move || setup::setup(&data, &file)).await?,
        Task::Enrol { data, centre, ca, code } => {
            enrol::enrol(&data, &centre, &ca, &code, Clock::start().now()).await
        }
        Task::Run { data } => run::run(&data, stop_signal()?).await,
        Task::Pair { data, code, window } => tell(data, Command::Pair { code, window }).await,
        Task::Notice { data, text } => tell(data, Command::Notice { text }).await,
        Task::Device { task: DeviceTask::Check { data, listen, names, patience } } => {
            let options = check::Options { data, listen, names, patience: Duration::from_secs(patience) };
            if check::run(&options).await? { Ok(()) } else { bail!("设备没有通过检查") }
        }
        Task::Export { data, case, out } => {
            std::fs::create_dir_all(&out)?;
            let out = out.canonicalize()?;
            tell(data, Command::Export { case, out }).await
        }
        Task::Verify { data } => tell(data, Command::Verify).await,
        Task::Health { data } => tell(data, Command::Health).await,
    }
}

async fn tell(data: PathBuf, command: Command) -> Result<()> {
    match admin::ask(&DataDir::existing(&data)?.socket(), &command).await? {
        Answer::Done { text, .. } => println!("{text}"),
        Answer::Refused { text } => bail!("{text}"),
    }
    Ok(())
}

/// Cancelled by Ctrl-C or SIGTERM.
fn stop_signal() -> Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}
