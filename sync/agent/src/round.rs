//! One round: hello, then what the plan says.

use crate::agent::Shared;
use crate::link::{Link, STATUS_LIST, UploadAnswer};
use crate::plan::{self, Finding, Local, Plan, Step, Told};
use crate::status::Trouble;
use crate::store::{Position, Store, StoreError};
use crate::tail;
use hall_ledger::bundle::{BUNDLE, MAX_BUNDLES, MAX_UPLOAD, Upload};
use hall_ledger::document::DocumentKind;
use hall_ledger::feed::Lane;
use hall_ledger::link::{HeadIs, Hello};
use hall_ledger::receipt::{self, Expected, Receipt};
use hall_ledger::status::StatusClaims;
use hall_ledger::token::FreshnessToken;
use hall_ledger::trust::TrustRefusal;
use hall_ledger::{Signed, entry};
use std::time::Duration;

/// zstd level of uploads: higher levels cost a box more than they save.
const COMPRESSION: i32 = 3;
/// How often one round follows a centre that says it stands elsewhere, before it calls that garbage.
const RESUMES: u32 = 8;

/// A believed token and its exact bytes.
pub(crate) struct TokenInHand {
    pub token: FreshnessToken,
    pub signed: Signed<FreshnessToken>,
}

/// Says hello and carries the plan out.
pub(crate) async fn once<S: Store, L: Link>(shared: &Shared<S, L>) -> Result<(), Trouble> {
    let position = shared.store.position().await?;
    let asked_at = shared.line.now();
    let answer = shared.link.hello(hello(shared, &position)).await?;
    let distrust = match answer.trust != shared.trust().version() {
        // A centre that cannot give its bundle is believed for what it could before.
        true => trust(shared).await.unwrap_or_else(|trouble| {
            tracing::warn!(reason = %trouble, "The trust bundle could not be fetched.");
            None
        }),
        false => None,
    };
    let token = believe(shared, &answer.token)?;
    shared.line.heard(token.issued_at, asked_at);
    if token.epoch != answer.epoch {
        return Err(garbage("hello", "token of another epoch"));
    }
    let root = shared.store.root_at(answer.head.size).await?;
    let told = Told {
        epoch: answer.epoch,
        size: answer.head.size,
        root: answer.head.root,
        feed: token.feed,
        hot: token.hot,
        catalogue: answer.catalogue,
    };
    let Plan { steps, mut findings } = plan::plan(&local(shared, &position), &told, root);
    findings.extend(distrust);
    if answer.epoch > position.epoch {
        shared.store.save_epoch(answer.epoch).await?;
    }
    for step in steps {
        match step {
            Step::Token => hold(shared, token.clone(), answer.token.clone()),
            Step::Hot { after } => hot(shared, after, told.hot).await?,
            Step::Status => status_list(shared).await?,
            Step::Entries { from } => findings.extend(entries(shared, from, answer.epoch).await?),
            Step::Document(kind) => document(shared, kind).await?,
            // The tail takes them as soon as the line counts as up.
            Step::Feed { .. } => {}
            Step::Blobs => shared.blob_nudge.notify_one(),
        }
    }
    settle_token(shared).await?;
    shared.line.worked(&shared.store.position().await?, findings);
    Ok(())
}

fn hello<S: Store, L: Link>(shared: &Shared<S, L>, position: &Position) -> Hello {
    Hello {
        log: shared.identity.log,
        size: position.size,
        root: position.root,
        receipted: position.receipted.map_or(0, |receipt| receipt.size),
        epoch: position.receipted.map_or(0, |receipt| receipt.epoch),
        blob_backlog: position.blob_bytes,
        schema: entry::SCHEMA,
        wall: shared.line.now(),
        free_disk: position.free_disk,
        software: shared.identity.software.clone(),
    }
}

fn local<S: Store, L: Link>(shared: &Shared<S, L>, position: &Position) -> Local {
    let now = shared.line.now();
    let status_due =
        position.status_list.is_none_or(|(made, ttl)| now < made || now >= made.plus_seconds(i64::from(ttl)));
    Local {
        size: position.size,
        receipted: position.receipted,
        epoch: position.epoch,
        feed: position.feed,
        hot: position.hot,
        status_due,
        catalogue: position.catalogue,
        documents_due: position.documents_due.clone(),
    }
}

/// Fetches the trust bundle and believes from then on whom it names. One that is refused changes nothing and is told.
async fn trust<S: Store, L: Link>(shared: &Shared<S, L>) -> Result<Option<Finding>, Trouble> {
    let held = shared.trust();
    if !held.rooted() {
        return Ok(Some(Finding::TrustRefused { why: TrustRefusal::NoRoot }));
    }
    let signed = shared.link.trust().await?;
    let why = match held.accept(&signed) {
        Ok(newer) => {
            tracing::info!(trust.version = newer.version(), "A newer trust bundle is in force.");
            shared.store.save_trust(newer.clone(), signed).await?;
            shared.believe_from_now_on(newer);
            return Ok(None);
        }
        Err(why) => why,
    };
    let finding = Finding::TrustRefused { why };
    tracing::warn!(reason = %why, "A trust bundle was refused.");
    // The token may not be believed now, and the round fail with it.
    shared.line.found(&finding);
    Ok(Some(finding))
}

/// Verifies a token for this hall.
fn believe<S, L>(shared: &Shared<S, L>, signed: &Signed<FreshnessToken>) -> Result<FreshnessToken, Trouble> {
    let token = signed.verify_by(shared.trust().keys()).map_err(|e| garbage("token", &e))?;
    if token.scope != shared.scope {
        return Err(garbage("token", "of another hall"));
    }
    Ok(token)
}

/// Keeps a token in hand until the cache is as new as it says.
fn hold<S, L>(shared: &Shared<S, L>, token: FreshnessToken, signed: Signed<FreshnessToken>) {
    let mut in_hand = shared.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    *in_hand = Some(TokenInHand { token, signed });
}

/// Dates the cache with the token in hand, if the cache has become as new as it says.
pub(crate) async fn settle_token<S: Store, L: Link>(shared: &Shared<S, L>) -> Result<(), Trouble> {
    let position = shared.store.position().await?;
    let settled = {
        let mut in_hand = shared.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let covered = in_hand.as_ref().is_some_and(|held| held.token.covers(position.feed, position.hot));
        if covered { in_hand.take() } else { None }
    };
    let Some(TokenInHand { token, signed }) = settled else { return Ok(()) };
    if position.token.as_ref().is_none_or(|older| token.supersedes(older)) {
        shared.store.save_token(token, signed).await?;
    }
    Ok(())
}

/// Hot items up to the head that the token told.
async fn hot<S: Store, L: Link>(shared: &Shared<S, L>, after: u64, head: u64) -> Result<(), Trouble> {
    let mut after = after;
    while after < head {
        let page = shared.link.feed(Lane::Hot, after, Duration::ZERO).await?;
        let (page, _) = tail::verify(shared, Lane::Hot, after, page).await?;
        let next = page.last;
        if next == after {
            return Err(garbage("feed", "hot list is shorter than the token says"));
        }
        tail::apply(shared, page).await?;
        after = next;
    }
    Ok(())
}

async fn status_list<S: Store, L: Link>(shared: &Shared<S, L>) -> Result<(), Trouble> {
    let signed = shared.link.status_list(STATUS_LIST).await?;
    let list = StatusClaims::verify(signed.as_bytes(), shared.trust().keys())
        .map_err(|e| garbage("status list", &e))?;
    if list.list() != STATUS_LIST {
        return Err(garbage("status list", "another list than asked for"));
    }
    let held = shared.store.position().await?.status_list;
    if held.is_none_or(|(made, _)| list.issued_at() >= made) {
        shared.store.save_status_list(list, signed).await?;
    }
    Ok(())
}

async fn document<S: Store, L: Link>(shared: &Shared<S, L>, kind: DocumentKind) -> Result<(), Trouble> {
    let signed = shared.link.document(kind).await?;
    let trust = shared.trust();
    let document = match signed.verify_by(trust.keys()) {
        Ok(document) => document,
        // Published before its key was retired: the bundle names it.
        Err(error) => signed
            .verify_kept(trust.keys())
            .ok()
            .filter(|document| trust.document(kind).is_some_and(|newest| document.version <= newest))
            .ok_or_else(|| garbage("document", &error))?,
    };
    if document.kind != kind || (document.scope != "*" && document.scope != shared.scope) {
        return Err(garbage("document", "another document than asked for"));
    }
    let held = shared.store.position().await?.catalogue;
    if kind == DocumentKind::Catalogue && document.version < held {
        return Err(garbage("document", "an older version than the box holds"));
    }
    shared.store.save_document(document, signed).await?;
    Ok(())
}

/// Offers entries until the centre has receipted all, new ones included.
async fn entries<S: Store, L: Link>(
    shared: &Shared<S, L>,
    from: u64,
    epoch: u64,
) -> Result<Option<Finding>, Trouble> {
    let mut from = from;
    let mut resumes = 0;
    loop {
        let batch = (BUNDLE as usize) * MAX_BUNDLES;
        let (entries, checkpoint) = shared.store.offer(from, batch, MAX_UPLOAD, epoch).await?;
        let upload = Upload::collect(from, entries, checkpoint);
        let reached = upload.next().unwrap_or(from);
        let bytes = upload.encode(COMPRESSION).map_err(|e| Trouble::Storage(e.to_string()))?;
        match shared.link.upload(from, bytes).await? {
            UploadAnswer::Receipt(signed) => {
                let receipt = accept(shared, epoch, &signed).await?;
                let position = shared.store.position().await?;
                shared.line.moved(&position);
                if position.size <= receipt.size {
                    return Ok(None);
                }
                from = receipt.size;
            }
            UploadAnswer::Next(progress) => {
                if progress.next <= from || progress.next > reached {
                    return Err(garbage("entries", "goes on from a place that was not offered"));
                }
                from = progress.next;
            }
            UploadAnswer::Resume(head) => {
                resumes += 1;
                if resumes > RESUMES {
                    return Err(garbage("entries", "never stands where it says"));
                }
                match resume(shared, head).await? {
                    Ok(next) => from = next,
                    Err(finding) => return Ok(Some(finding)),
                }
            }
            UploadAnswer::Fork(fork) => {
                if let Some(quarantine) = &fork.quarantine {
                    accept(shared, epoch, quarantine).await?;
                }
                let local_size = shared.store.position().await?.size;
                return Ok(Some(Finding::Fork { centre_size: fork.head.size, local_size }));
            }
        }
    }
}

/// Whether the centre stands on a prefix of this ledger, and where.
async fn resume<S: Store, L: Link>(
    shared: &Shared<S, L>,
    head: HeadIs,
) -> Result<Result<u64, Finding>, Trouble> {
    let (centre_size, local_size) = (head.size, shared.store.position().await?.size);
    Ok(match shared.store.root_at(head.size).await? {
        None => Err(Finding::BoxRolledBack { centre_size, local_size }),
        Some(root) if root != head.root => Err(Finding::Fork { centre_size, local_size }),
        Some(_) => Ok(head.size),
    })
}

/// Believes a receipt or calls it garbage; keeps what it believes.
async fn accept<S: Store, L: Link>(
    shared: &Shared<S, L>,
    epoch: u64,
    signed: &Signed<Receipt>,
) -> Result<Receipt, Trouble> {
    let claimed = signed.peek().map_err(|e| garbage("receipt", &e))?;
    let own = shared.store.root_at(claimed.size).await?;
    let expected = Expected { log: shared.identity.log, epoch, ledger_key: &shared.identity.ledger_key };
    let custody = receipt::accept(signed, shared.trust().keys(), expected, |_| own)
        .map_err(|e| garbage("receipt", &e))?;
    shared.store.save_receipt(custody, signed.clone()).await?;
    Ok(claimed)
}

pub(crate) fn garbage(request: &'static str, reason: &(impl ToString + ?Sized)) -> Trouble {
    Trouble::Garbage { request, reason: reason.to_string() }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        let source = std::error::Error::source(&error).map_or_else(String::new, ToString::to_string);
        Self::Storage(source)
    }
}
