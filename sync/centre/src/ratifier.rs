//! 复核: gives each submitted case its disposition, down the feed.
//!
//! An idempotent task, run by timer and by nudge. What it decides is `hall_ledger::ratify`, a pure
//! function; here the facts are gathered and the decision is recorded. A case that would pass waits until its
//! whole package is sealed and here; one that cannot pass is told at once, sealed or not.

use crate::app::App;
use crate::blobs::BlobStoreError;
use crate::casefile::CaseFile;
use crate::citizen::notice::{Notice, NoticeKind};
use crate::citizen::session;
use crate::store::{Awaiting, StoreError};
use hall_domain::case::Mode;
use hall_domain::{Tier, Timestamp};
use hall_ledger::Hash;
use hall_ledger::disposition::{Disposition, ExchangedCode, Outcome};
use hall_ledger::phone::UseCode;
use hall_ledger::ratify::{self, AliasClaim, CaseFacts, Knowledge, LicenceUse};
use std::collections::BTreeSet;
use std::time::Duration;

/// A look without a nudge.
const PERIOD: Duration = Duration::from_secs(30);
/// Cases looked at in one go.
const BATCH: u32 = 200;
/// Of the cases that passed, so many in a hundred are looked at again by a person.
const RECHECKED_PERCENT: u32 = 5;
/// Days that a hall has for it.
const RECHECK_DAYS: i64 = 7;

/// Why a case could not be judged now.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Blobs(#[from] BlobStoreError),
}

/// Judges until the centre stops.
pub async fn run(app: &App) {
    loop {
        if let Err(error) = judge_all(app).await {
            tracing::error!(%error, "Cases could not be judged; trying again.");
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = app.ratify.notified() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// One pass. A case that cannot be judged keeps no other waiting.
async fn judge_all(app: &App) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let awaiting = app.store.awaiting(after, BATCH).await?;
        let Some(last) = awaiting.last() else { return Ok(()) };
        after = last.row;
        for Awaiting { row, case } in awaiting {
            let judged = match case {
                Ok(case) => judge(app, &case).await,
                Err(error) => Err(error.into()),
            };
            match judged {
                Ok(()) => {}
                // What keeps one case waiting keeps them all.
                Err(Trouble::Store(StoreError::Busy)) => return Err(StoreError::Busy),
                Err(error) => {
                    tracing::error!(case.row = row, %error, "A case could not be judged; trying again.")
                }
            }
        }
    }
}

async fn judge(app: &App, case: &CaseFile) -> Result<(), Trouble> {
    let more = app.store.case_knowledge(case.log, case.no.as_str()).await?;
    let mut knowledge = Knowledge {
        mandate_ended: more.mandate_ended,
        duplicate_of: more.duplicate_of,
        changed_as: more.changed_as,
        ..Knowledge::default()
    };
    let claims: BTreeSet<_> =
        case.uses.iter().filter_map(|used| Some((used.alias?, used.licence.clone()))).collect();
    if !claims.is_empty() {
        knowledge.aliases = app.store.standing_aliases(case.log, case.no.as_str(), claims).await?;
    }
    let mut names = Vec::with_capacity(case.uses.len());
    for used in &case.uses {
        let known = app.store.history(&used.licence, &case.hall).await?;
        let name = known.as_ref().map_or_else(String::new, |(name, _)| name.clone());
        names.push(name);
        if let Some((_, history)) = known {
            knowledge.licences.insert(used.licence.clone(), history);
        }
    }
    let Some(facts) = facts(app, case, names) else { return Ok(()) };
    let mut disposition = ratify::ratify(&facts, &knowledge, app.now());
    let passes =
        matches!(disposition.outcome, Outcome::Ratified | Outcome::Conditional | Outcome::PassedRevokedLater);
    if passes && !is_whole(app, case).await? {
        return Ok(());
    }
    if matches!(disposition.outcome, Outcome::Ratified | Outcome::PassedRevokedLater) {
        disposition.use_codes = exchanged(app, case);
        disposition.recheck_until = recheck_until(app, case);
    }
    let signed = app.sign(&disposition);
    let told = more.by.map(|by| (by, notice(case, &disposition)));
    let outcome = disposition.outcome;
    if app.store.judge(disposition, signed).await? {
        app.waiters.wake(&case.hall);
        if let Some((citizen, notice)) = told {
            app.store.notify(&citizen, notice).await?;
            session::woken(app, &citizen);
        }
        tracing::info!(case.no = %case.no, outcome = ?outcome, "A case was judged.");
    }
    Ok(())
}

/// 用证码 of each use. Made from the box's own code with a secret of the centre's, so that judging again gives the same.
fn exchanged(app: &App, case: &CaseFile) -> Option<Vec<ExchangedCode>> {
    let (log, secret) = (case.log.to_string(), app.keys.lasting_secret());
    let code = |local: &str| {
        local.parse().unwrap_or_else(|_| {
            let parts: [&[u8]; 4] = [b"hallbox/use-code/1", &secret, log.as_bytes(), local.as_bytes()];
            let digest = Hash::of_parts(&parts).0;
            UseCode::new(digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)))
        })
    };
    let local = case.uses.iter().map(|used| used.use_code.clone()).filter(|local| !local.is_empty());
    let codes: Vec<_> = local.map(|local| ExchangedCode { code: code(&local), local }).collect();
    Some(codes).filter(|codes| !codes.is_empty())
}

/// 抽查: until when a person looks at this case again, if it is drawn. Drawn are some of those of medium risk that were
/// taken in with the line down. Nobody at a hall can tell beforehand which; judging again draws the same.
fn recheck_until(app: &App, case: &CaseFile) -> Option<Timestamp> {
    let item = case.item.as_ref().and_then(|code| app.catalogue.item(code))?;
    let offline = case.submission.as_ref()?.mode == Mode::Offline;
    let (log, secret) = (case.log.to_string(), app.keys.lasting_secret());
    let parts: [&[u8]; 4] = [b"hallbox/recheck/1", &secret, log.as_bytes(), case.no.as_str().as_bytes()];
    let lot =
        Hash::of_parts(&parts).0.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    let drawn = offline && item.tier == Tier::T2 && lot % 100 < RECHECKED_PERCENT;
    drawn.then(|| app.now().plus_hours(RECHECK_DAYS * 24))
}

/// What the citizen is told of a judgement.
fn notice(case: &CaseFile, disposition: &Disposition) -> Notice {
    let (no, item, outcome) = (&case.no, &case.item_name, disposition.outcome);
    let next = match outcome {
        Outcome::Ratified | Outcome::PassedRevokedLater => "无需处理。",
        Outcome::Conditional => "请按大厅通知补交材料。",
        _ => "大厅将与您联系，也可拨打 12345 查询。",
    };
    let text = format!("您办理的“{item}”（{no}）：{}。{next}", outcome.zh());
    let mut notice = Notice::new(disposition.decided_at, NoticeKind::Ratification, "复核结果", text);
    notice.case_no = Some(no.to_string());
    notice
}

/// Whether the package is sealed and all of it is here.
async fn is_whole(app: &App, case: &CaseFile) -> Result<bool, BlobStoreError> {
    let Some(package) = &case.package else { return Ok(false) };
    Ok(package.unreadable == 0 && app.blobs.lacking(case.blobs()).await? == 0)
}

/// What the entries say, with the names of the licences used. None before submission.
fn facts(app: &App, case: &CaseFile, names: Vec<String>) -> Option<CaseFacts> {
    let submission = case.submission.as_ref()?;
    let uses = case.uses.iter().zip(names).map(|(used, name)| LicenceUse {
        licence: used.licence.clone(),
        name,
        version: used.version,
        used_at: used.at,
        clock: used.clock,
        known_hot: used.known.hot,
        alias: used.alias.map(|id| AliasClaim { id, confirmed: case.confirmed.contains(&id) }),
    });
    let item = case.item.as_ref().and_then(|code| app.catalogue.item(code));
    let tier = item.map_or(Tier::T3, |item| item.tier);
    Some(CaseFacts {
        log: case.log,
        on_paper_mandate: case.on_paper_mandate.then_some(tier),
        seq: submission.seq,
        case_no: case.no.to_string(),
        mode: submission.mode,
        uses: uses.collect(),
        outstanding_until: submission.follow.as_ref().map(|follow| follow.by.end()),
        // The entries name the newest token that the box held: they were made after it was issued.
        not_before: case.uses.iter().filter_map(|used| used.known.token_at).min(),
        received_at: case.uses.iter().map(|used| used.received_at).max().unwrap_or(submission.received_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::casefile::{Submission, Use};
    use crate::register::{put_licence, set_status};
    use crate::testing::{Bench, licence};
    use hall_domain::{Judgement, LicenceStatus, policy};
    use hall_ledger::LogId;
    use hall_ledger::entry::{ClockReading, Known};
    use hall_ledger::feed::Change;

    /// A submitted case that is not sealed yet, and used one licence.
    fn submitted(app: &App, log: LogId, name: &str, used: &hall_domain::Licence) -> CaseFile {
        let clock = ClockReading { boot: [1; 16], monotonic_ms: 1, token_age_ms: Some(1), error_ms: 20 };
        let scope = "hall:990001".to_owned();
        let known = Known { scope, feed: 0, hot: 0, token_at: None, policy: 1, keys: 1 };
        let (at, received_at, mode) = (app.now(), app.now(), Mode::Offline);
        let no = format!("H1-20261121-{name}");
        let mut case = CaseFile::new(log, "990001", name.parse().unwrap(), no.parse().unwrap());
        let (licence, kind, version) = (used.id.clone(), used.kind.clone(), used.version);
        case.uses = vec![Use {
            licence,
            kind,
            version,
            use_code: String::new(),
            at,
            clock,
            known,
            seq: 1,
            received_at,
            mode,
            alias: None,
        }];
        let outcome = policy::Outcome::AcceptForReview;
        let judgement = Judgement { outcome, sentence: "待复核".into(), raise: None };
        let seq = name.parse().unwrap();
        case.submission = Some(Submission { seq, at, received_at, mode, judgement, follow: None });
        case
    }

    /// Puts a case into the store as if entries had made it.
    fn keep(bench: &Bench, case: &str, seq: i64, body: &str) {
        let kept = bench.database().execute(
            "INSERT INTO casefile (log, case_id, case_no, submitted_seq, awaiting, body)
             VALUES (1, ?1, ?1, ?2, 1, ?3)",
            rusqlite::params![case, seq, body],
        );
        assert_eq!(kept.unwrap(), 1);
    }

    async fn outcomes(bench: &Bench) -> Vec<Outcome> {
        let judged = |item: hall_ledger::feed::FeedItem| match item.change {
            Change::Disposition(signed) => Some(signed.verify(&bench.key()).unwrap().outcome),
            _ => None,
        };
        bench.feed("990001").await.into_iter().filter_map(judged).collect()
    }

    async fn with_revoked_licence() -> (Bench, String) {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let used = licence("000000000000001", 1);
        put_licence(&bench.app, used.clone()).await.unwrap();
        set_status(&bench.app, &used.id, LicenceStatus::Revoked).await.unwrap();
        bench.pass_hours(1);
        let case = serde_json::to_string(&submitted(&bench.app, log, "000002", &used)).unwrap();
        (bench, case)
    }

    #[tokio::test]
    async fn a_case_that_cannot_be_read_keeps_no_other_waiting() {
        let (bench, case) = with_revoked_licence().await;
        keep(&bench, "000001", 1, "{}");
        keep(&bench, "000002", 2, &case);
        judge_all(&bench.app).await.unwrap();
        assert_eq!(outcomes(&bench).await, [Outcome::ReturnedRevoked]);
        judge_all(&bench.app).await.unwrap();
        assert_eq!(outcomes(&bench).await.len(), 1);
    }

    #[tokio::test]
    async fn only_a_case_that_would_pass_waits_for_its_package() {
        let (bench, case) = with_revoked_licence().await;
        keep(&bench, "000002", 2, &case);
        let log = serde_json::from_str::<CaseFile>(&case).unwrap().log;
        let good = licence("000000000000002", 1);
        put_licence(&bench.app, good.clone()).await.unwrap();
        let passes = submitted(&bench.app, log, "000003", &good);
        keep(&bench, "000003", 3, &serde_json::to_string(&passes).unwrap());
        judge_all(&bench.app).await.unwrap();
        assert_eq!(outcomes(&bench).await, [Outcome::ReturnedRevoked]);
    }

    #[tokio::test]
    async fn a_case_on_a_mandate_on_paper_passes_only_for_an_item_that_is_only_received() {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let used = licence("000000000000001", 1);
        let item =
            |tier| bench.app.catalogue.items().iter().find(|item| item.tier == tier).unwrap().code.clone();
        for (name, item) in
            [("000001", Some(item(Tier::T0))), ("000002", Some(item(Tier::T1))), ("000003", None)]
        {
            let mut case = submitted(&bench.app, log, name, &used);
            case.uses.clear();
            case.item = item;
            case.on_paper_mandate = true;
            keep(&bench, name, name.parse().unwrap(), &serde_json::to_string(&case).unwrap());
        }
        judge_all(&bench.app).await.unwrap();
        // The first would pass, and waits for its package.
        assert_eq!(outcomes(&bench).await, [Outcome::ReturnedMandate, Outcome::ReturnedMandate]);
    }

    /// A case with all that the entries would have said of it.
    fn party(bench: &Bench, log: LogId, no: &str, hall: &str, submitted_at: i64) {
        let kept = bench.database().execute(
            "INSERT INTO case_party (log, case_no, hall, item, person, submitted_at) VALUES (?1, ?2, ?3, 'i', 'p', ?4)",
            rusqlite::params![log.to_string(), no, hall, submitted_at],
        );
        assert_eq!(kept.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_was_handled_at_another_hall_on_the_same_day_or_changed_at_the_centre_is_told() {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let (other, _) = bench
            .register(bench.code("990002", None).await, &hall_ledger::SigningKey::from_bytes(&[8; 32]))
            .await;
        let used = licence("000000000000001", 1);
        put_licence(&bench.app, used.clone()).await.unwrap();
        let noon = bench.app.now().0;
        let no = |name: &str| format!("H1-20261121-{name}");
        for (name, seq) in [("000001", 1), ("000002", 2), ("000003", 3)] {
            let case = submitted(&bench.app, log, name, &used);
            let row = if name == "000001" { 2 } else { 1 };
            let kept = bench.database().execute(
                "INSERT INTO casefile (log, case_id, case_no, submitted_seq, awaiting, body) VALUES (?1, ?2, ?3, ?4, 1, ?5)",
                rusqlite::params![row, name, no(name), seq, serde_json::to_string(&case).unwrap()],
            );
            assert_eq!(kept.unwrap(), 1);
        }
        party(&bench, other, &no("000001"), "990002", noon - 1000);
        party(&bench, log, &no("000002"), "990001", noon);
        let knows = async |log, name: &str| bench.app.store.case_knowledge(log, &no(name)).await.unwrap();
        assert_eq!(knows(log, "000002").await.duplicate_of, Some(no("000001")));
        assert_eq!(knows(other, "000001").await.duplicate_of, None);
        // Nothing is known of a case that nobody is named for.
        assert_eq!(knows(log, "000003").await.duplicate_of, None);
        assert!(bench.app.store.change_case(&no("000003"), "补正后另行受理").await.unwrap());
        assert_eq!(knows(log, "000003").await.changed_as.as_deref(), Some("补正后另行受理"));
        judge_all(&bench.app).await.unwrap();
        assert_eq!(outcomes(&bench).await, [Outcome::ReturnedDuplicate, Outcome::Conflict]);
    }

    #[tokio::test]
    async fn some_of_what_passes_offline_at_medium_risk_is_drawn_for_a_second_look_and_always_the_same() {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let item =
            |tier| bench.app.catalogue.items().iter().find(|item| item.tier == tier).unwrap().code.clone();
        let drawn = |tier: Tier, mode: Mode| {
            let draw = |n: u32| {
                let mut case = submitted(&bench.app, log, &format!("{n:06}"), &licence("000000000000001", 1));
                case.item = Some(item(tier));
                case.submission.as_mut().unwrap().mode = mode;
                recheck_until(&bench.app, &case).map(|_| n)
            };
            (1..=1_000).filter_map(draw).collect::<Vec<_>>()
        };
        let first = drawn(Tier::T2, Mode::Offline);
        assert!((20..=90).contains(&first.len()), "about one in twenty: {}", first.len());
        assert_eq!(drawn(Tier::T2, Mode::Offline), first);
        assert_eq!(drawn(Tier::T2, Mode::Online), Vec::<u32>::new());
        assert_eq!(drawn(Tier::T1, Mode::Offline), Vec::<u32>::new());
    }

    #[tokio::test]
    async fn a_box_gets_the_same_province_wide_code_for_a_use_however_often_it_is_judged() {
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let mut case = submitted(&bench.app, log, "000001", &licence("000000000000001", 1));
        assert_eq!(exchanged(&bench.app, &case), None);
        case.uses[0].use_code = "LX-A-1-7".into();
        let codes = exchanged(&bench.app, &case).unwrap();
        assert_eq!(exchanged(&bench.app, &case).unwrap(), codes);
        // A code from a phone's consent is the province's already.
        case.uses[0].use_code = codes[0].code.to_string();
        assert_eq!(exchanged(&bench.app, &case).unwrap()[0].code, codes[0].code);
    }

    #[tokio::test]
    async fn a_case_with_a_licence_under_an_earlier_number_passes_only_while_the_centre_knows_of_it() {
        use hall_domain::{AliasKind, RegisterAlias};
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let holder: hall_domain::HolderId = "111:519900199003070011".parse().unwrap();
        let other: hall_domain::HolderId = "111:519900900307001".parse().unwrap();
        let since = "2001-06-01".parse().unwrap();
        let (kind, source) = (AliasKind::FifteenDigits, "安澜市公安局".to_owned());
        let new = RegisterAlias { other: other.clone(), kind, since, source };
        let (id, _) = crate::alias::put(&bench.app, holder.clone(), &new).await.unwrap();
        let used = hall_domain::Licence { holder: other, ..licence("000000000000001", 1) };
        put_licence(&bench.app, used.clone()).await.unwrap();
        bench.pass_hours(1);
        let case = |no: &str, claimed: hall_domain::AliasId, confirmed: bool| {
            let mut case = submitted(&bench.app, log, no, &used);
            case.uses[0].alias = Some(claimed);
            if confirmed {
                case.confirmed.insert(claimed);
            }
            keep(&bench, no, no.parse().unwrap(), &serde_json::to_string(&case).unwrap());
            let party = bench.database().execute(
                "INSERT INTO case_party (log, case_no, hall, item, person) VALUES (?1, ?2, '990001', ?2, ?3)",
                rusqlite::params![log.to_string(), format!("H1-20261121-{no}"), holder.key()],
            );
            assert_eq!(party.unwrap(), 1);
        };
        // One that stands waits for its package; all others come back at once.
        case("000001", id, true);
        judge_all(&bench.app).await.unwrap();
        assert_eq!(outcomes(&bench).await, []);
        case("000002", id, false);
        case("000003", hall_domain::AliasId([9; 16]), true);
        judge_all(&bench.app).await.unwrap();
        assert_eq!(outcomes(&bench).await, [Outcome::ReturnedHolder; 2]);
        crate::alias::withdraw(&bench.app, id).await.unwrap();
        judge_all(&bench.app).await.unwrap();
        assert_eq!(outcomes(&bench).await, [Outcome::ReturnedHolder; 3]);
    }

    #[tokio::test]
    async fn anothers_earlier_number_does_not_stand_for_who_was_at_the_window() {
        use hall_domain::{AliasKind, RegisterAlias};
        let bench = Bench::new().await;
        let (log, _) = bench.hall("990001").await;
        let other: hall_domain::HolderId = "111:519900900307001".parse().unwrap();
        let since = "2001-06-01".parse().unwrap();
        let (kind, source) = (AliasKind::FifteenDigits, "安澜市公安局".to_owned());
        let new = RegisterAlias { other: other.clone(), kind, since, source };
        let (id, _) =
            crate::alias::put(&bench.app, "111:519900199003070011".parse().unwrap(), &new).await.unwrap();
        let used = hall_domain::Licence { holder: other, ..licence("000000000000001", 1) };
        put_licence(&bench.app, used.clone()).await.unwrap();
        let claims: BTreeSet<_> = [(id, used.id.clone())].into();
        let no = "H1-20261121-000001";
        let stands = async |person: &str| {
            bench.database().execute("DELETE FROM case_party", []).unwrap();
            let party = bench.database().execute(
                "INSERT INTO case_party (log, case_no, hall, person) VALUES (?1, ?2, '990001', ?3)",
                rusqlite::params![log.to_string(), no, person],
            );
            assert_eq!(party.unwrap(), 1);
            bench.app.store.standing_aliases(log, no, claims.clone()).await.unwrap()
        };
        assert_eq!(stands("111:519900199003070011").await, claims);
        assert!(stands("111:519900198805160241").await.is_empty());
    }
}
