//! Why a citizen's request is not done: a word for programs, and two sentences for people.

use crate::register::RegisterError;
use crate::store::StoreError;
use hall_ledger::hash::NoRandomness;

/// Why not.
#[derive(Debug)]
pub enum Refusal {
    /// One of the reasons in [`TABLE`], by its word.
    Because(&'static str),
    /// Too often; again after so many seconds.
    TooOften(u32),
    /// 验证码错误, with tries left.
    WrongOtp(u8),
    /// Nothing that the citizen did.
    Store(StoreError),
    /// Nothing that the citizen did: a cause for the log.
    Failed(String),
}

/// What is told about a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// HTTP status.
    pub status: u16,
    /// Stable word.
    pub code: &'static str,
    /// What happened.
    pub message: &'static str,
    /// What to do next.
    pub what_to_do: &'static str,
}

const fn told(status: u16, code: &'static str, message: &'static str, what_to_do: &'static str) -> Told {
    Told { status, code, message, what_to_do }
}

/// Every reason that needs no number.
pub const TABLE: &[Told] = &[
    told(400, "malformed", "提交的内容格式不对。", "请把应用更新到最新版本后再试。"),
    told(400, "not-a-challenge", "这不是政务大厅的二维码。", "请扫评价器或窗口平板上显示的二维码。"),
    told(
        400,
        "not-a-receipt",
        "这不是政务大厅打印的回执。",
        "请扫回执上的二维码，或把二维码的文字完整粘贴。",
    ),
    told(400, "agent-name", "对方的姓名没有填，或太长。", "请照对方的证件填写姓名。"),
    told(
        400,
        "agent-number",
        "对方的证件号码不对，与所选的证件类型不符。",
        "请照对方的证件逐位核对：居民身份证是18位，末位可能是X；其他证件请先选对证件类型。",
    ),
    told(400, "agent-phone", "对方的手机号码不对。", "请填写11位手机号码，不要加区号、空格。"),
    told(401, "no-token", "登录已失效。", "请重新登录。"),
    told(
        403,
        "not-matched",
        "身份信息校验失败：姓名与证件号码不一致，或尚未登记。",
        "请按证件核对姓名和号码，字母 X 用大写；仍不成功的，请到窗口人工审核。",
    ),
    told(403, "account-closed", "该账号已注销。", "需要重新开通的，请到政务服务大厅办理线下认证注册。"),
    told(403, "deceased", "该身份已不能使用。", "如有疑问，请持证件到政务服务大厅或拨打 12345。"),
    told(403, "device-key", "本机密钥不可用。", "请重新安装或更新应用后再登录。"),
    told(404, "session-over", "本次登录已失效或验证码已过期。", "请重新获取验证码。"),
    told(
        422,
        "face-required",
        "首次登录或更换手机号码，需要先做人脸核验。",
        "请按提示完成人脸核验；不便刷脸的，可到窗口用实体身份证办理。",
    ),
    told(
        422,
        "face-other-person",
        "人脸与登录的身份不是同一人。",
        "请由本人操作；确为本人的，请在光线均匀处再试一次。",
    ),
    told(422, "face-not-live", "未检测到真人。", "请本人正对镜头，按提示眨眼或转头，不要使用照片。"),
    told(422, "face-mask", "面部有遮挡。", "请临时取下口罩后再试。"),
    told(422, "face-dark", "光线太暗，看不清面部。", "请到明亮处，正对光线再试。"),
    told(503, "face-timeout", "人脸核验超时。", "请稍后再试；急用的，可在窗口用实体身份证办理。"),
    told(503, "face-unavailable", "人脸核验服务暂不可用。", "请稍后再试；急用的，可在窗口用实体身份证办理。"),
    told(403, "face-ticket", "需要先做人脸核验，或核验结果已超过五分钟、已用过。", "请重新做一次人脸核验。"),
    told(403, "not-entitled", "您没有以该身份办理的权限。", "请在“我的”中查看现有的身份和授权。"),
    told(
        403,
        "relation-ended",
        "登记显示您已不是该单位的法定代表人。",
        "请由现任法定代表人办理；登记有误的，请联系市场监管部门更正。",
    ),
    told(403, "grant-over", "您的经办授权已到期或已解除。", "请联系该单位法定代表人重新授权。"),
    told(403, "delegation-over", "该委托已到期、已撤销或未被接受。", "请与委托人联系，重新委托。"),
    told(403, "delegation-pending", "该委托尚未接受。", "请先在“委托我的”中接受。"),
    told(404, "unknown-kind", "目录中没有该证照类型。", "请在目录中重新选择。"),
    told(404, "unknown-item", "目录中没有该事项。", "请在目录中重新选择。"),
    told(
        404,
        "no-such-licence",
        "未查询到您名下的该类证照。",
        "请核对证照类型；确有该证照的，请联系发证部门核实电子证照。",
    ),
    told(403, "unknown-box", "这个二维码不是本省政务大厅设备发出的。", "请勿操作，并告知大厅工作人员。"),
    told(403, "box-revoked", "这台大厅设备已停用。", "请勿操作，并告知大厅工作人员换一个窗口。"),
    told(403, "wrong-signature", "二维码的签名不对，可能被更换过。", "请勿操作，并告知大厅工作人员。"),
    told(
        403,
        "over-asking",
        "窗口要求的材料超出了该事项登记的范围。",
        "请勿授权，并告知大厅工作人员；也可拨打 12345 反映。",
    ),
    told(403, "code-needs-no-centre", "出示办事码不需要联网确认。", "请直接在应用中出示办事码。"),
    told(403, "mandate-needed", "该请求需要委托人确认，请以代办人身份扫码。", "请先选择对应的委托，再扫码。"),
    told(403, "mandate-other-item", "该委托不包括正在办理的事项。", "请与委托人联系，另行委托。"),
    told(409, "answered-by-another", "这个二维码已由另一位办事人应答。", "请让窗口重新显示一个二维码。"),
    told(410, "challenge-expired", "二维码已失效，窗口已不再等待。", "请让窗口重新显示一个二维码。"),
    told(404, "unknown-challenge", "没有找到这次请求。", "请重新扫描窗口的二维码。"),
    told(403, "not-asked", "选择了窗口没有要求的材料。", "请重新扫描窗口的二维码后再选择。"),
    told(409, "too-much", "所选证照的内容太多，一个二维码放不下。", "请分两次出示，或只选窗口必需的证照。"),
    told(403, "principal-answers", "该请求只能由委托人本人确认。", "请委托人在自己的手机上确认。"),
    told(
        409,
        "phone-not-mobile",
        "单位的备案号码不是手机号码，收不到验证码。",
        "请先到市场监管窗口把备案号码改为11位手机号码。",
    ),
    told(
        409,
        "agent-no-account",
        "对方还没有用该手机号完成实名注册。",
        "请对方先用本人姓名、证件和这个手机号登录一次，再来授权。",
    ),
    told(409, "agent-is-self", "不能授权或委托给自己。", "请填写另一位办理人的信息。"),
    told(409, "already-granted", "该人员已有未到期的授权。", "如需更改有效期，请先解除原授权。"),
    told(409, "validity", "有效期不对：结束应晚于开始和现在，且不超过允许的年限。", "请重新选择有效期。"),
    told(409, "kind-not-registered", "该事项用不到所选的证照。", "请只选择该事项需要的证照。"),
    told(403, "not-the-agent", "这份委托不是给您的。", "请由委托人指定的代办人扫码。"),
    told(
        409,
        "by-office",
        "这是依职能查验，不是授权，不能撤回。",
        "有异议的，请向办理部门提出，或拨打 12345。",
    ),
    told(404, "unknown", "没有找到。", "请刷新后再试。"),
    told(404, "unknown-call", "没有这个接口。", "请把应用更新到最新版本。"),
    told(405, "wrong-method", "接口的调用方式不对。", "请把应用更新到最新版本。"),
];

const TOO_OFTEN: Told = told(429, "too-often", "操作太频繁。", "请稍后再试。");
const WRONG_OTP: Told = told(403, "wrong-otp", "验证码不对。", "请核对最新一条短信中的六位数字。");
const BUSY: Told = told(503, "busy", "系统繁忙。", "请稍后再试。");
const FAILED: Told =
    told(500, "failed", "系统出错，您的操作没有生效。", "请稍后再试；多次出现请拨打 12345 并报上编号。");

impl Refusal {
    /// What is told.
    pub fn told(&self) -> Told {
        match self {
            Self::Because(code) => TABLE.iter().find(|row| row.code == *code).copied().unwrap_or(FAILED),
            Self::TooOften(_) => TOO_OFTEN,
            Self::WrongOtp(_) => WRONG_OTP,
            Self::Store(StoreError::Busy) => BUSY,
            Self::Store(_) | Self::Failed(_) => FAILED,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NoRandomness> for Refusal {
    fn from(error: NoRandomness) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<getrandom::Error> for Refusal {
    fn from(error: getrandom::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<RegisterError> for Refusal {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Store(error) => Self::Store(error),
            error => Self::Failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_one_word_and_says_what_to_do() {
        for (n, row) in TABLE.iter().enumerate() {
            assert!(TABLE[..n].iter().all(|other| other.code != row.code), "{} stands twice", row.code);
            assert!(row.message.ends_with('。') && row.what_to_do.ends_with('。'), "{}", row.code);
            assert_eq!(Refusal::Because(row.code).told(), *row);
        }
    }
}
