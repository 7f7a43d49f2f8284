//! Why a step is not taken: a sentence for the clerk, what to do next, and a number to quote.

use hall_domain::form::FormProblem;

/// A step that reception does not take. Nothing was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("step refused: {code}", code = self.code())]
pub enum Refusal {
    /// The case is submitted or given up.
    Closed,
    /// The step does not fit where the case stands.
    OutOfStep,
    /// No such item, or not for this kind of applicant.
    ItemNotForApplicant,
    /// 统一社会信用代码 missing for an organisation's case.
    OrganisationMissing,
    /// What was typed is not a 统一社会信用代码; the sentence says why.
    OrganisationCode(String),
    /// Another person's card was read in the middle of a case.
    AnotherPerson,
    /// The card is not the registered legal representative's.
    NotLegalRepresentative,
    /// Another card was read since the clerk looked.
    AnotherReading,
    /// 人证一致 was not pressed.
    NotConfirmed,
    /// An expired card was confirmed without a note.
    NoteMissing,
    /// There is no licence to ask for.
    NothingToAsk,
    /// A page is on the evaluator already.
    AlreadyAsking,
    /// Somebody may be rating on the evaluator: for so many seconds yet.
    BeingRated(i64),
    /// No evaluator is bound to the window, or it does not answer.
    NoEvaluator,
    /// The window's evaluator is quarantined.
    EvaluatorIsolated,
    /// No card reader is bound to the window, or it does not answer.
    NoReader,
    /// The form has problems.
    Form(Vec<FormProblem>),
    /// Required materials have nothing that stands for them: their names.
    Materials(Vec<String>),
    /// The form was changed in another page since this one was shown.
    FormChanged,
    /// A field that the item's form does not have.
    UnknownField(String),
    /// A field holds more than any answer needs: its key.
    TooLong(String),
    /// A material that the item does not have.
    UnknownMaterial,
    /// The case's clerk has just worked on it.
    StillWorking,
    /// 告知承诺 was not taken on.
    Commitment,
    /// The policy does not allow it now; its sentence.
    Policy(String),
    /// The second clerk's account or password is wrong, or it is the same clerk.
    SecondClerk,
    /// 值班主管's account or password is wrong, or it is somebody who signed already.
    Supervisor,
    /// Nothing, or not this material, was to follow.
    NothingFollows,
    /// What was scanned is no code, challenge or answer of this province.
    NotACode,
    /// A code of another kind than the one that is needed here.
    OtherKind,
    /// A code that is too old, or from a clock that is wrong: a picture of a screen is one too.
    CodeTooOld,
    /// A code that was shown before in this hall.
    CodeUsed,
    /// A code that is not signed by this province's centre, or by a key that counts no longer.
    CodeUntrusted,
    /// The centre's word for the code has ended: the phone must go online once.
    CodeExpired,
    /// An answer to another case's challenge, or to one that has ended.
    OtherChallenge,
    /// A plain code cannot be looked up with the line down.
    PlainOffline,
    /// The centre does not know the plain code.
    PlainUnknown,
    /// The box's clock is doubtful: only codes that answer a challenge count.
    ClockDoubtful,
    /// An enterprise's code in a person's case.
    EnterpriseCode,
    /// The code stands for another organisation than the one named.
    OtherOrganisation,
    /// The delegation, grant or account has ended or was revoked.
    MandateEnded,
    /// The delegation is for another item.
    MandateOtherItem,
    /// The delegation is for a person where an organisation applies, or the other way round.
    MandateOtherApplicant,
    /// Nobody has delegated anything in this case.
    NoMandate,
    /// The phone said that the person's face does not fit, or the citizen gave up.
    FaceFailed,
    /// The item has no legal basis for looking licences up by office.
    NoBasis,
    /// There is no consent to take back.
    NothingToWithdraw,
    /// What was opened under a consent may not be looked at after it was taken back.
    ConsentWithdrawn,
    /// There is no licence that the citizen's phone could show and the hall lacks.
    NothingToShow,
    /// A phone showed another person's licences.
    AnothersLicences,
    /// The codes of an answer that were scanned are not those of one answer.
    PartsDamaged,
    /// The name of a paper mandate's principal is missing or too long.
    MandateName,
    /// The number of a paper mandate's principal cannot be right; the sentence says why.
    MandateNumber(String),
    /// A paper mandate that names the very person who brings it.
    OwnMandate,
    /// A phone has proven for whom the person acts: paper adds nothing.
    MandateOnPhone,
    /// A paper mandate has to be scanned, not only seen or promised.
    MandateNotScanned,
    /// A limit of the policy is reached; its sentence.
    Limit(String),
    /// The attachment has nothing in it.
    EmptyFile,
    /// The attachment is larger than 20 MB.
    FileTooLarge,
    /// The content is neither an image nor a PDF.
    FileType,
    /// Too many attachments on one case.
    TooManyFiles,
    /// An earlier identifier that the list of the case does not name.
    UnknownAlias,
}

impl Refusal {
    /// The number that a clerk quotes to a technician.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Closed => "R101",
            Self::OutOfStep => "R102",
            Self::ItemNotForApplicant => "R103",
            Self::OrganisationMissing => "R104",
            Self::OrganisationCode(_) => "R105",
            Self::AnotherPerson => "R106",
            Self::NotLegalRepresentative => "R107",
            Self::NotConfirmed => "R108",
            Self::NoteMissing => "R109",
            Self::NothingToAsk => "R110",
            Self::AlreadyAsking => "R111",
            Self::NoEvaluator => "R112",
            Self::EvaluatorIsolated => "R160",
            Self::BeingRated(_) => "R161",
            Self::NoReader => "R113",
            Self::Form(_) => "R114",
            Self::Materials(_) => "R115",
            Self::FormChanged => "R116",
            Self::UnknownField(_) => "R117",
            Self::UnknownMaterial => "R118",
            Self::Policy(_) => "R119",
            Self::SecondClerk => "R120",
            Self::EmptyFile => "R121",
            Self::FileTooLarge => "R122",
            Self::FileType => "R123",
            Self::TooManyFiles => "R124",
            Self::Commitment => "R125",
            Self::StillWorking => "R126",
            Self::TooLong(_) => "R127",
            Self::AnotherReading => "R128",
            Self::NothingFollows => "R129",
            Self::Supervisor => "R130",
            Self::NotACode => "R131",
            Self::OtherKind => "R132",
            Self::CodeTooOld => "R133",
            Self::CodeUsed => "R134",
            Self::CodeUntrusted => "R135",
            Self::CodeExpired => "R136",
            Self::OtherChallenge => "R137",
            Self::PlainOffline => "R138",
            Self::PlainUnknown => "R139",
            Self::ClockDoubtful => "R140",
            Self::EnterpriseCode => "R141",
            Self::OtherOrganisation => "R142",
            Self::MandateEnded => "R143",
            Self::MandateOtherItem => "R144",
            Self::MandateOtherApplicant => "R145",
            Self::NoMandate => "R146",
            Self::FaceFailed => "R147",
            Self::NoBasis => "R148",
            Self::NothingToWithdraw => "R149",
            Self::Limit(_) => "R150",
            Self::ConsentWithdrawn => "R151",
            Self::NothingToShow => "R152",
            Self::PartsDamaged => "R153",
            Self::MandateName => "R154",
            Self::MandateNumber(_) => "R155",
            Self::OwnMandate => "R156",
            Self::MandateOnPhone => "R157",
            Self::MandateNotScanned => "R158",
            Self::AnothersLicences => "R159",
            Self::UnknownAlias => "R170",
        }
    }

    /// Whether the case page says this where it belongs, beside the field or list concerned.
    pub fn has_place(&self) -> bool {
        matches!(
            self,
            Self::OrganisationMissing
                | Self::OrganisationCode(_)
                | Self::MandateName
                | Self::MandateNumber(_)
                | Self::NoteMissing
                | Self::Form(_)
                | Self::Materials(_)
                | Self::Commitment
                | Self::SecondClerk
                | Self::Supervisor
                | Self::EmptyFile
                | Self::FileTooLarge
                | Self::FileType
                | Self::TooManyFiles
        )
    }

    /// What happened and what to do next, in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::Closed => "此办件已结束，不能再修改。请返回列表或新开一件。".into(),
            Self::OutOfStep => "这一步现在不能做。请按左侧步骤依次办理。".into(),
            Self::ItemNotForApplicant => "该事项不适用于所选的申请人主体。请改选个人或法人，或换一个事项。".into(),
            Self::OrganisationMissing => "请先填写统一社会信用代码，再读取法定代表人身份证。".into(),
            Self::OrganisationCode(why) => why.clone(),
            Self::AnotherPerson => {
                "读到的是另一个人的身份证，本办件未作改动。请放回原办事人的证件；如确需换人，请先按“重新核验”。".into()
            }
            Self::NotLegalRepresentative => {
                "持卡人不是该单位登记的法定代表人。请由法定代表人本人持证办理，或核对统一社会信用代码。".into()
            }
            Self::AnotherReading => "刚才又读了一张证件，或者核验已作废。请看清现在显示的人和证件，再确认。".into(),
            Self::NotConfirmed => "请先核对人证是否一致，再按“人证一致”。".into(),
            Self::NoteMissing => "身份证已过有效期。请在备注中写明核对依据后再继续，相关材料按容缺办理。".into(),
            Self::NothingToAsk => "没有可授权使用的证照。请按“不用证照，改用纸质”，材料按纸质或容缺办理。".into(),
            Self::AlreadyAsking => "授权页面已在评价器上。请等待办事人操作，或先撤回。".into(),
            Self::BeingRated(left_s) => {
                format!("上一位办事人正在评价器上评价。请等评完再推送，最多再等 {} 秒。", left_s)
            }
            Self::EvaluatorIsolated => "本窗口的评价器应答有异常，已停用。请通知运维人员查看“安全事件”后重新配对；这一件可按“不用证照，改用纸质”收取纸质材料。".into(),
            Self::NoEvaluator => "本窗口的评价器未就绪。请检查评价器电源和网络，或按“不用证照，改用纸质”收取纸质材料。".into(),
            Self::NoReader => "本窗口的读卡器未就绪。请检查读卡器是否插好，稍后再按读卡。".into(),
            Self::Form(problems) => format!("表单有 {} 处需要处理，见下方标出的栏目。", problems.len()),
            Self::Materials(names) => {
                format!("还缺必需材料：{}。请上传扫描件、确认收到原件，或选择容缺后补。", names.join("、"))
            }
            Self::FormChanged => "表单已在另一个页面被修改，已显示最新内容。请核对后再保存。".into(),
            Self::UnknownField(_) => "提交的栏目不属于本事项的表单，未保存。请刷新页面后重试。".into(),
            Self::TooLong(_) => {
                "有一栏填写超过 2000 字，没有保存。请缩短后再保存，较长的说明请作为附件上传。".into()
            }
            Self::UnknownMaterial => "该材料不属于本事项。请刷新页面后重试。".into(),
            Self::StillWorking => "同事刚刚还在办理这一件。请先与对方确认，对方停手 5 分钟后可以接手。".into(),
            Self::Commitment => "请先请办事人确认告知承诺，再提交。".into(),
            Self::Policy(sentence) => sentence.clone(),
            Self::SecondClerk => "第二名窗口人员的账号或密码不正确，或与经办人相同。请由另一名同事重新输入。".into(),
            Self::Supervisor => {
                "值班主管的账号或密码不正确，不是大厅管理员，或与经办人、复核人相同。请由值班主管本人重新输入。".into()
            }
            Self::NothingFollows => "这件没有这项待补材料。请刷新页面，按列出的待补材料上传。".into(),
            Self::NotACode => "这不是可识别的办事码，没有采用。请办事人打开手机上的办事码或应答二维码再扫。".into(),
            Self::OtherKind => "扫到的是另一种二维码，这一步用不上。请看评价器上的提示，扫办事人手机上对应的二维码。".into(),
            Self::CodeTooOld => {
                "办事码已过期，可能是截图或手机时间不准。请办事人在手机上刷新办事码再扫，或在评价器上出二维码应答。".into()
            }
            Self::CodeUsed => "这个办事码刚才已在本厅用过，没有采用。请办事人在手机上刷新后再扫。".into(),
            Self::CodeUntrusted => "这个码不是本省中心签发的，或签发密钥已停用，没有采用。请改用身份证核验。".into(),
            Self::CodeExpired => {
                "手机里的办事码凭证已到期。请办事人让手机联网、打开办事码页面刷新后再扫，或改用身份证核验。".into()
            }
            Self::OtherChallenge => {
                "这个应答不属于本办件，或评价器上的二维码已经收回，没有采用。请重新出二维码再扫。".into()
            }
            Self::PlainOffline => "线路中断，普通政务码无法核验。请办事人用办事码应答评价器上的二维码，或出示身份证。".into(),
            Self::PlainUnknown => "省级中心查不到这个码，或已过期。请办事人刷新后再扫，或出示身份证。".into(),
            Self::ClockDoubtful => {
                "本机时钟可疑，不能采用单独出示的办事码。请在评价器上出二维码让手机应答，或出示身份证。".into()
            }
            Self::EnterpriseCode => "扫到的是企业码，本件申请人是个人。请办事人出示个人政务码，或按法人另开办件。".into(),
            Self::OtherOrganisation => "扫到的码属于另一家单位。请办事人选择本件的单位再出示，或核对统一社会信用代码。".into(),
            Self::MandateEnded => "委托或经办授权已到期或已撤销，不能凭它办理。请委托人重新授权，或由本人办理。".into(),
            Self::MandateOtherItem => "这份委托是办另一个事项的。请委托人为本事项重新委托，或由本人办理。".into(),
            Self::MandateOtherApplicant => "委托人与本件的申请人主体不符。请按委托人是个人还是单位另开办件。".into(),
            Self::NoMandate => "本件没有委托人。请先扫代办人手机上的委托人身份码。".into(),
            Self::FaceFailed => "刷脸没有通过。请办事人按手机提示重试，或改用身份证核验。".into(),
            Self::NoBasis => "本事项没有登记可依职能查验的法定依据。请由办事人授权，或收取纸质材料。".into(),
            Self::NothingToWithdraw => "本件没有可撤回的授权。请刷新页面核对。".into(),
            Self::ConsentWithdrawn => {
                "办事人已撤回授权，由证照得到的内容已移除，不能再查看。请改收纸质材料，或请办事人重新授权。".into()
            }
            Self::NothingToShow => "没有需要手机出示的证照。请推送授权页，或按纸质材料办理。".into(),
            Self::AnothersLicences => {
                "手机出示的是另一个人的证照，没有采用，本办件未作改动。请办事人用本人的手机出示，或提供纸质原件。".into()
            }
            Self::PartsDamaged => "扫到的几张二维码拼不成一份答复，没有采用。请办事人从第一张开始重新出示，再逐张扫。".into(),
            Self::MandateName => "请填写委托书上的委托人姓名或单位名称，不超过 120 个字。".into(),
            Self::MandateNumber(why) => why.clone(),
            Self::OwnMandate => {
                "委托书上的委托人就是来人本人，不用委托书。请按“不用纸质委托书”，按本人办理；或核对证件号码。".into()
            }
            Self::MandateOnPhone => {
                "来人已用手机证明了代谁办理，不用再录纸质委托书。确需改用纸质的，请先按“重新核验”。".into()
            }
            Self::MandateNotScanned => "委托书须扫描上传，不能只看原件或容缺后补。请在表单里上传扫描件。".into(),
            Self::Limit(sentence) => sentence.clone(),
            Self::EmptyFile => "这个文件是空的，没有保存。请重新扫描后上传。".into(),
            Self::FileTooLarge => "文件超过 20 MB，没有保存。请降低扫描分辨率，或拆分后上传。".into(),
            Self::FileType => "只能上传图片（JPG、PNG）或 PDF，这个文件的内容不是，没有保存。请重新选择文件。".into(),
            Self::UnknownAlias => {
                "清单里没有这个曾用证件号，没有作改动。请重新查询清单，核对后再确认。".into()
            }
            Self::TooManyFiles => "附件已达 30 个上限。请合并扫描件后再上传。".into(),
        }
    }
}
