//! 核验: reading the identity card, and for an organisation whose it must be.

/// 核验.
#[derive(Debug, Clone)]
pub struct IdentifyStep {
    /// For an organisation: its code and what is known of it.
    pub organisation: Option<OrganisationEntry>,
    /// The card reader at this window.
    pub reader: Reader,
    /// Where the reading stands.
    pub reading: Reading,
    /// Whether the person can still be exchanged for another.
    pub can_restart: bool,
    /// Whether a person was taken over from an earlier reading.
    pub kept: bool,
    /// 纸质委托书.
    pub mandate: Box<MandateEntry>,
    /// 委托人, masked, when a delegate stands at the window.
    pub principal: Option<String>,
    /// Why no code can be put on the citizen's screen, ready sentence; none when it can.
    pub phone_blocked: Option<String>,
}

impl IdentifyStep {
    /// Whether 读卡 can be pressed now.
    pub fn can_read(&self) -> bool {
        let waits_for_code = self.organisation.as_ref().is_some_and(|entry| !entry.known());
        matches!(self.reader, Reader::Ready | Reader::Returning) && !waits_for_code
    }
}

/// 纸质委托书: what the clerk typed off it, or what stands.
#[derive(Debug, Clone, Default)]
pub struct MandateEntry {
    /// Whether it can still be stated, changed or dropped.
    pub can_change: bool,
    /// The documents of a person to choose from; empty for an organisation.
    pub kinds: Vec<DocumentChoice>,
    /// The name as typed.
    pub name: String,
    /// The number as typed.
    pub number: String,
    /// Why it cannot be used, ready sentence.
    pub error: Option<String>,
    /// What stands.
    pub stated: Option<StatedMandate>,
}

/// 证件类型 in a list of choices.
#[derive(Debug, Clone)]
pub struct DocumentChoice {
    /// Its name in forms.
    pub code: &'static str,
    /// Its name for people.
    pub zh: &'static str,
    /// Whether it was chosen.
    pub chosen: bool,
}

/// A paper mandate that stands, and what it is good for.
#[derive(Debug, Clone)]
pub struct StatedMandate {
    /// 委托人, a person masked.
    pub principal: String,
    /// The number, a person's masked.
    pub number: String,
    /// What the policy says, ready sentence.
    pub sentence: String,
    /// What would be better, ready sentence.
    pub raise: Option<String>,
}

/// 统一社会信用代码: what the clerk typed and what came of it.
#[derive(Debug, Clone)]
pub struct OrganisationEntry {
    /// The code as typed.
    pub uscc: String,
    /// Why it cannot be used, ready sentence.
    pub error: Option<String>,
    /// What to look at again (a pilot code that fails the check digit, an unknown organisation), ready sentence.
    pub caution: Option<String>,
    /// Name of the organisation, once found.
    pub name: String,
    /// 法定代表人, masked, once found.
    pub representative: String,
    /// Age in seconds of the register's word.
    pub age_s: Option<u64>,
}

impl OrganisationEntry {
    /// Whether the code stands, so that a card may be read.
    pub fn known(&self) -> bool {
        self.error.is_none() && !self.uscc.is_empty()
    }
}

/// 读卡器: whether a card can be read here at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reader {
    /// 就绪.
    Ready,
    /// 设备正在重连: the box was started anew, and the driver has not come back yet.
    Returning,
    /// 未配读卡器: none is bound to this window.
    None,
    /// 读卡器已拔出.
    Unplugged {
        /// Since when, "10:31".
        since: String,
    },
    /// 驱动离线: the process at the window does not answer.
    Silent {
        /// Since when, "10:31".
        since: String,
    },
    /// 读卡器未授权: its security module refuses.
    Refused,
    /// 读卡服务停了: the window's machine does not serve readers.
    ServiceDown,
    /// 读卡器卡住: the card on it does not answer.
    Stuck,
}

/// 读卡: where the reading stands.
#[derive(Debug, Clone)]
pub enum Reading {
    /// Nothing asked yet.
    Idle,
    /// 等待手机: a code for the citizen's phone stands on the evaluator.
    Phone {
        /// What is asked for: 出示办事码, 窗口刷脸.
        ask: &'static str,
        /// Whether the phone's answer has to be scanned; otherwise the line brings it.
        scan: bool,
        /// Milliseconds left.
        left_ms: u64,
        /// Milliseconds in all.
        total_ms: u64,
    },
    /// 未采用: what came from a phone by itself was not taken.
    NotTaken {
        /// Why and what to do, ready sentence.
        why: String,
        /// Number to quote.
        number: String,
    },
    /// 等待放卡.
    Waiting {
        /// Whether the card read before may still lie there; the module shows it no second time.
        last_card: bool,
        /// Milliseconds left.
        left_ms: u64,
        /// Milliseconds in all.
        total_ms: u64,
    },
    /// 设备正在重连: asked for, and read as soon as the driver has come back.
    Returning {
        /// Milliseconds left.
        left_ms: u64,
        /// Milliseconds in all.
        total_ms: u64,
    },
    /// 正在读取.
    Reading,
    /// 请拿起卡片再放一次.
    Again {
        /// What stands in the way.
        why: Again,
        /// Milliseconds left.
        left_ms: u64,
        /// Milliseconds in all.
        total_ms: u64,
    },
    /// 读卡未成功.
    Failed {
        /// Why.
        why: ReadFailure,
        /// Number to quote.
        number: String,
    },
    /// 卡不是本案当事人: the card of another person in the middle of the case; nothing was taken over.
    OtherPerson {
        /// Whose card is needed, masked.
        wanted: String,
        /// Whose card was laid down, masked.
        got: String,
        /// Whether the wanted person is the legal representative of an organisation.
        representative: bool,
    },
    /// 证件已过期.
    Expired {
        /// The person on the card.
        person: Box<Person>,
        /// When it expired, "2024-03-01".
        on: String,
        /// What the clerk has written so far.
        note: String,
        /// What is wrong with the note, ready sentence.
        error: Option<String>,
    },
    /// 已读取，请核对人证.
    Read(Box<Person>),
    /// 人证一致, confirmed: the step is done.
    Confirmed(Identified),
}

/// Why the card has to be laid down once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The card left before it was read.
    Lifted,
    /// Several attempts have failed.
    Failed,
}

impl Again {
    /// What to do.
    pub fn todo(self) -> &'static str {
        match self {
            Self::Lifted => "请拿起证件，再放一次。",
            Self::Failed => "请拿起证件，单独再放一次。",
        }
    }

    /// Why.
    pub fn why(self) -> &'static str {
        match self {
            Self::Lifted => "证件被拿开，没有读完。",
            Self::Failed => "这张卡读不出来；请拿开手机、卡套，擦净卡面。",
        }
    }
}

/// 读卡失败: why nothing was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFailure {
    /// The card was lifted too early.
    Lifted,
    /// The card cannot be read.
    Unreadable,
    /// What came over the cable made no sense.
    Garbled,
    /// No card came in time.
    TimedOut,
    /// The reader was unplugged meanwhile.
    Unplugged,
    /// The driver did not answer.
    Silent,
    /// A social security card.
    SocialSecurityCard,
    /// Another program, or a card that does not answer, holds the reader.
    Busy,
    /// The window's machine does not serve readers.
    ServiceDown,
}

impl ReadFailure {
    /// What happened.
    pub fn what(self) -> &'static str {
        match self {
            Self::Lifted => "卡片在读完之前被拿开，没有读到信息。",
            Self::Unreadable => "这张卡读不出来。",
            Self::Garbled => "读卡器传来的数据不完整，已丢弃。",
            Self::TimedOut => "没有等到证件，已停止读卡。",
            Self::Unplugged => "读卡途中读卡器被拔出。",
            Self::Silent => "读卡驱动没有应答。",
            Self::SocialSecurityCard => "这是社会保障卡，不能代替身份证核验身份。",
            Self::Busy => "读卡器被其他程序占用，或上面的卡没有应答。",
            Self::ServiceDown => "窗口电脑的读卡服务没有运行。",
        }
    }

    /// What to do.
    pub fn todo(self) -> &'static str {
        match self {
            Self::Lifted => "请把卡放好不动，再按 F2 读卡。",
            Self::Unreadable => "请擦净卡面，换个位置再读一次；仍读不出，请办事人换一种有效证件。",
            Self::Garbled => "请再按 F2 读卡；连续出现时请运维人员检查接线。",
            Self::TimedOut => "请办事人准备好证件，再按 F2 读卡。",
            Self::Unplugged => "请插好读卡器，状态恢复后再按 F2。",
            Self::Silent => "请在“设备”里查看本窗口读卡器，或请运维人员处理。",
            Self::SocialSecurityCard => "请办事人出示居民身份证，再按 F2 读卡；没有带的，请换其他核验方式。",
            Self::Busy => "请拿走卡片，稍候再按 F2 读卡；仍不行请运维人员处理。",
            Self::ServiceDown => "服务恢复后会自动接上，再按 F2 读卡；一直不恢复请运维人员处理。",
        }
    }
}

/// 卡面信息: the person on the card, open to the clerk who compares face and card.
#[derive(Debug, Clone)]
pub struct Person {
    /// Identifier of the reading, sent back with what the clerk says about it.
    pub reading: String,
    /// 姓名.
    pub name: String,
    /// English name on a foreigner's card; empty for others.
    pub english_name: String,
    /// Kind of document.
    pub document: String,
    /// 证件号码, masked.
    pub number: String,
    /// 性别.
    pub sex: String,
    /// 民族, or 国籍 for a foreigner; empty when the card has none.
    pub nation: String,
    /// 出生日期.
    pub birth: String,
    /// 住址; empty when the card has none.
    pub address: String,
    /// 签发机关.
    pub authority: String,
    /// 有效期限, "2018-03-01 至 长期".
    pub validity: String,
    /// Address of the photograph; none when it cannot be decoded here.
    pub photo: Option<String>,
}

/// 已核验: what the step came to.
#[derive(Debug, Clone)]
pub struct Identified {
    /// 姓名, masked.
    pub name: String,
    /// Kind of document.
    pub document: String,
    /// 证件号码, masked.
    pub number: String,
    /// When, "10:43".
    pub at: String,
    /// How sure that is, ready words.
    pub grade: String,
    /// A condition on it, ready sentence.
    pub caution: Option<String>,
}
