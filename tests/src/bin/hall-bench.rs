//! `hall-bench`: measures what the product reaches, beside bare baselines, and prints a table.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use hall_e2e::bench::{Options, Subject, run, table};

/// 基准测试：每个数字都与同一次运行中的基线并列。
#[derive(Debug, Parser)]
#[command(name = "hall-bench", version)]
struct Arguments {
    /// 工作文件夹，运行前清空；应与产品数据在同一块磁盘上
    #[arg(long, default_value = "target/bench/work")]
    folder: PathBuf,
    /// 结果文件（JSON 数组）
    #[arg(long, default_value = "target/bench/results.json")]
    results: PathBuf,
    /// 只测这些，可多次给出；默认全部
    #[arg(long, value_enum)]
    only: Vec<Subject>,
    /// 证照缓存最多测到多少份；一千万份约需 16 GB 磁盘
    #[arg(long, default_value_t = 10_000_000)]
    largest: usize,
    /// 只用几秒钟，检查能否运行；数字没有意义
    #[arg(long)]
    short: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { folder, results, only, largest, short } = Arguments::parse();
    let options = Options { folder, results, only, largest, short };
    match run(&options).await {
        Ok(rows) => {
            print!("{}", table(&rows));
            println!("\n{}", options.results.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("基准测试没有完成：{error:#}");
            ExitCode::FAILURE
        }
    }
}
