//! 回执核验: what a box printed, for whoever holds it.

use super::views::without_null;
use super::{Answer, body, json, seconds};
use crate::app::App;
use crate::citizen::receipt::{self, Progress, Standing};
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use hall_domain::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Printed {
    receipt: String,
}

/// For anybody who holds a box's printed receipt. Says nothing about whom or what.
pub async fn verify(State(app): State<Arc<App>>, request: Result<Bytes, BytesRejection>) -> Answer {
    let Printed { receipt } = body(request)?;
    Ok(json(shown(receipt::verify(&app, &receipt).await?)))
}

fn shown(standing: Standing) -> Value {
    let (about, state, message) = match standing {
        Standing::InForce(_) => ("consent", "in_force", "回执真实，授权有效。".to_owned()),
        Standing::Ended(_) => ("consent", "ended", "回执真实：办件已终止，授权随之结束。".to_owned()),
        Standing::Withdrawn(..) => ("consent", "withdrawn", "回执真实，授权已撤回。".to_owned()),
        Standing::LegalBasis(_) => {
            ("consent", "legal_basis", "回执真实：依职能查验，已告知办事人，不需要授权。".to_owned())
        }
        Standing::Case(_, progress) => {
            let (state, message) = case_progress(progress);
            ("case", state, format!("回执真实：{message}"))
        }
        Standing::AtBox => {
            ("", "at_box", "签名真实：一体机已登记，尚未传到省级中心，请稍后再查。".to_owned())
        }
        Standing::Erased => ("", "erased", "回执真实，登记的内容已按规定清除。".to_owned()),
        Standing::Forged => ("", "unknown", "与记录不符，请勿采信这张回执。".to_owned()),
    };
    let agreed = match standing {
        Standing::InForce(at)
        | Standing::Ended(at)
        | Standing::Withdrawn(at, _)
        | Standing::LegalBasis(at) => Some(at),
        _ => None,
    };
    let (withdrawn, submitted, decided) = match standing {
        Standing::Withdrawn(_, since) => (Some(since), None, None),
        Standing::Case(at, Progress::Passed(decided) | Progress::Returned(decided)) => {
            (None, Some(at), Some(decided))
        }
        Standing::Case(at, _) => (None, Some(at), None),
        _ => (None, None, None),
    };
    without_null(json!({
        "genuine": state != "unknown",
        "arrived": !matches!(state, "unknown" | "at_box"),
        "about": Some(about).filter(|about| !about.is_empty()),
        "state": state,
        "message": message,
        "agreed_on": agreed.map(Timestamp::local_date),
        "withdrawn_at": withdrawn.map(seconds),
        "submitted_on": submitted.map(Timestamp::local_date),
        "decided_on": decided.map(Timestamp::local_date),
    }))
}

fn case_progress(progress: Progress) -> (&'static str, String) {
    let (state, message) = match progress {
        Progress::TakenIn => ("taken_in", "已收件，尚未受理。"),
        Progress::Received => ("received", "已登记，等待省级中心复核。"),
        Progress::Following(None) => ("following", "还有材料要补交，请带上这张回执到大厅窗口办理。"),
        Progress::Following(Some(until)) => {
            let by = until.local_date();
            return ("following", format!("还有材料要补交，请在 {by} 前带上材料和这张回执到大厅窗口办理。"));
        }
        Progress::Passed(_) => ("passed", "省级中心已复核通过，办件生效。"),
        Progress::Returned(_) => {
            ("returned", "省级中心复核后退回，未予受理。请带上这张回执到大厅窗口询问原因。")
        }
        Progress::InDoubt => ("in_doubt", "省级中心正在核对，大厅会与您联系，也可拨打 12345 查询。"),
    };
    (state, message.to_owned())
}
