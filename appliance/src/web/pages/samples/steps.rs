//! The steps of the sample case in every state.

use crate::web::pages::case::{CitizenScreen, Outcome};
use crate::web::pages::steps::*;

use super::case::ITEM;

/// The item.
pub fn item() -> ItemStep {
    ItemStep {
        code: "11519900MBTE5T0968400012300100".to_owned(),
        department: "示例县市场监督管理局".to_owned(),
        promise: "承诺 5 个工作日".to_owned(),
        tier: "T2 中".to_owned(),
        catalogue: 12,
        materials: vec![
            guide("营业执照", true, Some("营业执照")),
            guide("法定代表人身份证明", true, Some("居民身份证")),
            guide("食品安全管理人员健康证明", true, Some("从业人员健康证明")),
            guide("经营场所平面布局图", true, None),
            guide("食品安全管理制度文本", false, None),
        ],
        offline: "可登记，须第二名窗口人员复核，联网复核后生效。".to_owned(),
    }
}

fn guide(name: &str, required: bool, replaced_by: Option<&str>) -> GuideMaterial {
    GuideMaterial { name: name.to_owned(), required, replaced_by: replaced_by.map(str::to_owned) }
}

fn identify(reader: Reader, reading: Reading) -> IdentifyStep {
    IdentifyStep {
        organisation: Some(OrganisationEntry {
            uscc: "91239900MATE5T017W".to_owned(),
            error: None,
            caution: None,
            name: "示例县清源餐饮服务有限公司".to_owned(),
            representative: "王*".to_owned(),
            age_s: Some(42),
        }),
        reader,
        can_restart: true,
        kept: false,
        mandate: Box::new(MandateEntry { can_change: true, ..MandateEntry::default() }),
        principal: None,
        phone_blocked: None,
        reading,
    }
}

fn person(name: &str) -> Box<Person> {
    Box::new(Person {
        reading: "01JD3XA".to_owned(),
        name: name.to_owned(),
        english_name: String::new(),
        document: "居民身份证".to_owned(),
        number: "519***********0011".to_owned(),
        sex: "女".to_owned(),
        nation: "汉族".to_owned(),
        birth: "1990-03-07".to_owned(),
        address: "四川省示例市示例县清源镇建设路 18 号 3 栋 2 单元 501".to_owned(),
        authority: "示例县公安局".to_owned(),
        validity: "2018-03-01 至 长期".to_owned(),
        photo: None,
    })
}

/// 核验 in every state.
pub fn identify_states() -> Vec<(&'static str, IdentifyStep)> {
    let since = "15:12".to_owned();
    let mut code = identify(Reader::Ready, Reading::Idle);
    code.organisation = Some(OrganisationEntry {
        uscc: "91239900MATE5T017X".to_owned(),
        error: Some("统一社会信用代码最后一位校验不符，请对照营业执照核对后再输入。".to_owned()),
        caution: None,
        name: String::new(),
        representative: String::new(),
        age_s: None,
    });
    let mut pilot = identify(Reader::Ready, Reading::Idle);
    if let Some(entry) = &mut pilot.organisation {
        entry.caution = Some("登记库里没有这个单位，只能收件；请核对代码或线路恢复后再查。".to_owned());
        entry.name = String::new();
        entry.representative = String::new();
        entry.age_s = None;
    }
    let mut alone = identify(Reader::Ready, Reading::Idle);
    alone.organisation = None;
    let choice = |code, zh, chosen| DocumentChoice { code, zh, chosen };
    let mut paper_wrong = identify(Reader::Ready, Reading::Idle);
    paper_wrong.organisation = None;
    *paper_wrong.mandate = MandateEntry {
        can_change: true,
        kinds: vec![choice("resident_id", "居民身份证", true), choice("passport", "普通护照", false)],
        name: "王芳".to_owned(),
        number: "519900199003070012".to_owned(),
        error: Some("公民身份号码最后一位校验不符，请对照证件核对后再输入。".to_owned()),
        stated: None,
    };
    let mut paper = identify(Reader::Ready, Reading::Idle);
    paper.organisation = None;
    *paper.mandate = MandateEntry {
        can_change: true,
        stated: Some(StatedMandate {
            principal: "王*".to_owned(),
            number: "5199**********0011".to_owned(),
            sentence: "纸质委托书无法当场核验，不能凭它代办本事项。".to_owned(),
            raise: Some("请委托人在手机上办理电子委托并确认本次办理，可提升至“受理”。".to_owned()),
        }),
        ..MandateEntry::default()
    };
    let ready = |reading| identify(Reader::Ready, reading);
    let again = |why| Reading::Again { why, left_ms: 31_000, total_ms: 60_000 };
    let phone = |ask, scan| ready(Reading::Phone { ask, scan, left_ms: 250_000, total_ms: 300_000 });
    let failed = |why| ready(Reading::Failed { why, number: "R-0B7K2".to_owned() });
    vec![
        ("person", alone),
        ("paper-wrong", paper_wrong),
        ("paper", paper),
        ("ready", ready(Reading::Idle)),
        ("uscc-wrong", code),
        ("uscc-unknown", pilot),
        ("waiting", ready(Reading::Waiting { last_card: false, left_ms: 47_000, total_ms: 60_000 })),
        ("waiting-last-card", ready(Reading::Waiting { last_card: true, left_ms: 47_000, total_ms: 60_000 })),
        ("phone-code", phone("出示办事码", true)),
        ("phone-face", phone("窗口刷脸", false)),
        (
            "not-taken",
            ready(Reading::NotTaken {
                why: "这个应答不属于本办件，没有采用。请重新出二维码再扫。".to_owned(),
                number: "R137".to_owned(),
            }),
        ),
        ("reading", ready(Reading::Reading)),
        ("returning", identify(Reader::Returning, Reading::Idle)),
        (
            "returning-asked",
            identify(Reader::Returning, Reading::Returning { left_ms: 28_000, total_ms: 30_000 }),
        ),
        ("again", ready(again(Again::Lifted))),
        ("again-alone", ready(again(Again::Failed))),
        ("lifted", failed(ReadFailure::Lifted)),
        ("unreadable", failed(ReadFailure::Unreadable)),
        ("garbled", failed(ReadFailure::Garbled)),
        ("timed-out", failed(ReadFailure::TimedOut)),
        ("silent", failed(ReadFailure::Silent)),
        ("social-security-card", failed(ReadFailure::SocialSecurityCard)),
        ("busy", identify(Reader::Stuck, failed(ReadFailure::Busy).reading)),
        ("service-down", identify(Reader::ServiceDown, failed(ReadFailure::ServiceDown).reading)),
        (
            "unplugged",
            identify(Reader::Unplugged { since: since.clone() }, failed(ReadFailure::Unplugged).reading),
        ),
        ("driver-silent", identify(Reader::Silent { since }, Reading::Idle)),
        ("no-reader", identify(Reader::None, Reading::Idle)),
        ("refused", identify(Reader::Refused, Reading::Idle)),
        (
            "other-person",
            ready(Reading::OtherPerson {
                wanted: "王*".to_owned(),
                got: "欧阳**".to_owned(),
                representative: false,
            }),
        ),
        (
            "other-representative",
            ready(Reading::OtherPerson {
                wanted: "王*".to_owned(),
                got: "阿**".to_owned(),
                representative: true,
            }),
        ),
        (
            "expired",
            ready(Reading::Expired {
                person: person("王芳"),
                on: "2024-03-01".to_owned(),
                note: String::new(),
                error: None,
            }),
        ),
        ("read", ready(Reading::Read(person("王芳")))),
        ("read-rare", ready(Reading::Read(person("阿卜杜热合曼·买买提依明𬱖")))),
        (
            "confirmed",
            ready(Reading::Confirmed(Identified {
                name: "王*".to_owned(),
                document: "居民身份证".to_owned(),
                number: "519***********0011".to_owned(),
                at: "15:30".to_owned(),
                grade: "读卡 + 人证一致".to_owned(),
                caution: Some("证件已过期，按容缺继续：办事人称新证办理中。".to_owned()),
            })),
        ),
    ]
}

/// Rows of a list with every kind of row.
pub fn rows(decided: bool, offline: bool) -> Vec<MaterialRow> {
    let decision = |agreed| match (decided, agreed) {
        (false, _) => Decision::Pending,
        (true, true) => Decision::Agreed,
        (true, false) => Decision::Refused,
    };
    let licence = |kind: &str, number: &str, status, age_s: u64| {
        Some(LicenceCell {
            kind: kind.to_owned(),
            number: number.to_owned(),
            holder: "示例县清源餐饮**".to_owned(),
            under: String::new(),
            status,
            checked: Checked {
                age_s: if offline { age_s + 8_160 } else { age_s },
                stale: offline && status == LicenceState::Changing,
                limit: match (offline, status) {
                    (false, _) => "省级中心为本次办理核实",
                    (true, LicenceState::Changing) => "已超过 2 小时时限",
                    (true, _) => "在 24 小时时限内",
                }
                .to_owned(),
                source: if offline { Source::Cache } else { Source::Centre },
                grade: if offline { "L3" } else { "L4" }.to_owned(),
                grade_words: if offline {
                    "缓存证照，状态清单在时限内"
                } else {
                    "刚刚在省级中心核验"
                }
                .to_owned(),
            },
        })
    };
    let row = |id: &str, name: &str, required, how, licence, reason: &str, decision| MaterialRow {
        id: id.to_owned(),
        name: name.to_owned(),
        required,
        how,
        licence,
        reason: reason.to_owned(),
        decision,
        opened: decided && decision == Decision::Agreed,
    };
    use LicenceState::{Changing, Revoked, Valid};
    vec![
        row(
            "m1",
            "营业执照",
            true,
            How::Waived,
            licence("营业执照", "9123**********017W", Valid, 4),
            "",
            decision(true),
        ),
        row(
            "m2",
            "法定代表人身份证明",
            true,
            How::Waived,
            licence("居民身份证", "519***********0011", Valid, 4),
            "",
            decision(true),
        ),
        row(
            "m3",
            "食品安全管理人员健康证明",
            true,
            if decided { How::Original } else { How::Waived },
            licence("从业人员健康证明", "JK23***118", if offline { Changing } else { Valid }, 190),
            if decided { "办事人不同意用证，请收原件。" } else { "" },
            decision(false),
        ),
        row(
            "m4",
            "原食品经营许可证",
            false,
            How::Original,
            licence("食品经营许可证", "JY15***204", Revoked, 4),
            "证照已注销，不能使用。",
            Decision::NotAsked,
        ),
        row(
            "m5",
            "经营场所平面布局图",
            true,
            How::Original,
            None,
            "没有可代替的电子证照。",
            Decision::NotAsked,
        ),
        row(
            "m6",
            "食品安全管理制度文本",
            false,
            How::Following,
            None,
            "可在 7 天内补交。",
            Decision::NotAsked,
        ),
    ]
}

/// 清单 in every state.
pub fn list_states() -> Vec<(&'static str, ListStep)> {
    let full = |offline| ListStep {
        rows: rows(false, offline),
        can_refresh: !offline,
        push_blocked: None,
        by_principal: false,
        asked: 3,
        office: Some(office()),
        to_show: 0,
        showing: None,
        not_taken: None,
        aliased: Vec::new(),
    };
    let lacking = ListStep { to_show: 2, ..full(true) };
    let showing = Some(Showing { scan: true, left_ms: 282_000, total_ms: 300_000 });
    let showing = ListStep { showing, ..lacking.clone() };
    let not_taken = Some(("这个应答不属于本办件，请重新出二维码再扫。".to_owned(), "R137".to_owned()));
    let not_taken = ListStep { not_taken, ..lacking.clone() };
    let mut aliased = full(true);
    let found = aliased.rows.iter().find_map(|row| row.licence.clone());
    aliased.aliased = found
        .into_iter()
        .flat_map(|licence| [alias(licence.clone(), None), alias(licence, Some("15:36"))])
        .collect();
    let mut blocked = full(false);
    blocked.push_blocked = Some("评价器离线，15:31 起；恢复前可改用纸质材料。".to_owned());
    vec![
        ("full", full(false)),
        ("offline", full(true)),
        ("blocked", blocked),
        ("lacking", lacking),
        ("showing", showing),
        ("not-taken", not_taken),
        ("aliased", aliased),
    ]
}

/// A licence under an earlier number.
fn alias(licence: LicenceCell, confirmed: Option<&str>) -> AliasRow {
    AliasRow {
        alias: "a7".repeat(16),
        material: "居民户口簿".to_owned(),
        number: "519********7001".to_owned(),
        kind: "15 位旧身份证号码".to_owned(),
        source: "示例县公安局户籍核查".to_owned(),
        since: "2001-06-01".to_owned(),
        licence,
        confirmed: confirmed.map(ToOwned::to_owned),
    }
}

/// 授权 in one state.
pub fn consent(state: ConsentState) -> ConsentStep {
    let decided = matches!(state, ConsentState::Agreed { .. });
    ConsentStep {
        rows: rows(decided, false).into_iter().filter(|row| row.decision != Decision::NotAsked).collect(),
        state,
        on_paper: 3,
        push_blocked: None,
        by_principal: false,
        can_withdraw: decided,
        office: (!decided).then(office),
    }
}

fn office() -> OfficeForm {
    OfficeForm {
        bases: vec!["《社会保险法》第七十四条".to_owned()], account: String::new(), error: None
    }
}

/// 授权 in every state, with what the citizen sees.
pub fn consent_states() -> Vec<(&'static str, ConsentState, CitizenScreen)> {
    let at = || "15:34".to_owned();
    let shown = CitizenScreen::Authorise {
        item: ITEM.to_owned(),
        licences: ["营业执照", "居民身份证", "从业人员健康证明"].map(str::to_owned).to_vec(),
        left_ms: 92_000,
    };
    let result = |text: &str, agreed| CitizenScreen::Result { text: text.to_owned(), agreed };
    let sent =
        |for_ms, returning| ConsentState::Sent { for_ms, returning, left_ms: 118_000, total_ms: 120_000 };
    let by_phone =
        |principal, scan| ConsentState::Phone { principal, scan, left_ms: 250_000, total_ms: 300_000 };
    let code = |ask| CitizenScreen::Code { ask, left_ms: 250_000 };
    vec![
        ("none", ConsentState::NotAsked, CitizenScreen::Idle),
        ("isolated", ConsentState::NotAsked, CitizenScreen::Isolated),
        ("sent", sent(200, false), CitizenScreen::Sending),
        ("sent-slow", sent(3_600, false), CitizenScreen::Sending),
        ("shown", ConsentState::Shown { left_ms: 92_000, total_ms: 240_000, extended: 1 }, shown),
        ("phone", by_phone(false, false), code("手机授权")),
        ("principal", by_phone(true, true), code("委托人确认")),
        (
            "noticing",
            ConsentState::Noticing {
                basis: "《社会保险法》第七十七条".to_owned(),
                left_ms: 92_000,
                total_ms: 120_000,
            },
            CitizenScreen::Notice { title: "依职能查验告知" },
        ),
        (
            "acknowledging",
            ConsentState::Acknowledging { waiting: true },
            CitizenScreen::Notice { title: "代办人确认" },
        ),
        ("unacknowledged", ConsentState::Acknowledging { waiting: false }, CitizenScreen::Idle),
        (
            "office",
            ConsentState::Office { at: at(), basis: "《社会保险法》第七十七条".to_owned() },
            CitizenScreen::Idle,
        ),
        ("withdrawn", ConsentState::Withdrawn { at: at() }, CitizenScreen::Idle),
        ("agreed", ConsentState::Agreed { at: at(), agreed: 3, refused: 0 }, result("授权成功", true)),
        ("agreed-part", ConsentState::Agreed { at: at(), agreed: 2, refused: 1 }, result("授权成功", true)),
        ("refused", ConsentState::Refused { at: at() }, result("您已选择不同意", false)),
        ("timed-out", ConsentState::TimedOut { at: at() }, CitizenScreen::Idle),
        ("cancelled", ConsentState::Cancelled { at: at() }, CitizenScreen::Idle),
        ("no-evaluator", ConsentState::NoEvaluator, CitizenScreen::None),
        ("offline", ConsentState::Offline { since: at() }, CitizenScreen::Offline { since: at() }),
        ("returning", ConsentState::NotAsked, CitizenScreen::Returning),
        ("returning-asked", sent(2_000, true), CitizenScreen::Returning),
        ("rejected", ConsentState::Rejected { number: "R-0B7K2".to_owned() }, CitizenScreen::Idle),
        ("paper", ConsentState::Paper { at: at() }, CitizenScreen::Idle),
    ]
}

fn field(key: &str, label: &str, input: Input, value: &str, mark: Mark) -> Field {
    Field {
        key: key.to_owned(),
        label: label.to_owned(),
        input,
        value: value.to_owned(),
        required: true,
        hint: String::new(),
        mark,
        was: None,
        error: None,
    }
}

/// 表单, with or without mistakes.
pub fn form(mistakes: bool) -> FormStep {
    let licence = || Mark::Licence { kind: "营业执照".to_owned() };
    let mut phone = field("phone", "联系电话", Input::Phone, "1800000", Mark::Manual);
    phone.hint = "11 位手机号，用于通知办理结果".to_owned();
    let mut area = field("area", "经营面积（平方米）", Input::Number, "", Mark::Empty);
    let mut address = field(
        "address",
        "经营场所",
        Input::LongText,
        "四川省示例市示例县清源镇建设路 20 号一楼",
        Mark::Changed,
    );
    address.was = Some("四川省示例市示例县清源镇建设路 18 号".to_owned());
    if mistakes {
        phone.error = Some("联系电话要 11 位手机号，以 1 开头。".to_owned());
        area.error = Some("请填写经营面积。".to_owned());
    } else {
        phone.value = "18000000123".to_owned();
    }
    FormStep {
        fields: vec![
            field("name", "单位名称", Input::Text, "示例县清源餐饮服务有限公司", licence()),
            field("uscc", "统一社会信用代码", Input::Text, "91239900MATE5T017W", licence()),
            field("representative", "法定代表人", Input::Text, "王芳", Mark::Card),
            field("representative_id", "法定代表人证件号码", Input::Text, "519***********0011", Mark::Card),
            field("registered", "成立日期", Input::Date, "2021-05-18", Mark::Registry),
            phone,
            address,
            field(
                "kind",
                "主体业态",
                Input::Choice(vec!["餐饮服务经营者".to_owned(), "食品销售经营者".to_owned(), "单位食堂".to_owned()]),
                "餐饮服务经营者",
                Mark::Manual,
            ),
            area,
        ],
        mistakes: if mistakes {
            vec![
                Mistake { anchor: "f.phone".to_owned(), text: "联系电话要 11 位手机号，以 1 开头。".to_owned() },
                Mistake { anchor: "f.area".to_owned(), text: "请填写经营面积。".to_owned() },
                Mistake { anchor: "commitment".to_owned(), text: "请向办事人说明告知承诺并勾选。".to_owned() },
            ]
        } else {
            vec![]
        },
        uploads: vec![
            Upload {
                material: "m5".to_owned(),
                name: "经营场所平面布局图".to_owned(),
                required: true,
                reason: String::new(),
                files: vec![
                    attachment(1, "平面布局图-一楼.pdf", AttachmentKind::Pdf, 2_214_331),
                    attachment(2, "平面布局图-后厨.jpg", AttachmentKind::Image, 884_120),
                ],
                scan_only: false,
                choice: None,
                error: None,
            },
            Upload {
                material: "m3".to_owned(),
                name: "食品安全管理人员健康证明".to_owned(),
                required: true,
                reason: "办事人不同意用证，请收原件。".to_owned(),
                files: vec![],
                scan_only: false,
                choice: None,
                error: mistakes.then(|| "“健康证.exe.pdf”不是 PDF 或图片，没有保存；请重新扫描。".to_owned()),
            },
        ],
        commitment: Some(Commitment {
            text: "申请人承诺所填写的信息真实、准确，经营条件符合《食品经营许可和备案管理办法》的要求，愿意接受核查；如有不实，承担相应法律责任。"
                .to_owned(),
            taken: false,
            error: mistakes.then(|| "请向办事人说明告知承诺并勾选。".to_owned()),
        }),
        rev: 3,
        saved: "15:35:41".to_owned(),
        closed: false,
    }
}

/// One scan.
pub fn attachment(n: u32, name: &str, kind: AttachmentKind, bytes: u64) -> Attachment {
    Attachment { n, name: name.to_owned(), kind, bytes, thumbnail: false, at: "15:35".to_owned() }
}

/// The answers of a filled form.
pub fn answers() -> Vec<Answer> {
    form(false)
        .fields
        .into_iter()
        .map(|field| Answer { label: field.label, value: field.value, mark: field.mark })
        .collect()
}

/// 提交 with an outcome.
pub fn submit(outcome: Outcome) -> SubmitStep {
    SubmitStep {
        answers: answers(),
        materials: rows(true, outcome == Outcome::Following),
        attachments: vec![attachment(1, "平面布局图-一楼.pdf", AttachmentKind::Pdf, 2_214_331)],
        outcome,
        sentence: match outcome {
            Outcome::Accept => "在线办理，身份为读卡并人证一致，证照刚刚核验，提交后当场受理。",
            Outcome::No => "还缺必需的材料和字段。",
            _ => "断线 2 小时 16 分，证照来自本机缓存，按容缺受理登记，联网复核后生效。",
        }
        .to_owned(),
        raise: (outcome == Outcome::Following).then(|| "线路恢复后再提交可直接受理。".to_owned()),
        blockers: if outcome == Outcome::No {
            vec![
                Blocker {
                    text: "请填写经营面积。".to_owned(),
                    href: "/cases/01JD3X8?step=form#f.area".to_owned(),
                },
                Blocker {
                    text: "请上传食品安全管理人员健康证明。".to_owned(),
                    href: "/cases/01JD3X8?step=form#u.m3".to_owned(),
                },
            ]
        } else {
            vec![]
        },
        signatures: (outcome == Outcome::Following).then(|| Signatures {
            reason: "离线办理 T2 档事项，请另一名窗口人员看过材料后输入账号和密码。".to_owned(),
            second: Some(Signature {
                account: "zhaomin".to_owned(),
                error: Some("复核人不能是经办人自己，请换一名窗口人员。".to_owned()),
            }),
            supervisor: Some(Signature::default()),
            optional: true,
        }),
    }
}

/// Something came, something is still missing.
pub fn following() -> Following {
    let item = |material: &str, name: &str, files, error: Option<&str>| FollowingItem {
        material: material.to_owned(),
        name: name.to_owned(),
        files,
        error: error.map(str::to_owned),
    };
    Following {
        by: "2026-11-28".to_owned(),
        overdue: false,
        open: true,
        scans: true,
        missing: 1,
        items: vec![
            item("m4", "食品安全管理制度文本", vec![], Some("这个文件是空的，没有保存。请重新扫描后上传。")),
            item(
                "",
                "有效身份证件",
                vec![attachment(7, "新身份证.jpg", AttachmentKind::Image, 214_331)],
                None,
            ),
        ],
    }
}

/// After submission.
pub fn done(outcome: Outcome) -> DoneStep {
    let offline = outcome == Outcome::Following;
    DoneStep {
        advice: None,
        consent_receipt: true,
        outcome,
        sentence: if offline {
            "请告诉办事人：已登记，线路恢复后省级中心复核，通过后生效。"
        } else {
            "请告诉办事人：已受理，5 个工作日内出结果，短信通知。"
        }
        .to_owned(),
        at: "15:36:02".to_owned(),
        entry: "台账 3F7A-2 第 1204 号".to_owned(),
        sent: if offline { Sent::Waiting } else { Sent::Kept { at: "15:36".to_owned() } },
        next: vec![
            "把回执交给办事人。".to_owned(),
            "市场监督管理局 5 个工作日内审核，结果短信通知。".to_owned(),
            "预归档包已封存，审批人员可以查看。".to_owned(),
        ],
        following: offline.then(following),
        rating: if offline {
            Rating::Given { grade: "非常满意".to_owned(), at: "15:36".to_owned() }
        } else {
            Rating::NotAsked
        },
    }
}
