//! 窗口: a virtual reader, on a pseudo-terminal or behind PC/SC, a virtual scanner on a pseudo-terminal, and the real driver of each.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use hall_domain::IdentityCard;
use hall_driver::store::Settings;
use hall_readers::samv::codec::Command as Samv;
use hall_sim::{Emulator, EmulatorHandle, Fault, Pace, ScanFault, Scanner};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::hall_box::HallBox;
use super::pcsc_reader::PcscReader;
use super::plan::{ReaderKind, WindowPlan};
use super::processes::{Part, Place, program};

const PAIRING: Duration = Duration::from_secs(30);
const READY: Duration = Duration::from_secs(30);
/// Bytes of the answer that still come when a card is lifted in the middle of a read of some 1,300.
const LIFTED_AT: usize = 400;

/// What can go wrong at a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReaderFault {
    /// 读到一半拿走: at the next read, once.
    LiftedMidRead,
    /// 读不出: each read fails until the reader is mended.
    Unreadable,
    /// 串口乱码 before each answer.
    Garbage,
    /// 校验错 in each answer.
    WrongChecksum,
    /// 不应答.
    Silent,
}

/// A window of the hall.
#[derive(Debug)]
pub struct Window {
    plan: WindowPlan,
    reader: Reader,
    driver_data: PathBuf,
    place: Place,
    driver: Option<Part>,
    scanner: Scanner,
    scanner_data: PathBuf,
    scanner_driver: Option<Part>,
    card: Option<String>,
    fault: Option<ReaderFault>,
}

/// 读卡器.
#[derive(Debug)]
enum Reader {
    Serial(EmulatorHandle),
    Pcsc(Box<PcscReader>),
}

impl Window {
    /// A window with its reader and scanner plugged in and no driver running.
    ///
    /// # Errors
    /// If no pseudo-terminal is to be had. Where pcscd cannot be started the reader is a serial one, and that is said.
    pub async fn open(plan: WindowPlan, data: &Path, place: &Place, pace: Pace) -> Result<Self> {
        let readers = data.join("readers");
        std::fs::create_dir_all(&readers).with_context(|| format!("make {}", readers.display()))?;
        let behind_pcsc = match plan.reader {
            ReaderKind::Serial => None,
            ReaderKind::Pcsc => match PcscReader::open(&plan.id).await {
                Ok(reader) => Some(reader),
                Err(error) => {
                    // Not every machine lets a program have a namespace of its own; the hall is worth trying all the same.
                    eprintln!("{}的读卡器改走串口：{error:#}", plan.name);
                    None
                }
            },
        };
        let reader = match behind_pcsc {
            Some(reader) => Reader::Pcsc(Box::new(reader)),
            None => Reader::Serial(
                Emulator::start_paced(readers.join(&plan.id), pace).context("open a pseudo-terminal")?,
            ),
        };
        let driver_data = data.join("drivers").join(&plan.id);
        let scanner_data = data.join("drivers").join(format!("{}-scanner", plan.id));
        let scanner =
            Scanner::start(readers.join(format!("{}-scanner", plan.id))).context("open a pseudo-terminal")?;
        Ok(Self {
            plan,
            reader,
            driver_data,
            place: place.clone(),
            driver: None,
            scanner,
            scanner_data,
            scanner_driver: None,
            card: None,
            fault: None,
        })
    }

    /// Number and name.
    pub fn plan(&self) -> &WindowPlan {
        &self.plan
    }

    /// Pairs the drivers with the box as at a new window, if they are not paired yet, and starts them.
    ///
    /// # Errors
    /// If pairing is refused, or a driver does not become ready.
    pub async fn start_driver(&mut self, hall_box: &HallBox) -> Result<()> {
        let (reader, scanner) = tokio::try_join!(
            self.start_one(hall_box, "reader", &self.driver_data),
            self.start_one(hall_box, "scanner", &self.scanner_data),
        )?;
        (self.driver, self.scanner_driver) = (Some(reader), Some(scanner));
        Ok(())
    }

    async fn start_one(&self, hall_box: &HallBox, kind: &str, data: &Path) -> Result<Part> {
        let name = match kind {
            "reader" => format!("driver-{}", self.plan.id),
            _ => format!("driver-{}-{kind}", self.plan.id),
        };
        let behind_pcsc = self.behind_pcsc(kind);
        match hall_driver::DataDir::new(data).load() {
            Ok(paired) if matches!(paired.settings, Settings::Pcsc { .. }) == behind_pcsc.is_some() => {}
            // Nothing is paired, or another kind of reader stood here.
            _ => {
                forget(data)?;
                self.pair_driver(hall_box, &name, kind, data).await?;
            }
        }
        let mut command = Command::new(program("hall-driver")?);
        command.arg("run").arg("--data").arg(data);
        if let Some(reader) = behind_pcsc {
            command.arg("--allow-virtual").env("PCSCLITE_CSOCK_NAME", reader.socket());
        }
        let part = Part::start(&name, command, &self.place)?;
        part.line(READY, |line| (line == "ready").then_some(())).await?;
        Ok(part)
    }

    async fn pair_driver(&self, hall_box: &HallBox, name: &str, kind: &str, data: &Path) -> Result<()> {
        let mut command = Command::new(program("hall-driver")?);
        command.arg("pair").arg("--data").arg(data).args(["--kind", kind]);
        command.args(["--box", hall_box.url()]).arg("--ca").arg(hall_box.ca());
        match (&self.reader, kind) {
            (Reader::Pcsc(reader), "reader") => {
                command.args(["--pcsc", reader.name(), "--profile", "id-escape", "--profile", "ssc"]);
            }
            (Reader::Serial(reader), "reader") => {
                command.arg("--port").arg(reader.path());
            }
            _ => {
                command.arg("--port").arg(self.scanner.path());
            }
        }
        let part = Part::start(&format!("{name}-pair"), command, &self.place)?;
        let code = part.line(PAIRING, |line| line.strip_prefix("code ").map(str::to_owned)).await?;
        hall_box.pair(&code, &self.plan.id).await.with_context(|| format!("pair the {kind}'s driver"))?;
        part.line(PAIRING, |line| line.starts_with("paired ").then_some(())).await?;
        part.until_ended().await;
        Ok(())
    }

    /// Forgets the pairing, so that the next start pairs anew.
    ///
    /// # Errors
    /// If the folder cannot be removed.
    pub fn forget_pairing(&self) -> Result<()> {
        forget(&self.driver_data)?;
        forget(&self.scanner_data)
    }

    fn behind_pcsc(&self, kind: &str) -> Option<&PcscReader> {
        match &self.reader {
            Reader::Pcsc(reader) if kind == "reader" => Some(reader),
            _ => None,
        }
    }

    /// Stops the drivers.
    pub async fn stop_driver(&mut self) {
        for driver in [self.driver.take(), self.scanner_driver.take()].into_iter().flatten() {
            driver.stop().await;
        }
    }

    /// Holds a code before the scanner.
    ///
    /// # Errors
    /// If the scanner's line breaks.
    pub async fn scan(&self, text: &str, faults: &[ScanFault]) -> Result<()> {
        self.scanner.scan(text, faults).await.context("扫码器没有接好")
    }

    /// The process of the scanner's driver.
    pub fn scanner_driver(&self) -> Option<&Part> {
        self.scanner_driver.as_ref()
    }

    /// The driver's process.
    pub fn driver(&self) -> Option<&Part> {
        self.driver.as_ref()
    }

    /// Lays a card down in place of the one that lies there.
    ///
    /// # Errors
    /// If its text does not fit on a card.
    pub async fn place_card(&mut self, slug: &str, card: &IdentityCard) -> Result<()> {
        match &mut self.reader {
            Reader::Serial(reader) => {
                reader.lift();
                reader.place(card.clone())?;
            }
            Reader::Pcsc(reader) => reader.place(card).await?,
        }
        self.card = Some(slug.to_owned());
        Ok(())
    }

    /// Takes the card away.
    pub async fn lift_card(&mut self) {
        match &mut self.reader {
            Reader::Serial(reader) => reader.lift(),
            Reader::Pcsc(reader) => reader.lift().await,
        }
        self.card = None;
    }

    /// Whose card lies there. A card that was lifted in the middle of a read is gone.
    pub fn card(&self) -> Option<&str> {
        let lies = match &self.reader {
            Reader::Serial(reader) => reader.has_card(),
            Reader::Pcsc(reader) => reader.has_card(),
        };
        self.card.as_deref().filter(|_| lies)
    }

    /// Pulls the reader's plug, or puts it back.
    ///
    /// # Errors
    /// If no pseudo-terminal is to be had, or pcscd does not start.
    pub fn plug(&mut self, plugged: bool) -> Result<()> {
        match &mut self.reader {
            Reader::Serial(reader) if plugged => reader.plug().context("open a pseudo-terminal"),
            Reader::Serial(reader) => {
                reader.unplug();
                Ok(())
            }
            Reader::Pcsc(reader) => reader.plug(plugged),
        }
    }

    /// Whether it is plugged in.
    pub fn is_plugged(&self) -> bool {
        match &self.reader {
            Reader::Serial(reader) => reader.is_plugged(),
            Reader::Pcsc(reader) => reader.is_plugged(),
        }
    }

    /// Where its port is, or its name in the smart card service.
    pub fn port(&self) -> &Path {
        match &self.reader {
            Reader::Serial(reader) => reader.path(),
            Reader::Pcsc(reader) => Path::new(reader.name()),
        }
    }

    /// Breaks the reader, or with none mends it.
    ///
    /// # Errors
    /// If the card that lies there cannot be laid down anew.
    pub async fn break_reader(&mut self, fault: Option<ReaderFault>) -> Result<()> {
        self.fault = fault;
        match &mut self.reader {
            Reader::Serial(reader) => {
                break_serial(reader, fault);
                Ok(())
            }
            Reader::Pcsc(reader) => reader.break_with(fault).await,
        }
    }

    /// What is wrong with the reader.
    pub fn fault(&self) -> Option<ReaderFault> {
        self.fault
    }

    /// How often anything that was wrong with the reader has shown; a reader behind PC/SC does not count it.
    pub fn struck(&self) -> u64 {
        match &self.reader {
            Reader::Serial(reader) => reader.struck(),
            Reader::Pcsc(_) => 0,
        }
    }
}

fn break_serial(reader: &EmulatorHandle, fault: Option<ReaderFault>) {
    reader.clear_faults();
    let read = Some(Samv::ReadTextPhoto);
    match fault {
        None => {}
        Some(ReaderFault::LiftedMidRead) => {
            reader.fault_times(Fault::LiftAfter { bytes: LIFTED_AT }, read, 1);
        }
        Some(ReaderFault::Unreadable) => reader.fault_times(Fault::READ_FAILED, read, u32::MAX),
        Some(ReaderFault::Garbage) => reader.fault(Fault::Garbage(b"\xAA\xAA\xAA\x96\x69\xFF~?".to_vec())),
        Some(ReaderFault::WrongChecksum) => reader.fault(Fault::WrongChecksum),
        Some(ReaderFault::Silent) => reader.fault(Fault::Silent),
    }
}

fn forget(data: &Path) -> Result<()> {
    match std::fs::remove_dir_all(data) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
