//! 证照查看、打印: what a licence said in this case. A deliberate act, and so a form and an entry.

use super::act::Answered;
use super::receipt::verified;
use crate::store::accounts;
use crate::web::failure::Failure;
use crate::web::pages::licence::LicencePage;
use crate::web::session::{Nothing, OwnForm, Reader};
use crate::web::{App, frame};
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use hall_domain::case::{Case, CaseId, LicenceUse, Mode};
use hall_domain::{HolderId, LicenceKind, MaterialId, mask_name};

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
    let viewer =
        app.book.db.read(move |db| accounts::find(db, &account)).await.map_err(crate::book::Fault::from)?;
    let kinds = app.book.knowledge.kinds();
    let listed = case.list.iter().find(|row| row.material == material).and_then(|row| row.licence.as_ref());
    frame::render(&LicencePage {
        frame: frame::bare(&app, frame::lang(&signed)),
        id: id.to_string(),
        kind: listed.map(|licence| licence.name.clone()).unwrap_or_default(),
        licence: used.licence.to_string(),
        issuer: listed.map(|licence| licence.issuer.clone()).unwrap_or_default(),
        holder: listed.map(|licence| holder(&case, &licence.holder)).unwrap_or_default(),
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
        offline: used.mode == Mode::Offline,
        digest: used.envelope.get(..16).unwrap_or_default().to_owned(),
        seen: format!(
            "{} {}",
            viewer.map(|viewer| viewer.display).unwrap_or_default(),
            app.book.clock.now().to_display()
        ),
    })
}

fn holder(case: &Case, holder: &HolderId) -> String {
    match holder {
        HolderId::Organisation(_) => {
            let register = case.organisation.as_ref().and_then(|known| known.register.as_ref());
            register.map(|entry| entry.name.clone()).unwrap_or_default()
        }
        HolderId::Person(_) => case.identity.as_ref().map(|who| mask_name(&who.name)).unwrap_or_default(),
    }
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
