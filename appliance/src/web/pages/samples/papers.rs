//! What is printed: receipts and a licence's copy.

use super::{bare, screen};
use crate::web::pages::Lang;
use crate::web::pages::case::Outcome;
use crate::web::pages::consent_receipt::{AgreedLicence, ConsentReceiptPage};
use crate::web::pages::licence::LicencePage;
use crate::web::pages::receipt::{Brought, Paper, Party, ReceiptPage, Role, UsedLicence};

/// All states of these pages.
pub fn screens(lang: Lang) -> Vec<(String, String)> {
    vec![
        screen("receipt-a4", &receipt(lang, Paper::A4, Outcome::Following)),
        screen("receipt-slip", &receipt(lang, Paper::Slip, Outcome::Following)),
        screen("receipt-a4-accepted", &receipt(lang, Paper::A4, Outcome::Accept)),
        screen("receipt-consent-a4", &consent_receipt(lang, Paper::A4, false)),
        screen("receipt-consent-slip", &consent_receipt(lang, Paper::Slip, true)),
        screen("licence", &licence_copy(lang, false)),
        screen("licence-offline", &licence_copy(lang, true)),
        screen("licence-lapsed", &LicencePage { lapsed: lapsed(lang), ..licence_copy(lang, true) }),
    ]
}

fn receipt(lang: Lang, paper: Paper, outcome: Outcome) -> ReceiptPage {
    let offline = outcome != Outcome::Accept;
    let licence = |kind: &str, issuer: &str, code: &str| UsedLicence {
        kind: kind.to_owned(),
        issuer: issuer.to_owned(),
        use_code: code.to_owned(),
        checked: if offline { "离线核验 · 数据 2 小时 16 分前" } else { "在线核验 15:33" }.to_owned(),
    };
    ReceiptPage {
        frame: bare(lang),
        id: "01JD3X8".to_owned(),
        paper,
        number: "510199-W01-20261121-0042".to_owned(),
        item: "食品经营许可证核发（新办）".to_owned(),
        department: "示例县市场监督管理局".to_owned(),
        people: vec![
            Party {
                role: Role::Organisation,
                name: "示例县清源餐饮服务有限公司".to_owned(),
                number: "9123**********017W".to_owned(),
            },
            Party { role: Role::Agent, name: "陈*".to_owned(), number: "519***********0034".to_owned() },
        ],
        window: "1 号窗口 李强".to_owned(),
        at: "2026-11-21 15:36:02".to_owned(),
        outcome,
        sentence: if offline {
            "您的申请已登记。线路恢复后由省级中心复核证照，复核通过后正式受理并通知您；复核未通过会告诉您补什么。"
        } else {
            "您的申请已受理，5 个工作日内办结，结果短信通知。"
        }
        .to_owned(),
        offline,
        licences: vec![
            licence("营业执照", "9123**********017W", "LX-3F7A-001204-K"),
            licence("居民身份证", "519***********0011", "LX-3F7A-001205-M"),
        ],
        brought: vec![
            Brought { name: "经营场所平面图".to_owned(), how: lang.t("已收原件").to_owned() },
            Brought { name: "从业人员健康证".to_owned(), how: lang.fill("已收扫描件 {} 份", &[&2]) },
        ],
        about_use: lang.t("对用证授权有疑问或要撤回，请到任一窗口凭本回执办理。").to_owned(),
        to_follow: if offline { vec!["食品安全管理制度文本".to_owned()] } else { vec![] },
        all_here: false,
        follow_by: if offline { "2026-11-28" } else { "" }.to_owned(),
        promise: "承诺 5 个工作日".to_owned(),
        qr: sample_qr(),
        entry: "台账 3F7A-2 第 1204 号".to_owned(),
        digest: "SHA-256 7c1e 90af 33d2 8b64".to_owned(),
    }
}

fn consent_receipt(lang: Lang, paper: Paper, withdrawn: bool) -> ConsentReceiptPage {
    let licence = |kind: &str, fields: &str, code: &str| AgreedLicence {
        kind: kind.to_owned(),
        fields: fields.to_owned(),
        use_code: code.to_owned(),
    };
    ConsentReceiptPage {
        frame: bare(lang),
        id: "01JD3X8".to_owned(),
        paper,
        by_office: false,
        number: "510199-W01-20261121-0042".to_owned(),
        item: "食品经营许可证核发（新办）".to_owned(),
        department: "示例县市场监督管理局".to_owned(),
        person: "王*".to_owned(),
        on_behalf_of: "示例县清源餐饮服务有限公司".to_owned(),
        window: "1 号窗口".to_owned(),
        at: "2026-11-21 15:33:20".to_owned(),
        basis: "持证人授权".to_owned(),
        basis_text: String::new(),
        agreed: vec![
            licence("营业执照", "名称、统一社会信用代码、住所", "LX-*********04-K"),
            licence("居民身份证", "姓名、公民身份号码", "LX-*********05-M"),
        ],
        refused: vec!["健康证明".to_owned()],
        valid: hall_domain::consent::record::VALIDITY.to_owned(),
        withdrawal: hall_domain::consent::record::WITHDRAWAL.to_owned(),
        withdrawn: if withdrawn { "2026-11-22 09:10:00" } else { "" }.to_owned(),
        offline: true,
        qr: sample_qr(),
        entry: "台账 3F7A-2 第 1199 号".to_owned(),
        digest: "7c1e90af33d28b64".to_owned(),
    }
}

fn licence_copy(lang: Lang, offline: bool) -> LicencePage {
    let field = |label: &str, value: &str| (label.to_owned(), value.to_owned());
    LicencePage {
        frame: bare(lang),
        id: "01JD3X8".to_owned(),
        kind: "营业执照".to_owned(),
        licence: "1.2.156.3005.2.11100000000013338W011.11519900MATE5T1132.202100017.001.J".to_owned(),
        issuer: "示例县市场监督管理局".to_owned(),
        holder: "示例县清源餐饮服务有限公司".to_owned(),
        valid_until: "长期".to_owned(),
        fields: vec![
            field("名称", "示例县清源餐饮服务有限公司"),
            field("统一社会信用代码", "91519900MATE5T1132"),
            field("住所", "四川省示例县桐花街道听雨路18号一层"),
        ],
        item: "食品经营许可证核发（新办）".to_owned(),
        number: "510199-W01-20261121-0042".to_owned(),
        use_code: "LX-3F7A-001204-K".to_owned(),
        checked: "在线核验 · 状态截至 2026-11-21 15:33:40".to_owned(),
        offline,
        lapsed: String::new(),
        digest: "7c1e90af33d28b64".to_owned(),
        seen: "李强 2026-11-21 15:36:02".to_owned(),
    }
}

/// A pattern that takes the room of a QR code.
fn sample_qr() -> String {
    let mut path = String::new();
    for y in 0..29_u32 {
        for x in 0..29_u32 {
            if (x * 7 + y * 13 + x * y) % 5 < 2 {
                path.push_str(&format!("M{x} {y}h1v1h-1z"));
            }
        }
    }
    format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="-2 -2 33 33"><path d="{path}"/></svg>"#)
}

fn lapsed(lang: Lang) -> String {
    format!("{}。", lang.fill("该证照已于 {} 失效，不得再使用", &[&"2026-11-20"]))
}
