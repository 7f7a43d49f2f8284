//! Where a case stands, read from what is recorded of it.

use super::{
    Acknowledgement, Asked, Case, Consent, ConsentProof, Decision, Identity, ListRow, MaterialState,
    Outstanding, PaperChoice, PaperMandate, Step,
};
use crate::{
    ApplicantKind, Capacity, ConsentGrade, HolderId, IdentityGrade, LicenceGrade, MandateGrade, MaterialId,
    PhoneAsk, Way, mask_name,
};

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
        self.identity.as_ref().map_or(IdentityGrade::I0, Identity::grade)
    }

    /// How the person was verified, and for whom they act.
    pub fn way(&self) -> Way {
        if matches!(self.consent, Consent::Office { .. }) {
            return Way::ExOfficio;
        }
        if self.paper_mandate.is_some() {
            return Way::Delegate;
        }
        let phone = self.identity.as_ref().and_then(|who| who.phone.as_ref());
        phone.map_or(Way::IdentityCard, |phone| match phone.capacity {
            Capacity::Agent { .. } => Way::Agent,
            Capacity::Delegate { .. } => Way::Delegate,
            Capacity::Own | Capacity::LegalRepresentative { .. } => phone.way,
        })
    }

    /// The capacity that a phone proved.
    pub fn capacity(&self) -> Option<&Capacity> {
        self.identity.as_ref().and_then(|who| who.phone.as_ref()).map(|phone| &phone.capacity)
    }

    /// 委托人, when a delegate stands at the window.
    pub fn mandator(&self) -> Option<(&HolderId, &str)> {
        match (&self.paper_mandate, self.capacity()) {
            (Some(paper), _) => Some((&paper.principal, &paper.principal_name)),
            (None, Some(Capacity::Delegate { principal, principal_name, .. })) => {
                Some((principal, principal_name))
            }
            _ => None,
        }
    }

    /// Whether the paper mandate itself has been scanned.
    pub fn paper_mandate_scanned(&self) -> bool {
        let its = |file: &super::Attachment| {
            file.material.as_ref().is_some_and(|material| material.as_str() == PaperMandate::MATERIAL)
        };
        self.paper_mandate.is_some() && self.attachments.iter().any(its)
    }

    /// How well it is known that the person may act for another.
    pub fn mandate_grade(&self) -> MandateGrade {
        let by_principal =
            |asked: &Asked| asked.phone.as_ref().is_some_and(|phone| phone.ask == PhoneAsk::Principal);
        match (self.mandator(), &self.consent) {
            (None, _) => MandateGrade::M0,
            // Whatever else has been said: paper is what the principal signed.
            (Some(_), _) if self.paper_mandate.is_some() => MandateGrade::M1,
            (Some(_), Consent::Given { asked, .. }) if by_principal(asked) => MandateGrade::M3,
            (Some(_), _) => MandateGrade::M2,
        }
    }

    /// Whether the delegate has still to acknowledge what the principal agreed to.
    pub fn wants_acknowledgement(&self) -> bool {
        let given = matches!(self.acknowledgement, Some(Acknowledgement::Given { .. }));
        self.mandate_grade() == MandateGrade::M3 && !given
    }

    /// How the citizen agreed by now.
    pub fn consent_grade(&self) -> ConsentGrade {
        match &self.consent {
            Consent::Given { proof: ConsentProof::Phone { .. }, .. } => ConsentGrade::C3,
            Consent::Given { proof: ConsentProof::Evaluator { .. }, .. } => ConsentGrade::C2,
            Consent::Office { .. } => ConsentGrade::CX,
            _ if self.paper_mandate_scanned() => ConsentGrade::C1,
            _ => ConsentGrade::C0,
        }
    }

    /// 持证主体: for whom the case is, once known.
    pub fn principal(&self) -> Option<HolderId> {
        match self.applicant {
            ApplicantKind::Organisation => {
                self.organisation.as_ref().map(|known| HolderId::Organisation(known.uscc.clone()))
            }
            ApplicantKind::Person => match self.mandator() {
                Some((principal, _)) => Some(principal.clone()),
                None => self.identity.as_ref().map(|identity| HolderId::Person(identity.document.clone())),
            },
        }
    }

    /// The name of somebody in this case for a screen: a person's masked, an organisation's as registered.
    pub fn shown_name(&self, holder: &HolderId) -> Option<String> {
        match (holder, self.mandator()) {
            (principal, Some((known, name))) if known == principal => Some(match principal {
                HolderId::Person(_) => mask_name(name),
                HolderId::Organisation(_) => name.to_owned(),
            }),
            (HolderId::Organisation(_), _) => {
                let register = self.organisation.as_ref().and_then(|known| known.register.as_ref());
                register.map(|entry| entry.name.clone())
            }
            (HolderId::Person(_), _) => self.identity.as_ref().map(|who| mask_name(&who.name)),
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
            Consent::Office { asked, .. }
                if asked.request.rows.iter().any(|row| &row.material == material) =>
            {
                Decision::Agreed
            }
            Consent::Withdrawn { .. } => Decision::Refused,
            Consent::Refused { .. } => Decision::Refused,
            _ => Decision::Open,
        }
    }

    /// Whether a material is here on paper: scanned, or its original sighted.
    pub fn paper_brought(&self, material: &MaterialId) -> bool {
        if material.as_str() == PaperMandate::MATERIAL {
            // A mandate that nobody keeps proves nothing later: seeing it is not enough.
            return self.paper_mandate_scanned();
        }
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
        if row.material.as_str() == PaperMandate::MATERIAL {
            return MaterialState::Missing;
        }
        match self.papers.get(&row.material) {
            Some(PaperChoice::ToFollow) => MaterialState::ToFollow,
            _ => {
                let usable =
                    row.licence.as_ref().is_some_and(|licence| licence.usable(self.updated_at.local_date()));
                // What was agreed to is opened a moment later, or once a delegate has confirmed.
                if usable && !self.filled && self.decision(&row.material) != Decision::Refused {
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

impl Identity {
    /// Whether it is settled who stands there: by the clerk's eye on a card, or by a phone.
    pub fn confirmed(&self) -> bool {
        self.compared || self.phone.is_some()
    }

    /// How well the person is known: the better of card and phone.
    pub fn grade(&self) -> IdentityGrade {
        let card = match (&self.card, self.compared) {
            (None, _) => IdentityGrade::I0,
            (Some(_), true) => IdentityGrade::I2,
            (Some(_), false) => IdentityGrade::I1,
        };
        self.phone.as_ref().map_or(card, |phone| phone.grade.max(card))
    }
}
