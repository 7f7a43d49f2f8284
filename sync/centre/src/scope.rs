//! 缓存范围: which licences a hall may hold. The centre decides it, and tells the hall by its feed alone: a licence comes
//! when it enters the scope and is to be forgotten when it leaves.
//!
//! A hall has either its whole district (a remote hall, whose line is often down), or only what it is granted: the
//! licences that a booked item may ask for, until a week after the appointment, those under earlier identifiers of the
//! same person too, and those of enterprises with a standing consent. What a hall looks up for an open case lies outside of this and leaves the box with the case.

use crate::app::App;
use crate::register::{self, RegisterError};
use crate::store::{Registered, StoreError};
use hall_domain::{HolderId, Licence, LicenceId, LicenceKindCode, ServiceItem, Timestamp};
use hall_ledger::envelope::IssuedEnvelope;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Licences stay for so long after an appointment.
const AFTER_APPOINTMENT_HOURS: i64 = 7 * 24;
/// Between two looks for what has left a scope.
const PERIOD: Duration = Duration::from_secs(10 * 60);
/// A standing consent has no end of its own.
const STANDING: Timestamp = Timestamp(i64::MAX);

/// How a hall's scope is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HallScope {
    /// 全区域: every licence.
    #[default]
    District,
    /// 按需: only what was granted.
    Granted,
}

/// Why a holder's licences are in a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GrantReason {
    /// 预约, or a ticket of today.
    Appointment,
    /// 企业常用授权.
    StandingConsent,
}

impl GrantReason {
    /// As stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Appointment => "appointment",
            Self::StandingConsent => "standing",
        }
    }
}

/// What a hall may hold of one holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Which hall.
    pub hall: String,
    /// Whose licences.
    pub holder: HolderId,
    /// Of which kinds; none named means all.
    pub kinds: BTreeSet<LicenceKindCode>,
    /// Why.
    pub reason: GrantReason,
    /// Until when.
    pub until: Timestamp,
}

impl Grant {
    /// 预约 of an item: its kinds alone, until a week after the appointment.
    pub fn appointment(hall: String, holder: HolderId, item: &ServiceItem, at: Timestamp) -> Self {
        let kinds = item.licence_materials().map(|(_, kind)| kind.clone()).collect();
        let until = at.plus_hours(AFTER_APPOINTMENT_HOURS);
        Self { hall, holder, kinds, reason: GrantReason::Appointment, until }
    }

    /// 企业常用授权, until it is withdrawn.
    pub fn standing(hall: String, holder: HolderId) -> Self {
        Self { hall, holder, kinds: BTreeSet::new(), reason: GrantReason::StandingConsent, until: STANDING }
    }

    /// Whether this grant lets the hall hold the licence at `now`.
    pub fn covers(&self, licence: &Licence, now: Timestamp) -> bool {
        now < self.until
            && self.holder == licence.holder
            && (self.kinds.is_empty() || self.kinds.contains(&licence.kind))
    }
}

/// What a hall is told when its scope is settled.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// Licences that it gets.
    pub sent: usize,
    /// Licences that it is to forget.
    pub withdrawn: usize,
}

/// What is told to a hall in one transaction.
#[derive(Debug, Clone)]
pub struct Telling {
    /// The hall.
    pub hall: String,
    /// When.
    pub at: Timestamp,
    /// What it gets.
    pub sent: Vec<(Registered, IssuedEnvelope)>,
    /// What it is to forget.
    pub withdrawn: Vec<LicenceId>,
}

/// Grants something, and sends the hall what it may hold now.
pub async fn grant(app: &App, grant: Grant) -> Result<Settled, RegisterError> {
    let _register = app.register.lock().await;
    let hall = grant.hall.clone();
    app.store.add_scope_grant(grant).await?;
    settle(app, &hall).await
}

/// Takes a standing consent back, and lets the hall forget what only that allowed.
pub async fn withdraw(app: &App, hall: &str, holder: &HolderId) -> Result<Settled, RegisterError> {
    let _register = app.register.lock().await;
    app.store.end_standing(hall, holder).await?;
    settle(app, hall).await
}

/// Draws the scope of a hall anew, and tells it what follows.
pub async fn set(app: &App, hall: &str, scope: HallScope) -> Result<Settled, RegisterError> {
    let _register = app.register.lock().await;
    match (app.store.hall_scope(hall).await?, scope) {
        (HallScope::District, HallScope::Granted) => {
            // A hall that is there was sent everything; one that enrols later will be sent what it is granted.
            let known = app.store.halls().await?.iter().any(|known| known.code == hall);
            let licences = if known { app.store.licences().await? } else { Vec::new() };
            let told = licences.into_iter().map(|known| known.licence.id).collect();
            app.store.set_hall_scope(hall, scope, told).await?;
            settle(app, hall).await
        }
        (HallScope::Granted, HallScope::District) => {
            let all = app.store.licences().await?;
            let settled = tell(app, hall, all).await?;
            app.store.set_hall_scope(hall, scope, Vec::new()).await?;
            Ok(settled)
        }
        (HallScope::District, HallScope::District) | (HallScope::Granted, HallScope::Granted) => {
            Ok(Settled::default())
        }
    }
}

/// The licences that a hall may hold now.
pub async fn held(app: &App, hall: &str) -> Result<Vec<Registered>, StoreError> {
    if app.store.hall_scope(hall).await? == HallScope::District {
        return app.store.licences().await;
    }
    let now = app.now();
    let mut held = BTreeMap::new();
    for grant in app.store.scope_grants(hall, now).await? {
        for known in app.store.licences_of(&grant.holder).await? {
            if grant.covers(&known.licence, now) {
                held.insert(known.licence.id.clone(), known);
            }
        }
        for alias in app.store.aliases_of(&grant.holder).await? {
            let under = Grant { holder: alias.other().clone(), ..grant.clone() };
            for known in app.store.licences_of(alias.other()).await? {
                if under.covers(&known.licence, now) {
                    held.insert(known.licence.id.clone(), known);
                }
            }
        }
    }
    Ok(held.into_values().collect())
}

/// Lets halls forget what has left their scopes, until the centre stops.
pub async fn run(app: &App) {
    loop {
        if let Err(error) = sweep(app).await {
            tracing::error!(%error, "What has left the scope of a hall could not be withdrawn; trying again.");
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// One pass over all halls.
pub async fn sweep(app: &App) -> Result<Settled, RegisterError> {
    let mut all = Settled::default();
    for hall in app.store.halls().await? {
        let _register = app.register.lock().await;
        let settled = settle(app, &hall.code).await?;
        all = Settled { sent: all.sent + settled.sent, withdrawn: all.withdrawn + settled.withdrawn };
    }
    if all != Settled::default() {
        tracing::info!(
            licence.sent = all.sent,
            licence.withdrawn = all.withdrawn,
            "Scopes of halls changed."
        );
    }
    Ok(all)
}

/// Tells a hall the difference between what it may hold and what it was told. The caller holds `app.register`.
async fn settle(app: &App, hall: &str) -> Result<Settled, RegisterError> {
    if app.store.hall_scope(hall).await? == HallScope::District {
        return Ok(Settled::default());
    }
    let held = held(app, hall).await?;
    tell(app, hall, held).await
}

async fn tell(app: &App, hall: &str, held: Vec<Registered>) -> Result<Settled, RegisterError> {
    if app.store.halls().await?.iter().all(|known| known.code != hall) {
        return Ok(Settled::default());
    }
    let told = app.store.told(hall).await?;
    let at = app.now();
    let mut withdrawn = told.clone();
    let mut sent = Vec::new();
    for known in held {
        if !withdrawn.remove(&known.licence.id) {
            let issued = register::issue(app, &known.licence, known.status_index, hall, at).await?;
            sent.push((known, issued));
        }
    }
    let settled = Settled { sent: sent.len(), withdrawn: withdrawn.len() };
    if settled != Settled::default() {
        let withdrawn = withdrawn.into_iter().collect();
        app.store.tell(Telling { hall: hall.to_owned(), at, sent, withdrawn }).await?;
        app.waiters.wake(hall);
    }
    Ok(settled)
}

#[cfg(test)]
mod tests;
