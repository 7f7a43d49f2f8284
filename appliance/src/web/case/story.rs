//! 经过: each record of a case as a sentence. Nothing personal is told.

use crate::web::pages::Lang;
use crate::web::pages::frame::Tone;
use hall_domain::case::{CaseEvent, CaseRecord, ConsentEnd, Mode, PaperChoice, WithdrawnAt};
use hall_domain::{Grade, Outcome};

const BOX: &str = "一体机";
const EVALUATOR: &str = "评价器";

/// A record as a line of the timeline.
pub struct Told {
    /// What happened.
    pub what: String,
    /// Who or what said so.
    pub by: String,
    /// Its tone.
    pub tone: Tone,
}

/// Tells a record. `clerk` gives the name behind an account.
pub fn tell(record: &CaseRecord, clerk: impl Fn(&str) -> String, lang: Lang) -> Told {
    let clerk = clerk(record.clerk.as_str());
    let by_clerk = |what: String, tone| Told { what, by: clerk.clone(), tone };
    let by = |by: &str, what: String, tone| Told { what, by: lang.t(by).to_owned(), tone };
    match &record.event {
        CaseEvent::Opened { window, .. } => {
            Told {
                what: lang.t("开办件").to_owned(), by: format!("{clerk} · {window}"), tone: Tone::Plain
            }
        }
        CaseEvent::OrganisationNamed { organisation } => by_clerk(
            match organisation.register {
                Some(_) => lang.t("填写统一社会信用代码，已查到登记信息").to_owned(),
                None => lang.t("填写统一社会信用代码，没有查到登记信息").to_owned(),
            },
            Tone::Plain,
        ),
        CaseEvent::Identified { card, expired, .. } => {
            let document = card.document.kind().zh();
            match expired {
                true => by("读卡器", lang.fill("读取{}，已过有效期", &[&document]), Tone::Old),
                false => by("读卡器", lang.fill("读取{}", &[&document]), Tone::Good),
            }
        }
        CaseEvent::PaperMandateStated { .. } => {
            by_clerk(lang.t("录入纸质委托书，委托人未经核验").to_owned(), Tone::Old)
        }
        CaseEvent::PaperMandateDropped => by_clerk(lang.t("不再凭纸质委托书办理").to_owned(), Tone::Plain),
        CaseEvent::PhoneAsked { challenge, .. } => {
            by_clerk(lang.fill("在评价器上显示二维码：{}", &[&lang.t(challenge.ask.zh())]), Tone::Plain)
        }
        CaseEvent::PhoneAskEnded { .. } => by(BOX, lang.t("二维码没有等到应答").to_owned(), Tone::Old),
        CaseEvent::Proven { way, subject, proof, .. } => by(
            proof.carrier.zh(),
            lang.fill("{}核验通过（{}）", &[&lang.t(way.zh()), &lang.t(subject.capacity.zh())]),
            Tone::Good,
        ),
        CaseEvent::PersonConfirmed { note } => by_clerk(
            lang.t(if note.is_some() { "人证一致，已写备注" } else { "人证一致" }).to_owned(),
            Tone::Good,
        ),
        CaseEvent::IdentityCleared { .. } => by_clerk(lang.t("重新核验，原核验作废").to_owned(), Tone::Old),
        CaseEvent::Listed { mode, rows, .. } => {
            let found = rows.iter().filter(|row| row.licence.is_some()).count();
            let from = match mode {
                Mode::Online => "省级中心",
                Mode::Offline => "本机缓存",
            };
            by(
                BOX,
                lang.fill(
                    "列出免证清单：{} 项材料，{} 项查到证照（{}）",
                    &[&rows.len(), &found, &lang.t(from)],
                ),
                Tone::Plain,
            )
        }
        CaseEvent::LicencesShown { rows, proof, .. } => match rows.len() {
            0 => by(proof.carrier.zh(), lang.t("手机答复：没有所需证照").to_owned(), Tone::Old),
            some => {
                by(proof.carrier.zh(), lang.fill("手机出示证照 {} 项，省级中心已签发", &[&some]), Tone::Good)
            }
        },
        CaseEvent::Rechecked { .. } => by(BOX, lang.t("线路恢复，向省级中心重新核验").to_owned(), Tone::Good),
        CaseEvent::AliasConfirmed { .. } => {
            by_clerk(lang.t("核对曾用证件号，是同一人").to_owned(), Tone::Good)
        }
        CaseEvent::AliasReverted { .. } => by_clerk(lang.t("撤销曾用证件号的核对").to_owned(), Tone::Old),
        CaseEvent::ConsentAsked { request, .. } => {
            by_clerk(lang.fill("请办事人授权使用证照 {} 项", &[&request.rows.len()]), Tone::Plain)
        }
        CaseEvent::ConsentExtended { .. } => {
            by(EVALUATOR, lang.t("办事人延长了时间").to_owned(), Tone::Plain)
        }
        CaseEvent::ConsentGiven { refused, .. } => match refused.len() {
            0 => by(EVALUATOR, lang.t("办事人同意用证").to_owned(), Tone::Good),
            some => by(EVALUATOR, lang.fill("办事人同意用证，其中 {} 项不同意", &[&some]), Tone::Good),
        },
        CaseEvent::ConsentCarried { refused, proof, .. } => match refused.len() {
            0 => by(proof.carrier.zh(), lang.t("在手机上同意用证，省级中心已记录").to_owned(), Tone::Good),
            some => {
                by(proof.carrier.zh(), lang.fill("在手机上同意用证，其中 {} 项不同意", &[&some]), Tone::Good)
            }
        },
        CaseEvent::AcknowledgeAsked { .. } => by_clerk(lang.t("请代办人确认").to_owned(), Tone::Plain),
        CaseEvent::Acknowledged { .. } => by(EVALUATOR, lang.t("代办人已确认").to_owned(), Tone::Good),
        CaseEvent::AcknowledgeEnded { .. } => by(BOX, lang.t("代办人没有确认").to_owned(), Tone::Old),
        CaseEvent::OfficeNoticed { .. } => {
            by(EVALUATOR, lang.t("依职能查验已告知办事人").to_owned(), Tone::Good)
        }
        CaseEvent::ConsentWithdrawn { at, .. } => by(
            match at {
                WithdrawnAt::Window => "窗口",
                WithdrawnAt::Phone => "手机",
                WithdrawnAt::Centre => "省级中心",
            },
            lang.t("办事人撤回授权，证照内容已移除").to_owned(),
            Tone::Old,
        ),
        CaseEvent::ConsentRefused { .. } => by(EVALUATOR, lang.t("办事人不同意用证").to_owned(), Tone::Old),
        CaseEvent::ConsentEnded { reason, .. } => match reason {
            ConsentEnd::TimedOut => by(BOX, lang.t("授权超时，办事人没有操作").to_owned(), Tone::Old),
            ConsentEnd::Cancelled => by_clerk(lang.t("撤回授权页面").to_owned(), Tone::Plain),
            ConsentEnd::Unreachable => by(BOX, lang.t("评价器没有显示授权页面").to_owned(), Tone::Old),
            ConsentEnd::Rejected => by(BOX, lang.t("评价器退回了授权页面").to_owned(), Tone::Old),
            ConsentEnd::Declined => by(EVALUATOR, lang.t("办事人关闭了页面").to_owned(), Tone::Old),
        },
        CaseEvent::LicencesUsed { uses } => {
            by(BOX, lang.fill("打开证照 {} 项，用于填表", &[&uses.len()]), Tone::Plain)
        }
        CaseEvent::FormFilled { .. } => by(BOX, lang.t("按证照和证件填写表单").to_owned(), Tone::Plain),
        CaseEvent::FormSaved { values } => {
            by_clerk(lang.fill("保存表单，改动 {} 栏", &[&values.len()]), Tone::Plain)
        }
        CaseEvent::FieldReleased { .. } => by_clerk(lang.t("改为人工填写一栏").to_owned(), Tone::Old),
        CaseEvent::FieldRestored { .. } => by_clerk(lang.t("恢复一栏的来源内容").to_owned(), Tone::Plain),
        CaseEvent::Committed { taken } => by_clerk(
            lang.t(if *taken { "办事人作出告知承诺" } else { "撤销告知承诺" }).to_owned(),
            Tone::Plain,
        ),
        CaseEvent::PaperChosen { material, choice } => match choice {
            PaperChoice::Original => by_clerk(lang.fill("材料 {} 收到原件", &[material]), Tone::Plain),
            PaperChoice::ToFollow => by_clerk(lang.fill("材料 {} 容缺后补", &[material]), Tone::Old),
        },
        CaseEvent::AttachmentAdded { attachment } => {
            by_clerk(lang.fill("上传附件 {}", &[&attachment.name]), Tone::Plain)
        }
        CaseEvent::AttachmentRemoved { id } => by_clerk(lang.fill("移除附件 {}", &[id]), Tone::Plain),
        CaseEvent::AttachmentRestored { id } => by_clerk(lang.fill("恢复附件 {}", &[id]), Tone::Plain),
        CaseEvent::Submitted { judgement, second, supervisor, .. } => {
            let tone = if judgement.outcome == Outcome::Accept { Tone::Good } else { Tone::Old };
            let signed = match (second, supervisor) {
                (Some(_), Some(_)) => "，经复核并由值班主管授权",
                (Some(_), None) => "，经第二人复核",
                (None, Some(_)) => "，由值班主管授权",
                (None, None) => "",
            };
            by_clerk(lang.fill("提交：{}{}", &[&lang.t(judgement.outcome.zh()), &lang.t(signed)]), tone)
        }
        CaseEvent::MaterialSupplied { attachment } => match &attachment.material {
            Some(material) => {
                by_clerk(lang.fill("补交材料 {}：{}", &[material, &attachment.name]), Tone::Good)
            }
            None => by_clerk(lang.fill("补交有效身份证件：{}", &[&attachment.name]), Tone::Good),
        },
        CaseEvent::PackageSealed { .. } => by(BOX, lang.t("封存预归档包").to_owned(), Tone::Plain),
        CaseEvent::RatingAsked { .. } => by_clerk(lang.t("邀请办事人评价").to_owned(), Tone::Plain),
        CaseEvent::Rated { level, .. } => {
            let grade = Grade::try_from(*level).map(|grade| grade.zh()).unwrap_or("已评价");
            by(
                EVALUATOR,
                lang.fill("评价：{}", &[&lang.t(grade)]),
                if *level >= 3 { Tone::Good } else { Tone::Old },
            )
        }
        CaseEvent::RatingEnded => by(BOX, lang.t("办事人没有评价").to_owned(), Tone::Plain),
        CaseEvent::Abandoned { reason } => {
            by_clerk(lang.fill("终止办件：{}", &[&lang.t(reason_words(reason))]), Tone::Old)
        }
        CaseEvent::Reopened => by_clerk(lang.t("恢复办理").to_owned(), Tone::Plain),
        CaseEvent::TakenOver { window } => {
            Told {
                what: lang.t("接手办件").to_owned(), by: format!("{clerk} · {window}"), tone: Tone::Plain
            }
        }
    }
}

/// Why a case was given up, in words.
pub fn reason_words(reason: &str) -> &str {
    match reason {
        "left" => "办事人离开",
        "wrong-item" => "选错事项",
        "materials" => "材料不齐",
        "other" => "其他原因",
        words => words,
    }
}
