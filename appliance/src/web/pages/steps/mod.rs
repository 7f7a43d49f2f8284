//! 步骤: the contents of the six steps, and of the page after submission.

mod consent;
mod form;
mod identify;
mod list;
mod submit;

pub use consent::{ConsentState, ConsentStep, OfficeForm};
pub use form::{Attachment, AttachmentKind, Commitment, Field, FormStep, Input, Mark, Mistake, Upload};
pub use identify::{
    Again, DocumentChoice, Identified, IdentifyStep, MandateEntry, OrganisationEntry, Person, ReadFailure,
    Reader, Reading, StatedMandate,
};
pub use list::{
    AliasRow, Checked, Decision, How, LicenceCell, LicenceState, ListStep, MaterialRow, Showing, Source,
};
pub use submit::{
    Answer, Blocker, DoneStep, Following, FollowingItem, Rating, Sent, Signature, Signatures, SubmitStep,
};

/// 事项: what is applied for, as the guide has it.
#[derive(Debug, Clone)]
pub struct ItemStep {
    /// 事项编码.
    pub code: String,
    /// Department.
    pub department: String,
    /// 即办 or 承诺 with days, ready text.
    pub promise: String,
    /// 风险等级 in words, such as "T1 低".
    pub tier: String,
    /// Version of the catalogue it comes from.
    pub catalogue: u32,
    /// Materials with the licence that can replace each.
    pub materials: Vec<GuideMaterial>,
    /// What happens to it when the line is down, ready sentence.
    pub offline: String,
}

/// One material of the guide.
#[derive(Debug, Clone)]
pub struct GuideMaterial {
    /// Name.
    pub name: String,
    /// Whether the case cannot be accepted without it.
    pub required: bool,
    /// The licence kind that can replace it.
    pub replaced_by: Option<String>,
}
