//! 表单: filled from what the citizen agreed to, completed by the clerk.

use super::decide;
use super::desk::{Clerk, Desk};
use super::list::{parties, windows};
use crate::book::{Book, Fault};
use crate::cache::shown::Shown;
use crate::cache::{self, Candidate};
use crate::store::meta;
use hall_domain::case::{
    CarriedRow, Case, CaseId, Consent, ConsentProof, ListedLicence, Mode, PaperChoice, StatusSource,
};
use hall_domain::form::{self, OpenedFields, Sources, Stated};
use hall_domain::{FieldKey, LicenceKindCode, MaterialId, Timestamp};
use std::collections::BTreeMap;

impl Desk {
    /// Goes on without licences: the form is filled from the card and the register alone.
    pub async fn go_on_with_paper(&self, clerk: &Clerk, id: &CaseId) -> Result<Case, Fault> {
        let case = self.mine(clerk, id).await?;
        let fields = form::autofill(&self.item_of(&case).await?, &sources(&case, BTreeMap::new()));
        self.change(clerk, id, move |case| Ok(decide::fill(case, Vec::new(), fields)?)).await
    }

    /// Opens the licences that the citizen agreed to, and fills the form. Safe to call again. Gives whether there was
    /// anything to do; open pages are then told.
    pub async fn fill(&self, id: &CaseId) -> Result<bool, Fault> {
        let case = self.case(id).await?;
        let (Some((principal, person)), Consent::Given { .. } | Consent::Office { .. }, false) =
            (parties(&case), &case.consent, case.closed())
        else {
            return Ok(false);
        };
        if decide::agreed_rows(&case).is_empty() {
            return Ok(false);
        }
        let item = self.item_of(&case).await?;
        let mut holders = vec![principal, person];
        // A licence of an earlier identifier lies under that.
        holders.extend(decide::agreed_rows(&case).into_iter().map(|row| row.holder));
        let mut candidates = self.candidates(&holders, case.mode.unwrap_or(Mode::Offline)).await?;
        let shown = self.shown_of(&case);
        let (book, by, id) = (self.book.clone(), case.clerk.clone(), id.clone());
        let now = book.clock.now();
        // Ages are counted by the latest that it may be, as when the list was made.
        let (latest, windows) = (book.knowledge.latest(now), windows(&book, &item));
        if case.mode == Some(Mode::Online) {
            let told_at = case.listed_at.map(|at| book.knowledge.latest(at));
            candidates.iter_mut().for_each(|candidate| candidate.told_at = told_at);
        }
        let carried = Carried::of(&case);
        carried.date(&mut candidates, &case);
        let case_id = id.clone();
        self.book
            .db
            .write(move |tx| {
                book.change_case(tx, &case_id, &by, now, |case| {
                    let mut uses = Vec::new();
                    let mut opened: BTreeMap<LicenceKindCode, OpenedFields> = BTreeMap::new();
                    for row in decide::agreed_rows(case) {
                        let listed = case.list.iter().find(|listed| listed.material == row.material);
                        let Some(licence) = listed.and_then(|listed| listed.licence.as_ref()) else {
                            continue;
                        };
                        // Under an earlier identifier nothing opens that the clerk has not confirmed.
                        if row.alias != licence.alias || row.alias.is_some_and(|alias| !case.confirms(alias))
                        {
                            continue;
                        }
                        let use_code = match carried.use_code(&row.material) {
                            Some(code) => code,
                            None => next_use_code(tx, &book)?,
                        };
                        // What a phone showed is opened from that answer, and from nothing else.
                        let dated = carried.dated(licence, &row.material);
                        let open =
                            |shown: &Shown| shown.open(&row, &dated, &windows, use_code.clone(), latest);
                        if let Some((used, fields)) = shown.iter().rev().find_map(open) {
                            uses.push(used);
                            opened.insert(row.kind.clone(), fields);
                            continue;
                        }
                        // A licence that does not open as signed stays closed; its row then asks for paper.
                        match cache::open(&row, licence, &candidates, &windows, use_code, latest) {
                            Ok((used, fields)) => {
                                uses.push(used);
                                opened.insert(row.kind.clone(), fields);
                            }
                            Err(error) => {
                                tracing::error!(%error, case.no = %case.no, "a licence does not open")
                            }
                        }
                    }
                    let fields = form::autofill(&item, &sources(case, opened));
                    Ok(decide::fill(case, uses, fields)?)
                })
            })
            .await?;
        self.changed(&id);
        Ok(true)
    }

    /// Saves what stands in the form. `seen` is the `form_rev` of the page.
    pub async fn save_form(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        values: BTreeMap<FieldKey, String>,
        seen: u32,
    ) -> Result<Case, Fault> {
        let item = self.item_of(&self.case(id).await?).await?;
        self.change(clerk, id, move |case| Ok(decide::save_form(case, &item, &values, seen)?)).await
    }

    /// 修改 of an attested field, or taking that back.
    pub async fn mark_field(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        field: FieldKey,
        restore: bool,
    ) -> Result<Case, Fault> {
        self.change(clerk, id, move |case| {
            Ok(if restore {
                decide::restore_field(case, &field)?
            } else {
                decide::release_field(case, &field)?
            })
        })
        .await
    }

    /// 告知承诺.
    pub async fn commit(&self, clerk: &Clerk, id: &CaseId, taken: bool, seen: u32) -> Result<Case, Fault> {
        self.change(clerk, id, move |case| Ok(decide::commit(case, taken, seen)?)).await
    }

    /// Says how a material without a licence is brought.
    pub async fn choose_paper(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        material: MaterialId,
        choice: PaperChoice,
    ) -> Result<Case, Fault> {
        self.change(clerk, id, move |case| Ok(decide::choose_paper(case, &material, choice)?)).await
    }
}

/// What the centre said of licences in answer to a phone: fresher than the cache, whatever the line.
struct Carried {
    rows: BTreeMap<MaterialId, CarriedRow>,
    at: Timestamp,
}

impl Carried {
    fn of(case: &Case) -> Self {
        match &case.consent {
            Consent::Given { proof: ConsentProof::Phone { rows, recorded_at, .. }, .. } => {
                Self { rows: rows.clone(), at: *recorded_at }
            }
            _ => Self { rows: BTreeMap::new(), at: Timestamp(0) },
        }
    }

    /// Gives each licence that was agreed to the status that the centre named.
    fn date(&self, candidates: &mut [Candidate], case: &Case) {
        for row in decide::agreed_rows(case) {
            let Some(carried) = self.rows.get(&row.material) else { continue };
            let its = |candidate: &&mut Candidate| candidate.envelope.facts().licence == row.licence;
            for candidate in candidates.iter_mut().filter(its) {
                candidate.told_at = Some(self.at);
                if candidate.status_at < self.at {
                    candidate.status = carried.status;
                    candidate.status_at = self.at;
                    candidate.status_from = StatusSource::Centre;
                }
            }
        }
    }

    fn use_code(&self, material: &MaterialId) -> Option<String> {
        self.rows.get(material).map(|row| row.use_code.clone())
    }

    /// A licence that was listed, with the status that the centre has named since.
    fn dated(&self, licence: &ListedLicence, material: &MaterialId) -> ListedLicence {
        let told = self.rows.get(material).filter(|_| self.at > licence.status_at);
        match told {
            Some(row) => ListedLicence { status: row.status, status_at: self.at, ..licence.clone() },
            None => licence.clone(),
        }
    }
}

fn sources(case: &Case, licences: BTreeMap<LicenceKindCode, OpenedFields>) -> Sources<'_> {
    let paper = case.paper_mandate.as_ref();
    Sources {
        // The form is the principal's: a delegate's card says nothing of them.
        card: case.identity.as_ref().and_then(|who| who.card.as_ref()).filter(|_| case.mandator().is_none()),
        licences,
        // On paper alone nothing of the principal's is looked up.
        organisation: case
            .organisation
            .as_ref()
            .and_then(|known| known.register.as_ref())
            .filter(|_| paper.is_none()),
        stated: paper.map(|paper| Stated { name: &paper.principal_name, holder: &paper.principal }),
    }
}

/// 用证码 of the box, `LX-<hall>-<counter>`; the centre exchanges it at ratification.
fn next_use_code(tx: &rusqlite::Connection, book: &Book) -> Result<String, Fault> {
    let next = meta::number(tx, meta::key::USE_CODE)? + 1;
    meta::put_number(tx, meta::key::USE_CODE, next)?;
    Ok(format!("LX-{}-{next:08}", book.knowledge.hall_code))
}
