//! 同步: the line, how old the box's knowledge is, what waits, and what happened.

use super::App;
use super::failure::{Failure, read};
use super::frame::{self, moment, seconds_since};
use super::pages::Lang;
use super::pages::frame::{Desk, Tone};
use super::pages::sync::{
    Backlog, BlobRow, KeyRow, Knowledge, ReceiptRow, Remedy, SyncEvent, SyncPage, TrustView,
};
use super::session::{Nothing, OwnForm, SignedIn};
use crate::book::Fault;
use crate::clock::ClockState;
use crate::disk;
use crate::enrol::Enrolled;
use crate::knowledge::LineChange;
use crate::store::blobs::{self, InTransit};
use crate::store::findings;
use crate::store::ledger::{self, KeptReceipt};
use crate::store::meta::{self, key};
use crate::sync_store::blob_finding;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hall_domain::Timestamp;
use hall_domain::case::{CaseEvent, CaseRecord};
use hall_ledger::cose::Signed;
use hall_ledger::document::Document;
use hall_ledger::log::LogId;
use hall_ledger::receipt::Receipt;
use hall_ledger::trust::TrustAge;
use hall_sync::{LineStatus, Trouble};
use std::collections::BTreeMap;
use std::path::PathBuf;

const BLOBS: u32 = 20;
const RECEIPTS: u32 = 10;
const EVENTS: usize = 20;
/// Sealings that are looked through for the case of a blob.
const SEALINGS: u32 = 50;
/// A line that has been down for longer is worth a look at the cables.
const LOOK_S: u64 = 300;
/// From here on the disk is a reason to act.
const FULL_PERCENT: u8 = 80;
/// Knowledge older than this is shown as old.
const FRESH_S: u64 = 600;
/// The centre's documents, as the box keeps them.
const CATALOGUE: &str = "catalogue";
const POLICY: &str = "policy";

/// Routes of the line.
pub fn router() -> Router<App> {
    Router::new().route("/sync", get(show)).route("/sync/retry", post(retry))
}

/// 立即重传: whoever sees that something is stuck may have it tried again.
async fn retry(State(app): State<App>, _: SignedIn, _: OwnForm<Nothing>) -> Result<Response, Failure> {
    app.book.db.write(|tx| Ok::<_, Fault>(blobs::retry(tx)?)).await.map_err(Fault::from)?;
    app.line.nudge();
    Ok(Redirect::to("/sync").into_response())
}

async fn show(State(app): State<App>, signed: SignedIn) -> Result<Response, Failure> {
    let now = app.book.clock.now();
    let rows = rows(&app).await?;
    let lang = frame::lang(&signed);
    let frame = frame::frame(&app, &signed, Desk::Sync, "/sync", None).await?;
    let line = app.book.knowledge.line();
    let folder = rows.folder.clone().unwrap_or_default();
    let disk_percent = disk::used_percent(&folder);
    frame::render(&SyncPage {
        meaning: meaning(&line, app.line.slow(), lang),
        knowledge: knowledge(&app, &rows, now, lang),
        trust: trust(&app, now, lang),
        backlog: Backlog {
            entries: rows.entries,
            kept: rows.kept(),
            cases: rows.waiting.cases,
            bytes: rows.waiting.bytes + rows.blob_bytes,
            oldest_s: rows.oldest.map(|oldest| seconds_since(oldest, now)),
            disk_percent,
        },
        receipt: rows.receipts.first().map(|kept| ReceiptRow {
            size: kept.size,
            epoch: kept.epoch,
            at: precise(kept.received_at),
            age_s: seconds_since(kept.received_at, now),
            root: rows.root.clone(),
        }),
        blobs: rows.blobs.iter().map(|blob| rows.blob(blob)).collect(),
        events: events(&app, &rows.receipts, lang),
        remedies: remedies(
            &line,
            frame.clock.doubtful,
            disk_percent,
            &folder.display().to_string(),
            now,
            lang,
        ),
        identity: rows.log.map(|log| identity(&log)).unwrap_or_default(),
        frame,
    })
}

/// What the database says.
struct Rows {
    log: Option<LogId>,
    entries: u64,
    receipts: Vec<KeptReceipt>,
    root: String,
    waiting: ledger::Waiting,
    oldest: Option<Timestamp>,
    blobs: Vec<InTransit>,
    blob_bytes: u64,
    cases: BTreeMap<String, String>,
    troubles: BTreeMap<String, String>,
    feed: u64,
    /// Each document of the centre: its version, and when it was issued.
    documents: BTreeMap<&'static str, (u32, Option<Timestamp>)>,
    enrolled: Option<Timestamp>,
    folder: Option<PathBuf>,
}

impl Rows {
    fn kept(&self) -> u64 {
        self.receipts.first().map_or(0, |receipt| receipt.size)
    }

    fn blob(&self, blob: &InTransit) -> BlobRow {
        BlobRow {
            id: blob.id.get(..8).unwrap_or_default().to_owned(),
            case: self.cases.get(&blob.id).cloned().unwrap_or_default(),
            bytes: blob.size,
            // The centre tells which chunks it has when the next one is sent; the box keeps no count.
            chunks_done: 0,
            chunks: blob.chunks,
            trouble: self.troubles.get(&blob.id).cloned().unwrap_or_default(),
        }
    }
}

async fn rows(app: &App) -> Result<Rows, Failure> {
    let (vault, trust) = (app.book.vault.clone(), app.book.knowledge.trust());
    let key = app.book.key().verifying_key();
    read(app, move |db| {
        let head = ledger::head(db)?;
        let receipts = ledger::receipts(db, RECEIPTS)?;
        let kept = receipts.first().map_or(0, |receipt| receipt.size);
        let oldest = ledger::entries(db, &vault, kept, 1)?.into_iter().next();
        let root = receipts.first().and_then(|kept| {
            Signed::<Receipt>::from_bytes(kept.bytes.clone())
                .verify_kept(trust.keys())
                .ok()
                .map(|signed| signed.root)
        });
        let mut documents = BTreeMap::new();
        for word in [CATALOGUE, POLICY] {
            let held = meta::document(db, word)?.filter(|(_, held, _)| *held > 0);
            if let Some((_, held, bytes)) = held {
                let document = Signed::<Document>::from_bytes(bytes).verify_kept(trust.keys());
                documents.insert(word, (held, document.ok().map(|document| document.issued_at)));
            }
        }
        let enrolled = meta::get(db, key::ENROLMENT)?;
        let blobs = blobs::in_transit(db, BLOBS)?;
        let mut troubles = BTreeMap::new();
        for blob in blobs.iter().filter(|blob| blob.failed) {
            if let Some(what) = findings::said(db, &blob_finding(&blob.id))? {
                troubles.insert(blob.id.clone(), what);
            }
        }
        let sealings = if blobs.is_empty() { Vec::new() } else { ledger::sealings(db, &vault, SEALINGS)? };
        Ok::<_, Fault>(Rows {
            log: head.as_ref().map(|head| head.log()),
            entries: head.as_ref().map_or(0, |head| head.size()),
            root: root.map(|root| root.to_string().chars().take(16).collect()).unwrap_or_default(),
            waiting: ledger::waiting(db, kept)?,
            oldest: oldest
                .and_then(|entry| entry.verify(&key).ok())
                .and_then(|entry| entry.header().map(|header| header.wall)),
            blobs,
            troubles,
            blob_bytes: blobs::backlog(db)?.1,
            cases: sealings.iter().flat_map(|body| sealed(body)).collect(),
            feed: meta::number(db, key::FEED)?,
            documents,
            enrolled: enrolled
                .and_then(|bytes| serde_json::from_slice::<Enrolled>(&bytes).ok())
                .map(|enrolled| enrolled.at),
            folder: meta::folder(db),
            receipts,
        })
    })
    .await
}

/// Each blob of a sealed package with the number of its case.
fn sealed(body: &[u8]) -> Vec<(String, String)> {
    let Ok(record) = hall_ledger::cbor::decode::<CaseRecord>(body) else { return Vec::new() };
    let CaseEvent::PackageSealed { manifest, blobs } = record.event else { return Vec::new() };
    blobs.into_iter().chain([manifest]).map(|blob| (blob, record.no.to_string())).collect()
}

fn meaning(line: &LineStatus, slow: bool, lang: Lang) -> String {
    if line.up && slow {
        return lang.t("与省级中心连接正常但应答缓慢：查询证照最多等 3 秒，之后先用本机缓存。").to_owned();
    }
    if line.up {
        return lang.t("与省级中心连接正常，证照在线核验。").to_owned();
    }
    let offline = lang.t("窗口照常办理：证照用本机缓存，结果按离线规则登记，线路恢复后自动上传复核。");
    match &line.trouble {
        Some(trouble) => format!("{} {offline}", trouble.zh()),
        None => format!("{} {offline}", lang.t("正在连接省级中心。")),
    }
}

fn knowledge(app: &App, rows: &Rows, now: Timestamp, lang: Lang) -> Vec<Knowledge> {
    let known = &app.book.knowledge;
    let age = |at: Option<Timestamp>| at.map(|at| seconds_since(at, now));
    let fresh = |age: Option<u64>, limit: u64| match age {
        Some(age) if age <= limit => Tone::Good,
        Some(_) => Tone::Old,
        None => Tone::Harm,
    };
    let token = age(known.token().map(|token| token.issued_at));
    let mut shown = vec![Knowledge {
        what: lang.t("时效令牌").to_owned(),
        detail: String::new(),
        age_s: token,
        until: String::new(),
        tone: fresh(token, FRESH_S),
    }];
    let lists = known.lists();
    if lists.is_empty() {
        shown.push(nothing_yet(lang.t("证照状态清单")));
    }
    for list in lists.values() {
        let age = seconds_since(list.issued_at(), now);
        let tone = if now > list.expires_at() {
            Tone::Harm
        } else {
            fresh(Some(age), u64::from(list.ttl_s()).max(FRESH_S))
        };
        shown.push(Knowledge {
            what: lang.t("证照状态清单").to_owned(),
            detail: lang.fill("第 {} 号", &[&list.list()]),
            age_s: Some(age),
            until: moment(list.expires_at(), now),
            tone,
        });
    }
    for (word, what) in [(CATALOGUE, lang.t("事项目录")), (POLICY, lang.t("离线政策"))] {
        shown.push(match rows.documents.get(word) {
            Some((version, issued)) => Knowledge {
                what: what.to_owned(),
                detail: lang.fill("第 {} 版", &[version]),
                age_s: age(*issued),
                until: String::new(),
                tone: Tone::Good,
            },
            None => nothing_yet(what),
        });
    }
    let contact = age(known.line().last_contact);
    shown.push(Knowledge {
        what: lang.t("下发消息").to_owned(),
        detail: lang.fill("到第 {} 条", &[&rows.feed]),
        age_s: contact,
        until: String::new(),
        tone: if known.line().up { Tone::Good } else { fresh(contact, FRESH_S) },
    });
    shown.push(Knowledge {
        what: lang.t("信任包").to_owned(),
        detail: lang.fill("第 {} 版", &[&known.trust().version()]),
        age_s: age(known.trust().issued_at().or(rows.enrolled)),
        until: known.trust().expires_at().map(|end| end.local_date().to_string()).unwrap_or_default(),
        tone: trust_tone(known.trust_age(now)),
    });
    shown
}

fn trust_tone(age: TrustAge) -> Tone {
    match age {
        TrustAge::Good => Tone::Good,
        TrustAge::Ending { .. } => Tone::Old,
        TrustAge::Expired => Tone::Harm,
    }
}

fn trust(app: &App, now: Timestamp, lang: Lang) -> TrustView {
    let (known, trust) = (&app.book.knowledge, app.book.knowledge.trust());
    let age = known.trust_age(now);
    let day = |at: Option<Timestamp>| at.map(|at| at.local_date().to_string()).unwrap_or_default();
    let left = match age {
        _ if !trust.rooted() => lang.t("没有根密钥，不能更新").to_owned(),
        TrustAge::Good => lang.t("有效").to_owned(),
        TrustAge::Ending { days } => lang.fill("还有 {} 天", &[&days]),
        TrustAge::Expired => lang.t("已过期").to_owned(),
    };
    let (clock, clock_tone) = match known.clock_state(now) {
        ClockState::Good => (lang.t("可信").to_owned(), Tone::Good),
        ClockState::Doubtful { reason, bound_ms } => (
            lang.fill("可疑：{}，最多差 {}", &[&frame::doubt(reason, lang), &lang.span(bound_ms / 1000)]),
            Tone::Harm,
        ),
    };
    let current = trust.keys().current(now).map(|key| key.id());
    let next = trust.keys().next(now).map(|key| key.id());
    TrustView {
        version: match trust.version() {
            0 => lang.t("还没有收到，用入网时的密钥").to_owned(),
            version => lang.fill("第 {} 版", &[&version]),
        },
        issued: day(trust.issued_at()),
        until: day(trust.expires_at()),
        left,
        tone: if trust.rooted() { trust_tone(age) } else { Tone::Old },
        keys: trust
            .keys()
            .iter()
            .map(|key| {
                let (state, tone) = match Some(key.id()) {
                    id if id == current => (lang.t("现用"), Tone::Good),
                    id if id == next => (lang.t("下一把"), Tone::Busy),
                    _ => (lang.t("只验旧签名"), Tone::Plain),
                };
                KeyRow {
                    name: key.id().to_string(),
                    state: state.to_owned(),
                    tone,
                    from: day(key.not_before().filter(|from| from.0 > 0)),
                    until: day(key.not_after()),
                }
            })
            .collect(),
        clock,
        clock_tone,
    }
}

fn nothing_yet(what: &str) -> Knowledge {
    Knowledge {
        what: what.to_owned(),
        detail: String::new(),
        age_s: None,
        until: String::new(),
        tone: Tone::Harm,
    }
}

fn events(app: &App, receipts: &[KeptReceipt], lang: Lang) -> Vec<SyncEvent> {
    let line = app.book.knowledge.line_events().into_iter().map(|event| {
        let (what, tone) = match event.what {
            LineChange::Up => (lang.t("线路接通").to_owned(), Tone::Good),
            LineChange::Down(why) => (lang.fill("线路中断：{}", &[&why]), Tone::Old),
            LineChange::Found(finding) => (finding.zh(), Tone::Harm),
        };
        (event.at, what, tone)
    });
    let receipts = receipts.iter().map(|receipt| {
        (receipt.received_at, lang.fill("收到收据，收存到第 {} 条", &[&receipt.size]), Tone::Good)
    });
    let mut events: Vec<_> = line.chain(receipts).collect();
    events.sort_by_key(|(at, _, _)| std::cmp::Reverse(*at));
    events
        .into_iter()
        .take(EVENTS)
        .map(|(at, what, tone)| SyncEvent { at: precise(at), what, tone })
        .collect()
}

fn remedies(
    line: &LineStatus,
    doubtful: bool,
    disk_percent: u8,
    folder: &str,
    now: Timestamp,
    lang: Lang,
) -> Vec<Remedy> {
    let mut remedies: Vec<Remedy> = line
        .findings
        .iter()
        .map(|finding| Remedy {
            when: lang.t("同步时发现：").to_owned(),
            todo: finding.zh(),
            command: String::new(),
        })
        .collect();
    let down = seconds_since(line.since, now);
    match &line.trouble {
        Some(trouble @ Trouble::Storage(_)) => remedies.push(Remedy {
            when: trouble.zh(),
            todo: lang.t("请腾出空间；磁盘写满后不能再登记。").to_owned(),
            command: format!("df -h {folder}"),
        }),
        Some(trouble @ (Trouble::Untrusted(_) | Trouble::Refused { .. })) if !line.up => {
            remedies.push(Remedy {
                when: lang.t("省级中心不接受本机，线路不会自己恢复。").to_owned(),
                todo: trouble.zh(),
                command: format!("hallbox health --data {folder}"),
            });
        }
        _ if !line.up && down > LOOK_S => remedies.push(Remedy {
            when: lang.fill("线路已断 {}。", &[&lang.span(down)]),
            todo: lang.t("请查看网线和专线设备，再看线路状态；窗口照常办理，登记都在本机。").to_owned(),
            command: format!("hallbox health --data {folder}"),
        }),
        _ => {}
    }
    if doubtful {
        remedies.push(Remedy {
            when: lang.t("一体机时钟可疑。").to_owned(),
            todo: lang.t("请校准时钟；时间不准的登记会被标为存疑。").to_owned(),
            command: "timedatectl".to_owned(),
        });
    }
    if disk_percent >= FULL_PERCENT {
        remedies.push(Remedy {
            when: lang.fill("磁盘已用 {}%。", &[&disk_percent]),
            todo: lang.t("请腾出空间；磁盘写满后不能再登记。").to_owned(),
            command: format!("df -h {folder}"),
        });
    }
    remedies
}

/// Month, day and time to the second.
fn precise(at: Timestamp) -> String {
    let text = at.to_display();
    text.get(5..).map_or_else(|| text.clone(), str::to_owned)
}

fn identity(log: &LogId) -> String {
    let name = log.box_id.to_string();
    format!("box-{} · {}", name.get(..8).unwrap_or(&name), log.incarnation)
}
