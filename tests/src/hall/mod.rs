//! 大厅: a whole hall on this machine, and what can be done to it from outside.

mod centre;
mod hall_box;
mod line;
mod pcsc_reader;
mod phones;
mod plan;
mod ports;
mod processes;
mod window;

pub use centre::{Centre, Operator};
pub use hall_box::HallBox;
pub use line::{Line, LineState};
pub use phones::CastPhones;
pub use plan::{Account, Plan, Ports, ReaderKind, WindowPlan};
pub use ports::Lease;
pub use processes::{Part, Place, program};
pub use window::{ReaderFault, Window};

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, RwLock};

use crate::cast::Cast;

/// Written once the hall was set up whole; says what it was set up with.
const SET_UP: &str = "hall.json";
/// In every folder of ours, so that nothing else is ever taken for one and emptied.
const OURS: &str = "hall.lock";

/// A running hall. Its parts can be used by several at once.
#[derive(Debug)]
pub struct Hall {
    plan: Plan,
    place: Place,
    cast: Cast,
    centre: RwLock<Option<Centre>>,
    line: Line,
    phones: CastPhones,
    hall_box: RwLock<HallBox>,
    windows: Vec<Mutex<Window>>,
    _lock: File,
}

/// What a hall was set up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUp {
    /// The box's HTTPS port.
    pub web: u16,
    /// The box's MQTT port.
    pub mqtts: u16,
    /// Port of the line; the box knows the centre by it.
    pub line: u16,
}

/// A data folder that this process alone may use.
#[derive(Debug)]
pub struct Ground {
    data: PathBuf,
    place: Place,
    lock: File,
    /// What stands on it already.
    pub set_up: Option<SetUp>,
    /// Processes of a killed hall that were ended.
    pub cleaned: usize,
}

impl Ground {
    /// Takes a data folder: locks it, ends what a killed hall left running, and clears away what was set up by half.
    ///
    /// # Errors
    /// If another hall runs on it, or the folder holds something else.
    pub fn take(data: &Path) -> Result<Self> {
        let foreign = data.exists() && !data.join(OURS).exists() && fs::read_dir(data)?.next().is_some();
        if foreign {
            bail!("{} 里有别的文件，请换一个空文件夹", data.display());
        }
        fs::create_dir_all(data).with_context(|| format!("make {}", data.display()))?;
        let data = data.canonicalize()?;
        let lock = File::options().create(true).append(true).open(data.join(OURS))?;
        if lock.try_lock().is_err() {
            bail!("{} 的大厅已经在运行", data.display());
        }
        let place = Place::open(&data)?;
        let cleaned = place.clean()?;
        let set_up = fs::read(data.join(SET_UP)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        if set_up.is_none() {
            for part in ["centre", "box", "drivers", "readers", "cast"] {
                match fs::remove_dir_all(data.join(part)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
            }
        }
        Ok(Self { data, place, lock, set_up, cleaned })
    }
}

impl Hall {
    /// Builds a hall, or starts the one that stands there. `tell` hears what is being done.
    ///
    /// # Errors
    /// If a part does not start; the error tells its last lines. What was started is ended.
    pub async fn start(mut plan: Plan, ground: Ground, tell: impl Fn(&str)) -> Result<Self> {
        let Ground { data, place, lock, set_up, .. } = ground;
        plan.data = data.clone();
        // Another part of the process may have chosen one before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let cast = Cast::load()?;

        let centre_data = data.join("centre");
        if set_up.is_none() {
            tell("建立省级中心，载入事项目录和演员表");
            Cast::write(&data.join("cast"))?;
            Centre::make(&centre_data, &data.join("cast"), &place).await?;
        }
        tell("启动省级中心和手机的移动网络");
        let phones =
            CastPhones::open(&cast, plan.ports.phones.address(), &centre_data.join("ca.pem")).await?;
        let centre = Centre::start(&centre_data, &phones.messages(), &place).await?;
        phones.lead_to(centre.citizen());
        let line = Line::lay(plan.ports.line.address(), centre.link()).await?;

        let mut hall_box = HallBox::new(&plan, &place);
        let now = SetUp {
            web: plan.ports.web.port(),
            mqtts: plan.ports.mqtts.port(),
            line: plan.ports.line.port(),
        };
        if set_up != Some(now) {
            tell("初始化一体机：窗口、账号、地址");
            hall_box.set_up(&plan).await?;
        }
        if set_up.is_none() {
            tell("一体机入网");
            let code = centre.operator().enrolment(&plan.code, &plan.name).await?;
            hall_box.enrol(&format!("https://{}", line.address()), &centre.ca(), &code).await?;
        }
        tell("启动一体机和消息中间件");
        hall_box.start().await?;

        tell("接上读卡器和扫码器，启动驱动");
        let mut windows = Vec::new();
        for window in &plan.windows {
            let window = Window::open(window.clone(), &data, &place, plan.pace).await?;
            if set_up.is_some_and(|before| (before.web, before.mqtts) != (now.web, now.mqtts)) {
                window.forget_pairing()?;
            }
            windows.push(window);
        }
        let started = join_all(windows.iter_mut().map(|window| window.start_driver(&hall_box))).await;
        started.into_iter().collect::<Result<Vec<()>>>()?;
        let path = data.join(SET_UP);
        fs::write(&path, serde_json::to_vec(&now)?).with_context(|| format!("write {}", path.display()))?;
        Ok(Self {
            plan,
            place,
            cast,
            centre: RwLock::new(Some(centre)),
            line,
            phones,
            hall_box: RwLock::new(hall_box),
            windows: windows.into_iter().map(Mutex::new).collect(),
            _lock: lock,
        })
    }

    /// What it was built by.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Its public.
    pub fn cast(&self) -> &Cast {
        &self.cast
    }

    /// The line to the centre.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// The public's phones.
    pub fn phones(&self) -> &CastPhones {
        &self.phones
    }

    /// The box.
    pub fn hall_box(&self) -> &RwLock<HallBox> {
        &self.hall_box
    }

    /// The centre; none while it is stopped.
    pub fn centre(&self) -> &RwLock<Option<Centre>> {
        &self.centre
    }

    /// A window by its number.
    pub async fn window(&self, id: &str) -> Option<&Mutex<Window>> {
        let at = self.plan.windows.iter().position(|window| window.id == id)?;
        self.windows.get(at)
    }

    /// All windows.
    pub fn windows(&self) -> &[Mutex<Window>] {
        &self.windows
    }

    /// The centre's operators' side.
    ///
    /// # Errors
    /// If the centre is stopped.
    pub async fn operator(&self) -> Result<Operator> {
        let centre = self.centre.read().await;
        Ok(centre.as_ref().context("省级中心没有在运行")?.operator().clone())
    }

    /// Stops the centre; the line leads nowhere.
    pub async fn stop_centre(&self) {
        if let Some(centre) = self.centre.write().await.take() {
            centre.stop().await;
        }
    }

    /// Starts the centre again and leads the line to it.
    ///
    /// # Errors
    /// If it does not become ready.
    pub async fn start_centre(&self) -> Result<()> {
        let mut centre = self.centre.write().await;
        if centre.is_none() {
            let messages = self.phones.messages();
            let started = Centre::start(&self.plan.data.join("centre"), &messages, &self.place).await?;
            self.phones.lead_to(started.citizen());
            self.line.lead_to(started.link());
            *centre = Some(started);
        }
        Ok(())
    }

    /// The parts that should run and do not, each with its story.
    pub async fn fallen(&self) -> Vec<(String, anyhow::Error)> {
        let mut fallen = Vec::new();
        let mut look = |part: Option<&Part>| {
            if let Some(part) = part
                && let Some(status) = part.ended()
            {
                fallen.push((part.name().to_owned(), part.story(&format!("已退出：{status}"))));
            }
        };
        look(self.centre.read().await.as_ref().map(Centre::part));
        look(self.hall_box.read().await.part());
        for window in &self.windows {
            let window = window.lock().await;
            look(window.driver());
            look(window.scanner_driver());
        }
        fallen
    }

    /// Stops everything, windows first.
    pub async fn stop(&self) {
        let windows = self.windows.iter().map(|window| async { window.lock().await.stop_driver().await });
        join_all(windows).await;
        self.hall_box.write().await.stop().await;
        self.stop_centre().await;
    }
}
