//! Where a case stands, read from what is recorded of it.

use super::{Case, Consent, Decision, ListRow, MaterialState, Outstanding, PaperChoice, Step};
use crate::{ApplicantKind, ConsentGrade, HolderId, IdentityGrade, LicenceGrade, MaterialId};

impl Case {
    /// The step that the case is at.
    pub fn step(&self) -> Step {
        if self.abandoned.is_some() {
            Step::Abandoned
        } else if self.submission.is_some() {
            Step::Submitted
        } else if self.filled {
            Step::Form
        } else if matches!(self.consent, Consent::Waiting { .. }) {
            Step::Consent
        } else if self.mode.is_some() {
            Step::List
        } else {
            Step::Identify
        }
    }

    /// Whether nothing more will be asked or changed by the clerk.
    pub fn closed(&self) -> bool {
        self.submission.is_some() || self.abandoned.is_some()
    }

    /// 待补: what was to follow and has not come yet, in the order of the list.
    pub fn outstanding(&self) -> Vec<Outstanding<'_>> {
        let Some(follow) = self.submission.as_ref().and_then(|done| done.follow.as_ref()) else {
            return Vec::new();
        };
        let came = |material: Option<&MaterialId>| {
            let mut files = self.attachments.iter();
            files.any(|file| self.supplied.contains(&file.id) && file.material.as_ref() == material)
        };
        let follows = |row: &&ListRow| follow.materials.contains(&row.material) && !came(Some(&row.material));
        let materials = self.list.iter().filter(follows).map(Outstanding::Material);
        let identity = (follow.identity && !came(None)).then_some(Outstanding::Identity);
        materials.chain(identity).collect()
    }

    /// How well the person is known by now.
    pub fn identity_grade(&self) -> IdentityGrade {
        match &self.identity {
            None => IdentityGrade::I0,
            Some(identity) if identity.confirmed => IdentityGrade::I2,
            Some(_) => IdentityGrade::I1,
        }
    }

    /// How the citizen agreed by now.
    pub fn consent_grade(&self) -> ConsentGrade {
        match self.consent {
            Consent::Given { .. } => ConsentGrade::C2,
            _ => ConsentGrade::C0,
        }
    }

    /// 持证主体: for whom the case is, once known.
    pub fn principal(&self) -> Option<HolderId> {
        match self.applicant {
            ApplicantKind::Organisation => {
                self.organisation.as_ref().map(|known| HolderId::Organisation(known.uscc.clone()))
            }
            ApplicantKind::Person => {
                self.identity.as_ref().map(|identity| HolderId::Person(identity.card.document.clone()))
            }
        }
    }

    /// What the citizen decided on one row of the list.
    pub fn decision(&self, material: &MaterialId) -> Decision {
        match &self.consent {
            Consent::Given { asked, refused, .. } => {
                if refused.contains(material) {
                    Decision::Refused
                } else if asked.request.rows.iter().any(|row| &row.material == material) {
                    Decision::Agreed
                } else {
                    Decision::Open
                }
            }
            Consent::Refused { .. } => Decision::Refused,
            _ => Decision::Open,
        }
    }

    /// Whether a material is here on paper: scanned, or its original sighted.
    pub fn paper_brought(&self, material: &MaterialId) -> bool {
        self.papers.get(material) == Some(&PaperChoice::Original)
            || self.attachments.iter().any(|file| file.material.as_ref() == Some(material))
    }

    /// Whether a licence stands for a material whose status is older than it should be: paper would be better.
    pub fn rests_on_stale(&self, material: &MaterialId) -> bool {
        self.uses.iter().any(|used| used.material == *material && used.grade <= LicenceGrade::L2)
    }

    /// How each row of the list stands, in the order of the list.
    pub fn material_state(&self, row: &ListRow) -> MaterialState {
        if self.uses.iter().any(|used| used.material == row.material) {
            return MaterialState::Waived;
        }
        if self.paper_brought(&row.material) {
            return MaterialState::Brought;
        }
        match self.papers.get(&row.material) {
            Some(PaperChoice::ToFollow) => MaterialState::ToFollow,
            _ => {
                let usable =
                    row.licence.as_ref().is_some_and(|licence| licence.usable(self.updated_at.local_date()));
                if usable && !self.filled && self.decision(&row.material) == Decision::Open {
                    MaterialState::Waivable
                } else if row.required {
                    MaterialState::Missing
                } else {
                    MaterialState::Absent
                }
            }
        }
    }
}
