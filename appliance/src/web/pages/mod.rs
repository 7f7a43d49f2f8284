//! 页面: the clerk's screens as plain values, each with its template; they know no use case, no database and no clock.
//!
//! A page struct holds ready text and values. Handlers fill it, askama renders it. Words that the screen itself
//! owns (labels, states, what to do) live here and in the templates, in Chinese with English in [`text`]; words
//! that come from data (items, licences, sentences of the policy) are passed in.
//!
//! # Contract with the handlers
//!
//! Every form is `POST`, carries the hidden field `csrf`, and is answered with **303** to a page; a form with
//! mistakes is answered with **422** and the page that shows them. The scripts post the same forms in the
//! background, follow the 303 and exchange `#page`, so a handler never needs to know who asked. A lost session is
//! answered with 303 to `/sign-in?next=…`. Errors are an [`errors::ErrorPage`] with their status.
//!
//! | route | fields | page |
//! |---|---|---|
//! | `GET /sign-in` | `next` | [`sign_in::SignInPage`] |
//! | `POST /sign-in` | `account`, `password`, `next` | 303, or 422 [`sign_in::SignInPage`] |
//! | `POST /sign-out` | | 303 `/sign-in` |
//! | `POST /window` | `window`, `next` | 303 `next` |
//! | `POST /language` | `lang` (`zh`/`en`), `next` | 303 `next` |
//! | `GET /` | | 303 `/cases` |
//! | `GET /cases` | `show` ([`cases::Filter`]), `q` (`*`: what was searched for last), `page` | [`cases::CasesPage`] |
//! | `POST /cases/search` | `q` | 303 `/cases?q=…`, the text itself only when it is a case number |
//! | `GET /cases/new` | `q`, `kind` (`person`/`organisation`) | [`cases::NewCasePage`] |
//! | `POST /cases` | `item` (code), `kind` | 303 `/cases/{id}` |
//! | `GET /cases/{id}` | `step` (looking back at a step) | [`case::CasePage`], or [`case_view::CaseViewPage`] when finished |
//! | `POST /cases/{id}/organisation` | `uscc` | 303, 422 |
//! | `POST /cases/{id}/read-card` | | 303 |
//! | `POST /cases/{id}/stop-reading` | | 303 |
//! | `POST /cases/{id}/confirm-person` | `reading` | 303 (人证一致) |
//! | `POST /cases/{id}/reject-person` | `reading` | 303 (人证不符, the reading is dropped) |
//! | `POST /cases/{id}/expired-card` | `reading`, `note` | 303, 422 (go on as 容缺) |
//! | `POST /cases/{id}/ask-phone` | `ask` = `code`, `face` | 303 (a code for the phone on the citizen's screen) |
//! | `POST /cases/{id}/cancel-phone` | | 303 |
//! | `POST /cases/{id}/scan` | `text`, `carrier` = `keyboard`, `camera`, `typed` | 303, 422 (扫码) |
//! | `POST /cases/{id}/refresh-list` | | 303 |
//! | `POST /cases/{id}/aliases/{alias}/confirm` | | 303, 422 (核对为同一人, for an earlier number of the list) |
//! | `POST /cases/{id}/aliases/{alias}/revert` | | 303, 422 (takes it back) |
//! | `POST /cases/{id}/mask` | | 303 |
//! | `POST /cases/{id}/unmask` | `what` (`applicant`) | 303, the opening is an entry |
//! | `POST /cases/{id}/push` | | 303 |
//! | `POST /cases/{id}/push-phone` | | 303 (authorisation on the phone: the citizen's, or the principal's) |
//! | `POST /cases/{id}/paper-mandate` | `name`, `document` (for a person), `number` | 303, 422 with the reason (委托代办 by 纸质委托书) |
//! | `POST /cases/{id}/drop-paper-mandate` | | 303 |
//! | `POST /cases/{id}/ask-licences` | | 303, 422 (出示证照: licences that the hall lacks, from the citizen's phone) |
//! | `POST /cases/{id}/stop-showing` | | 303 (the code for it is taken back) |
//! | `POST /cases/{id}/acknowledge` | | 303 (asks the delegate on the citizen's screen) |
//! | `POST /cases/{id}/office` | `basis`, `account`, `password` of a supervisor | 303, 422 (依职能查验) |
//! | `POST /cases/{id}/withdraw` | | 303 (撤回授权) |
//! | `POST /cases/{id}/cancel-push` | | 303 |
//! | `POST /cases/{id}/paper` | | 303 (go on with paper originals) |
//! | `POST /cases/{id}/papers` | `material`, `choice` = `original`, `follow` | 303 (how a material without a licence is brought) |
//! | `POST /cases/{id}/form` | `f.{key}` …, `commitment`, `do` = `save`, `next`, `edit:{key}`, `restore:{key}` | 303, 422; with `HX-Request` and `do=save` 204 |
//! | `POST /cases/{id}/attachments` | multipart: `csrf`, `material`, `file` (several) | 303, 413, 422 |
//! | `GET /cases/{id}/attachments/{n}` | | the file, `Content-Disposition: inline`, sandboxed |
//! | `POST /cases/{id}/attachments/{n}/remove` | | 303, notice with undo |
//! | `POST /cases/{id}/attachments/{n}/restore` | | 303 |
//! | `POST /cases/{id}/submit` | `second_account`, `second_password`, `supervisor_account`, `supervisor_password` when asked; `alone` = `true` without them | 303, 422 |
//! | `POST /cases/{id}/supply` | multipart: `csrf`, `material` (empty for the identity document), `file` (several) | 303, 422 |
//! | `POST /cases/{id}/rate` | | 303 (asks the citizen's screen) |
//! | `POST /cases/{id}/abandon` | `reason` (`left`, `wrong-item`, `materials`, `other`) | 303 `/cases`, notice with undo |
//! | `POST /cases/{id}/reopen` | | 303 |
//! | `POST /cases/{id}/take-over` | | 303 |
//! | `GET /cases/{id}/receipt` | `size` (`a4`/`slip`) | [`receipt::ReceiptPage`] |
//! | `GET /cases/{id}/consent-receipt` | `size` (`a4`/`slip`) | [`consent_receipt::ConsentReceiptPage`] |
//! | `POST /cases/{id}/licences/{material}` | | [`licence::LicencePage`], the looking is an entry |
//! | `GET /findings` | `show` ([`findings::Filter`]), `kind`, `severity` (`harm`, `attention`, `info`), `who` (`mine`) | [`findings::FindingsPage`] |
//! | `POST /findings/export` | the same | the list as CSV; taking it away is an entry |
//! | `POST /findings/{id}/acknowledge` | | 303 |
//! | `POST /findings/{id}/give-back` | | 303 |
//! | `POST /findings/{id}/handled` | `note` | 303, 422 |
//! | `GET /devices` | | [`devices::DevicesPage`] |
//! | `POST /devices/pair` | `code`, `window` | 303, 422 |
//! | `POST /devices/notice` | `text` | 303, or 422 |
//! | `POST /devices/{id}/unbind` | | 303 |
//! | `GET /sync` | | [`sync::SyncPage`] |
//! | `POST /sync/retry` | | 303 `/sync` (what could not be sent is tried again at once) |
//! | `GET /security` | `page` | [`security::SecurityPage`] |
//! | `GET /fragments/frame` | `at` ([`frame::Desk`] code) | [`frame::FrameFragment`] (refused on a direct visit) |
//! | `GET /live` | `case` (id, optional) | `text/event-stream` |
//! | `GET /assets/{name}` | `v` | `app.js`, `app.css`, `scan-camera.js` of `appliance/web/dist` (`.gz` beside each), immutable when `v` is given |
//!
//! Attested fields of the form are shown without a name and so are not posted; what is posted for one that was not
//! opened by `do=edit:{key}` did not come from these pages.
//!
//! # Live
//!
//! `GET /live` sends events without data: `frame` (line state or a count of the rail changed), `case` (the case in
//! `case=` changed), `cases`, `findings`, `devices`, `sync`, and `scan` (a code was scanned at this window while no case is in hand). The script answers by fetching the page it stands on
//! (for `frame` only the fragment) and exchanging the parts marked `data-live`; an event that is lost costs
//! nothing, because every reconnect fetches all. An event `ping` every 15 s keeps the stream open; the script calls
//! the box unreachable when nothing has come for 40 s.

pub mod case;
pub mod case_view;
pub mod cases;
pub mod consent_receipt;
pub mod devices;
pub mod errors;
pub mod findings;
pub mod frame;
pub mod licence;
pub mod receipt;
pub mod security;
pub mod sign_in;
pub mod steps;
pub mod sync;
pub mod text;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use frame::{Bare, Frame, Notice};
pub use text::Lang;
