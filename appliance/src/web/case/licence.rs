//! 证照查看、打印: what a licence said in this case. A deliberate act, and so a form and an entry.

use super::act::Answered;
use super::receipt::verified;
use crate::book::Fault;
use crate::store::{accounts, lapsed};
use crate::web::failure::Failure;
use crate::web::pages::licence::LicencePage;
use crate::web::session::{Nothing, OwnForm, Reader};
use crate::web::{App, frame, judged};
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use hall_domain::case::{CaseId, LicenceUse, Mode};
use hall_domain::{LicenceKind, MaterialId};

/// Routes of the licences that were opened for a case.
pub fn router() -> Router<App> {
    Router::new().route("/cases/{id}/licences/{material}", post(show))
}

async fn show(
    State(app): State<App>,
    Reader(signed): Reader,
    Path((id, material)): Path<(CaseId, MaterialId)>,
    _: OwnForm<Nothing>,
) -> Answered {
    if !signed.session.role.sees_scans() {
        return Err(Failure::forbidden());
    }
    let account = signed.session.account.clone();
    let (case, used) = app.desk.look_at_licence(&account, &id, &material).await?;
    let vault = app.book.vault.clone();
    let (viewer, found) = app
        .book
        .db
        .read_with(move |db| {
            Ok::<_, Fault>((accounts::find(db, &account)?, lapsed::of_case(db, &vault, &id)?))
        })
        .await?;
    let found = found.iter().find(|found| found.licence == used.licence);
    let kinds = app.book.knowledge.kinds();
    let listed = case.list.iter().find(|row| row.material == material).and_then(|row| row.licence.as_ref());
    frame::render(&LicencePage {
        frame: frame::bare(&app, frame::lang(&signed)),
        id: case.id.to_string(),
        kind: listed.map(|licence| licence.name.clone()).unwrap_or_default(),
        licence: used.licence.to_string(),
        issuer: listed.map(|licence| licence.issuer.clone()).unwrap_or_default(),
        holder: listed.and_then(|licence| case.shown_name(&licence.holder)).unwrap_or_default(),
        valid_until: listed
            .and_then(|licence| licence.valid_until)
            .map_or_else(|| "长期".to_owned(), |last| last.to_string()),
        fields: fields(&used, kinds.get(used.kind.as_str())),
        item: case.item_name.clone(),
        number: case.no.to_string(),
        use_code: used.use_code.clone(),
        checked: match &used.statement {
            Some(statement) => format!("{}。{}", verified(&used), statement.zh()),
            None => verified(&used),
        },
        lapsed: found.map(|found| judged::lapsed(found, frame::lang(&signed))).unwrap_or_default(),
        offline: used.mode == Mode::Offline,
        digest: used.envelope.get(..16).unwrap_or_default().to_owned(),
        seen: format!(
            "{} {}",
            viewer.map(|viewer| viewer.display).unwrap_or_default(),
            app.book.clock.now().to_display()
        ),
    })
}

/// Labels and values in the order of the kind; a field that the kind no longer names keeps its key.
fn fields(used: &LicenceUse, kind: Option<&LicenceKind>) -> Vec<(String, String)> {
    let known = kind.map(|kind| kind.fields.as_slice()).unwrap_or_default();
    let mut fields: Vec<(String, String)> = known
        .iter()
        .filter_map(|field| Some((field.label.clone(), used.opened.get(&field.key)?.clone())))
        .collect();
    let others = used.opened.iter().filter(|(key, _)| known.iter().all(|field| field.key != **key));
    fields.extend(others.map(|(key, value)| (key.to_string(), value.clone())));
    fields
}
