//! The running driver of a scanner: carries out what [`Scans`] decides, over one port and one connection.

use std::time::Instant;

use anyhow::{Context, bail};
use hall_bus::jws::SCAN_TYPE;
use hall_bus::messages::About;
use hall_bus::scanner::ScannerCondition;
use hall_bus::{MessageId, Scan, ScanText, ScannerStatus, Up};
use hall_readers::samv::SerialPath;
use hall_readers::scanner::{self, News};
use tokio::sync::mpsc;
use tokio::time::{Instant as TokioInstant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::clock;
use crate::link::{Heard, Link};
use crate::run::Ended;
use crate::scans::{Action, Event, Scans};
use crate::store::{DataDir, Paired, Settings};

/// News of the scanner that may wait to be dealt with.
const NEWS: usize = 16;

/// Drives the scanner until `stop`, or until the box ends the pairing.
pub(crate) async fn run(
    data: &DataDir,
    paired: Paired,
    stop: CancellationToken,
    ready: impl FnOnce(),
) -> anyhow::Result<Ended> {
    let Settings::Serial { port, baud } = &paired.settings else {
        bail!("a scanner has a serial port, not a name of the smart card service")
    };
    let port = SerialPath::new(port).with_baud(*baud);
    let link = Link::new(data, paired)?;
    info!(device.id = %link.device(), scanner.port = %port.path().display(), "the driver starts");
    let (news, incoming) = mpsc::channel(NEWS);
    let listening = CancellationToken::new();
    let task =
        tokio::spawn(scanner::listen(port.clone(), scanner::Timing::default(), news, listening.clone()));
    let shell = Shell { link, port, condition: ScannerCondition::Unplugged, scans: Scans::default() };
    let ended = shell.run(incoming, stop, ready).await;
    listening.cancel();
    task.await.context("the scanner's task has failed")?;
    ended
}

struct Shell {
    link: Link,
    port: SerialPath,
    condition: ScannerCondition,
    scans: Scans,
}

impl Shell {
    async fn run(
        mut self,
        mut news: mpsc::Receiver<News>,
        stop: CancellationToken,
        ready: impl FnOnce(),
    ) -> anyhow::Result<Ended> {
        let mut ready = Some(ready);
        loop {
            let wake = self.scans.wakes_at();
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.link.leave().await;
                    return Ok(Ended::Stopped);
                }
                news = news.recv() => self.scanned(news.context("the scanner's task has ended")?).await,
                heard = self.link.next() => match heard? {
                    Heard::Connected => {
                        self.announce();
                        self.happened(Event::Connected).await;
                        if let Some(ready) = ready.take() {
                            ready();
                        }
                    }
                    Heard::Rebirth => self.announce(),
                    Heard::Beat => self.link.heartbeat(self.scans.waiting()),
                    Heard::Config(config) => self.happened(Event::Configured(config)).await,
                    Heard::Receipt(receipt) => self.happened(Event::Receipted(receipt)).await,
                    Heard::Identify => {
                        let device = self.link.device();
                        info!(device.id = %device, "this terminal drives the scanner that the technician looks for: {device}");
                    }
                    Heard::Unpaired => {
                        self.link.forget().await?;
                        return Ok(Ended::Unpaired);
                    }
                    // A scanner is asked for nothing.
                    Heard::Asked(..) => {}
                },
                () = sleep_until(wake.map_or_else(TokioInstant::now, TokioInstant::from_std)), if wake.is_some() => {
                    self.happened(Event::Tick).await;
                }
            }
        }
    }

    async fn scanned(&mut self, news: News) {
        match news {
            News::Plugged(plugged) => {
                self.condition = if plugged { ScannerCondition::Ready } else { ScannerCondition::Unplugged };
                self.announce();
            }
            News::Line(line) => match ScanText::from_line(&line) {
                Ok(text) => {
                    info!(scan.length = text.as_str().len(), "a code was scanned");
                    self.happened(Event::Scanned(text)).await;
                }
                Err(error) => warn!(%error, "a scan was dropped"),
            },
            News::Unreadable => warn!("the scanner sent something that is no text; a scan was dropped"),
        }
    }

    /// Lets the rules take an event in, and carries out what they say.
    async fn happened(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for action in self.scans.apply(event, Instant::now()) {
                match action {
                    Action::Seal { text, bind_epoch } => match self.seal(text, bind_epoch).await {
                        Ok(sealed) => events.push(sealed),
                        Err(error) => error!(error = format!("{error:#}"), "a scan cannot be signed"),
                    },
                    Action::Send(scan) => self.link.publish(Up::Scan, scan),
                    Action::Announce => self.announce(),
                }
            }
        }
    }

    /// Gives a scan its number and its signature.
    async fn seal(&mut self, text: ScanText, bind_epoch: u32) -> anyhow::Result<Event> {
        let counter = self.link.number().await?;
        let now = clock::now();
        let id = MessageId::generate(now).context("cannot name a scan")?;
        let scan = Scan { id, dev: self.link.device().clone(), bind_epoch, counter, text, at: now };
        Ok(Event::Sealed { scan: id, bytes: self.link.sign(SCAN_TYPE, &scan)? })
    }

    fn announce(&self) {
        let scanner = ScannerStatus {
            port: self.port.path().display().to_string(),
            simulated: self.port.is_virtual(),
            state: self.condition,
        };
        self.link.announce(self.scans.bind_epoch(), About::Scanner(scanner));
    }
}
