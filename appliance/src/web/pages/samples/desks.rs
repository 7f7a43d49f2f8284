//! The pages around the case: sign-in, lists, 待处理, 设备, 同步, errors.

use super::case::head;
use super::steps::{answers, attachment, rows};
use super::{bare, frame, screen};
use crate::web::pages::Lang;
use crate::web::pages::case::Mode;
use crate::web::pages::case_view::{
    Advice, Authorised, CaseViewPage, Code, Fate, Package, PackagePart, TimelineEntry,
};
use crate::web::pages::cases::{Applicant, CaseRow, CaseState, CasesPage, Filter, ItemChoice, NewCasePage};
use crate::web::pages::devices::{
    Asking, Device, DeviceState, DevicesPage, NoticeForm, Pairing, Slot, WindowRow,
};
use crate::web::pages::errors::{ErrorPage, Problem};
use crate::web::pages::findings::{self, Finding, FindingState, FindingsPage, RefusedNote};
use crate::web::pages::frame::{Desk, Line, Tone};
use crate::web::pages::sign_in::{SignInPage, SignInProblem};
use crate::web::pages::steps::{AttachmentKind, Rating};
use crate::web::pages::sync::{
    Backlog, BlobRow, KeyRow, Knowledge, ReceiptRow, Remedy, SyncEvent, SyncPage, TrustView,
};

/// All states of these pages.
pub fn screens(lang: Lang) -> Vec<(String, String)> {
    let mut out = vec![screen("sign-in", &sign_in(lang, None))];
    let problems = [
        ("wrong", SignInProblem::Wrong { left: 2 }),
        ("locked", SignInProblem::Wait { seconds: 840 }),
        ("empty", SignInProblem::Empty),
        ("ended", SignInProblem::Ended),
        ("stale", SignInProblem::Stale),
    ];
    for (name, problem) in problems {
        out.push(screen(&format!("sign-in-{name}"), &sign_in(lang, Some(problem))));
    }
    out.push(screen("cases", &cases(lang, Filter::Today, "", true)));
    out.push(screen("cases-empty", &cases(lang, Filter::Mine, "", false)));
    out.push(screen("cases-not-found", &cases(lang, Filter::All, "0099", false)));
    let mut unseated = cases(lang, Filter::Mine, "", false);
    unseated.frame.windows.iter_mut().for_each(|window| window.chosen = false);
    out.push(screen("cases-no-window", &unseated));
    out.push(screen("new-case", &new_case(lang, true)));
    out.push(screen("new-case-empty", &new_case(lang, false)));
    out.push(screen("case-view", &case_view(lang)));
    out.push(screen("findings", &findings_page(lang, true)));
    out.push(screen("findings-empty", &findings_page(lang, false)));
    out.push(screen("devices", &devices(lang)));
    out.push(screen("sync", &sync(lang, Line::Up)));
    out.push(screen("sync-down", &sync(lang, Line::Down)));
    out.extend(errors(lang));
    out
}

fn sign_in(lang: Lang, problem: Option<SignInProblem>) -> SignInPage {
    let account = if problem.is_some() { "liqiang" } else { "" };
    SignInPage { frame: bare(lang), account: account.to_owned(), next: "/cases".to_owned(), problem }
}

fn cases(lang: Lang, show: Filter, search: &str, filled: bool) -> CasesPage {
    let mut frame = frame(lang, Desk::Cases, Line::Up);
    frame.search = search.to_owned();
    let states = [
        (CaseState::Waiting, "食品经营许可证核发（新办）", "示例县清源餐饮**", true, false),
        (CaseState::Filling, "居住证签注", "王*", false, false),
        (CaseState::Identifying, "就业创业证申领", "", false, false),
        (CaseState::Accepted, "老年人优待证办理", "欧阳**", false, false),
        (CaseState::Review, "社会保险个人信息变更", "阿**", false, true),
        (CaseState::Following, "道路运输经营许可", "示例县长风运输**", true, true),
        (CaseState::ReceiptOnly, "不动产转移登记", "李*", false, true),
        (CaseState::Passed, "个体工商户变更登记", "示例县老街面馆", true, true),
        (CaseState::PassedWithConditions, "医疗机构执业登记", "示例县惠民诊所", true, true),
        (CaseState::Returned, "机动车行驶证补领", "赵*", false, true),
        (CaseState::Abandoned, "居住证签注", "孙**", false, false),
    ];
    let row = |(n, (state, item, applicant, organisation, offline)): (
        usize,
        (CaseState, &str, &str, bool, bool),
    )| CaseRow {
        id: format!("01JD3X{n}"),
        number: format!("510199-W01-20261121-00{}", 42 - n),
        item: item.to_owned(),
        applicant: applicant.to_owned(),
        organisation,
        state,
        offline,
        window: "1 号窗口".to_owned(),
        clerk: "李强".to_owned(),
        opened: format!("{}:28", 15 - n / 2),
        quiet_s: 12 + (n as u64) * 1_790,
    };
    CasesPage {
        frame,
        show,
        filters: Filter::ALL.into_iter().zip([3, 42, 5, 37, 4, 2, 1_873]).collect(),
        rows: if filled { states.into_iter().enumerate().map(row).collect() } else { vec![] },
        page: 1,
        pages: if filled { 4 } else { 1 },
        total: if filled { 42 } else { 0 },
    }
}

fn new_case(lang: Lang, filled: bool) -> NewCasePage {
    let item =
        |name: &str, department: &str, promise: &str, offline: &str, both: bool, materials, replaceable| {
            ItemChoice {
                code: "11519900MBTE5T0968400012300100".to_owned(),
                name: name.to_owned(),
                department: department.to_owned(),
                applicants: if both {
                    vec![Applicant::Person, Applicant::Organisation]
                } else {
                    vec![Applicant::Organisation]
                },
                promise: promise.to_owned(),
                materials,
                replaceable,
                offline: offline.to_owned(),
            }
        };
    NewCasePage {
        frame: frame(lang, Desk::Cases, Line::Up),
        q: if filled { "许可" } else { "飞船" }.to_owned(),
        kind: None,
        items: if filled {
            vec![
                item(
                    "食品经营许可证核发（新办）",
                    "市场监督管理局",
                    "承诺 5 个工作日",
                    "登记，待复核",
                    false,
                    6,
                    4,
                ),
                item("道路货物运输经营许可", "交通运输局", "承诺 10 个工作日", "登记，待复核", false, 7, 5),
                item("公共场所卫生许可证延续", "卫生健康局", "承诺 3 个工作日", "登记，待复核", true, 5, 4),
                item("出版物零售经营许可", "新闻出版局", "承诺 7 个工作日", "登记，待复核", true, 5, 3),
                item("林木采伐许可证核发", "林业局", "承诺 5 个工作日", "仅收件", true, 4, 2),
            ]
        } else {
            vec![]
        },
        more: filled,
    }
}

fn case_view(lang: Lang) -> CaseViewPage {
    let fate = |what: &str, note: &str, tone| Fate { what: what.to_owned(), note: note.to_owned(), tone };
    let entry = |at: &str, what: &str, by: &str, entry, tone| TimelineEntry {
        at: at.to_owned(),
        what: what.to_owned(),
        by: by.to_owned(),
        entry,
        tone,
    };
    let part = |path: &str, source: &str, bytes, digest: &str| PackagePart {
        path: path.to_owned(),
        source: source.to_owned(),
        bytes,
        digest: digest.to_owned(),
    };
    let code = |licence: &str, local: &str, exchanged: &str| Code {
        licence: licence.to_owned(),
        local: local.to_owned(),
        exchanged: exchanged.to_owned(),
    };
    CaseViewPage {
        has_receipt: true,
        frame: frame(lang, Desk::Cases, Line::Up),
        case: head(CaseState::Returned, Mode::Offline { down_for: lang.span(8_160) }),
        applicant: "示例县清源餐饮服务有限公司".to_owned(),
        applicant_number: "91239900MATE5T017W".to_owned(),
        open: false,
        handled_by: "1 号窗口 李强；复核 赵敏".to_owned(),
        fate: vec![
            fate("已登记", "15:36:02 第 1204 号", Tone::Good),
            fate("已送达", "17:02 省级中心已收存", Tone::Good),
            fate("复核", "退回：证照在使用前已失效", Tone::Harm),
        ],
        advice: Some(Advice {
            what: "从业人员健康证明在办理前 40 分钟已被注销。".to_owned(),
            todo: "请通知办事人补交新的健康证明，5 个工作日内到任一窗口补正。".to_owned(),
            finding: Some("f-1204".to_owned()),
        }),
        timeline: vec![
            entry("15:28:10", "开办件", "李强 · 1 号窗口", 1_190, Tone::Plain),
            entry("15:30:02", "读取居民身份证，人证一致", "1 号窗口读卡器 · 李强", 1_193, Tone::Good),
            entry("15:33:20", "办事人同意用证 3 项", "1 号窗口评价器", 1_199, Tone::Good),
            entry("15:33:21", "打开证照 3 项，用于填表", "一体机", 1_200, Tone::Plain),
            entry("15:36:02", "提交，容缺受理，待复核", "李强；复核 赵敏", 1_204, Tone::Old),
            entry("15:36:40", "评价：非常满意", "1 号窗口评价器", 1_206, Tone::Good),
            entry("17:02:11", "省级中心收存", "省级中心", 1_260, Tone::Good),
            entry("17:02:15", "复核：退回，证照失效", "省级中心", 1_261, Tone::Harm),
        ],
        answers: answers(),
        materials: rows(true, true),
        attachments: vec![attachment(1, "平面布局图-一楼.pdf", AttachmentKind::Pdf, 2_214_331)],
        authorised: Some(Authorised {
            basis: "持证人授权".to_owned(),
            what: "使用证照 2 项，不同意 1 项。".to_owned(),
            proof: "15:33 · 评价器点按授权".to_owned(),
            withdrawn: String::new(),
            can_withdraw: true,
            receipt: true,
            codes: vec![
                code("营业执照", "LX-3F7A-001204-K", "5TE5T0001G"),
                code("居民身份证", "LX-3F7A-001205-M", ""),
            ],
        }),
        package: Some(Package {
            id: "7c1e90af33d2".to_owned(),
            state: "待复核，未定稿".to_owned(),
            parts: vec![
                part("form.json", "受理表单", 2_104, "7c1e90af"),
                part("consent.cose", "1 号窗口评价器", 1_331, "90af33d2"),
                part("licences/m1.ofd", "本机缓存", 88_412, "33d28b64"),
                part("attachments/1.pdf", "窗口扫描", 2_214_331, "8b640c55"),
            ],
        }),
        rating: Rating::Given { grade: "非常满意".to_owned(), at: "15:36".to_owned() },
        may_open: true,
        sees_scans: true,
        following: Some(super::steps::following()),
        can_reopen: false,
    }
}

fn findings_page(lang: Lang, filled: bool) -> FindingsPage {
    let case = Some(("01JD3X8".to_owned(), "510199-W01-20261121-0042".to_owned()));
    let finding = |id: &str, kind: &str, tone, age_s, what: &str, todo: &str, state| Finding {
        id: id.to_owned(),
        number: "F-2026-0117".to_owned(),
        kind: kind.to_owned(),
        tone,
        severity: "影响办事人",
        deadline: Some(("已过期限 2026-11-20".to_owned(), Tone::Harm)),
        age_s,
        case: case.clone(),
        item: "食品经营许可证核发（新办）".to_owned(),
        what: what.to_owned(),
        todo: todo.to_owned(),
        state,
    };
    let by = || ("李强".to_owned(), "11-21 17:20".to_owned());
    let rows = vec![
        finding(
            "f-1204",
            "退回 · 证照失效",
            Tone::Harm,
            1_200,
            "从业人员健康证明在办理前 40 分钟已被注销，离线时状态清单还没有这条。",
            "请通知办事人补交新的健康证明，5 个工作日内到任一窗口补正。",
            FindingState::Open,
        ),
        finding(
            "f-1180",
            "有条件通过",
            Tone::Old,
            93_000,
            "复核通过，但法定代表人信息已变更，须补交变更证明。",
            "请办事人补交变更登记通知书。",
            FindingState::Taken { by: by().0, at: by().1, mine: true },
        ),
        finding(
            "f-1101",
            "事后失效提醒",
            Tone::Good,
            200_000,
            "营业执照在受理后第二天被吊销，办理时有效。",
            "已通知审批部门，窗口不用处理。",
            FindingState::Handled {
                taken: Some(by()),
                by: by().0,
                at: by().1,
                note: "已电话告知市场监督管理局审批科。".to_owned(),
            },
        ),
    ];
    FindingsPage {
        frame: frame(lang, Desk::Findings, Line::Up),
        show: findings::Filter::Open,
        filters: findings::Filter::ALL.into_iter().zip([1, 1, 12, 14]).collect(),
        kinds: vec![("conflict".to_owned(), "冲突".to_owned(), false)],
        severities: vec![("harm".to_owned(), "影响办事人".to_owned(), filled)],
        mine: false,
        settles: true,
        rest: if filled { "&severity=harm" } else { "" }.to_owned(),
        overdue: u32::from(filled),
        made: "2026-11-21 16:00:00".to_owned(),
        rows: if filled { rows } else { vec![] },
        refused: filled.then(|| RefusedNote {
            finding: "f-1180".to_owned(),
            note: "好".to_owned(),
            error: "请写清做了什么，至少 4 个字。".to_owned(),
        }),
    }
}

fn devices(lang: Lang) -> DevicesPage {
    let slot = |state, id: &str, model: &str, seen_s, todo: &str| Slot {
        state,
        device: (!id.is_empty()).then(|| Device {
            id: id.to_owned(),
            model: model.to_owned(),
            version: "0.1.0".to_owned(),
            seen_s,
        }),
        todo: todo.to_owned(),
    };
    let window = |id: &str, label: &str, clerk: &str, evaluator, reader| WindowRow {
        id: id.to_owned(),
        label: label.to_owned(),
        clerk: clerk.to_owned(),
        evaluator,
        reader,
        scanner: None,
    };
    let tablet = "平板 10 英寸";
    let serial = "SAM_V 串口";
    DevicesPage {
        folder: "/var/lib/hallbox".to_owned(),
        notice: NoticeForm { text: "今日 17:00 后只收件".to_owned(), error: None },
        frame: frame(lang, Desk::Devices, Line::Up),
        windows: vec![
            window(
                "W02",
                "2 号窗口",
                "赵敏",
                slot(DeviceState::Offline, "ev-2", tablet, 1_900, "请看平板是否开机、是否连着大厅网络。"),
                slot(DeviceState::Unplugged, "rd-2", serial, 8, "请插好读卡器的线。"),
            ),
            window(
                "W01",
                "1 号窗口",
                "李强",
                slot(DeviceState::Busy, "ev-1", tablet, 2, ""),
                slot(DeviceState::Ready, "rd-1", serial, 4, ""),
            ),
            window(
                "W03",
                "3 号窗口",
                "",
                slot(DeviceState::Ready, "ev-3", tablet, 40, ""),
                slot(DeviceState::Empty, "", "", 0, "请配对读卡器。"),
            ),
        ],
        asking: vec![Asking {
            kind: "评价器".to_owned(),
            model: tablet.to_owned(),
            fingerprint: "7c1e 90af".to_owned(),
            left_s: 512,
        }],
        pairing: Pairing {
            code: "7K4M29".to_owned(),
            window: "W03".to_owned(),
            error: Some("配对码不对或已失效，请看设备屏幕上的新码。".to_owned()),
        },
        may_change: true,
    }
}

fn key_row(name: &str, state: &str, tone: Tone, from: &str, until: &str) -> KeyRow {
    KeyRow {
        name: name.to_owned(),
        state: state.to_owned(),
        tone,
        from: from.to_owned(),
        until: until.to_owned(),
    }
}

fn sync(lang: Lang, line: Line) -> SyncPage {
    let down = line == Line::Down;
    let late = if down { 8_160 } else { 0 };
    let known = |what: &str, detail: &str, age_s, until: &str, tone| Knowledge {
        what: what.to_owned(),
        detail: detail.to_owned(),
        age_s: Some(age_s + late),
        until: until.to_owned(),
        tone,
    };
    let tone = if down { Tone::Old } else { Tone::Good };
    let event = |at: &str, what: &str, tone| SyncEvent { at: at.to_owned(), what: what.to_owned(), tone };
    SyncPage {
        frame: frame(lang, Desk::Sync, line),
        meaning: if down {
            "窗口照常办理：证照用本机缓存，结果按离线规则登记，线路恢复后自动上传复核。"
        } else {
            "与省级中心连接正常，证照在线核验。"
        }
        .to_owned(),
        trust: TrustView {
            version: "第 3 版".to_owned(),
            issued: "2026-11-10".to_owned(),
            until: "2027-02-08".to_owned(),
            left: "有效".to_owned(),
            tone: Tone::Good,
            keys: vec![
                key_row("9f2c41d07a55e310", "现用", Tone::Good, "", "2026-12-09"),
                key_row("03b7e88a1c9d4f62", "下一把", Tone::Busy, "2026-12-10", ""),
            ],
            clock: "可信".to_owned(),
            clock_tone: Tone::Good,
        },
        knowledge: vec![
            known("时效令牌", "", 42, "", tone),
            known("证照状态清单", "第 8812 版 · 164 KB", 118, "11-22 15:30", tone),
            known("事项目录", "第 12 版", 86_500, "", Tone::Good),
            known("离线政策", "第 3 版", 1_240_000, "", Tone::Good),
            known("信任包", "第 3 版", 860_000, "2027-02-11", Tone::Good),
        ],
        backlog: Backlog {
            entries: 1_261,
            kept: if down { 1_214 } else { 1_261 },
            cases: 9,
            bytes: 12_443_019,
            oldest_s: down.then_some(8_100),
            disk_percent: 31,
        },
        receipt: Some(ReceiptRow {
            size: 1_214,
            epoch: 3,
            at: "11-21 13:19:51".to_owned(),
            age_s: 20 + late,
            root: "7c1e90af33d28b64".to_owned(),
        }),
        blobs: if down {
            vec![BlobRow {
                id: "8b640c55".to_owned(),
                case: "510199-W01-20261121-0042".to_owned(),
                bytes: 12_443_019,
                chunks_done: 5,
                chunks: 12,
                trouble: "省级中心没有接收这个办件的一份材料（编号 8b640c55，代码 422）。".to_owned(),
            }]
        } else {
            vec![]
        },
        events: vec![
            event("11-21 15:20:02", "重试连接省级中心，没有应答", if down { Tone::Old } else { Tone::Good }),
            event("11-21 13:20:00", "线路中断", Tone::Old),
            event("11-21 13:19:51", "收到收据，收存到第 1214 条", Tone::Good),
            event("11-21 08:02:13", "省级中心返回错误 500，已重试成功", Tone::Harm),
        ],
        remedies: if down {
            vec![
                Remedy {
                    when: "线路断了超过 5 分钟。".to_owned(),
                    todo: "查看网线和专线设备，然后做一次诊断。".to_owned(),
                    command: "hallbox doctor --line".to_owned(),
                },
                Remedy {
                    when: "今天恢复不了。".to_owned(),
                    todo: "把待传数据导出到加密 U 盘，带到上级大厅导入。".to_owned(),
                    command: "hallbox export --out /media/usb".to_owned(),
                },
            ]
        } else {
            vec![]
        },
        identity: "box-3F7A · 2".to_owned(),
    }
}

fn errors(lang: Lang) -> Vec<(String, String)> {
    let problems = [
        ("404", Problem::NotFound),
        ("403", Problem::Forbidden),
        ("403-stale", Problem::Stale),
        ("413", Problem::TooLarge { limit: "20 MB".to_owned() }),
        ("422", Problem::Malformed),
        ("500", Problem::Internal),
        ("503", Problem::Unavailable),
        ("507", Problem::DiskFull),
        ("418", Problem::Other { status: 418, what: "示例。".to_owned(), todo: "示例。".to_owned() }),
    ];
    problems
        .into_iter()
        .map(|(name, problem)| {
            let page = ErrorPage {
                frame: bare(lang),
                problem,
                number: "E-7K2M9".to_owned(),
                back: "/cases".to_owned(),
            };
            screen(&format!("error-{name}"), &page)
        })
        .collect()
}
