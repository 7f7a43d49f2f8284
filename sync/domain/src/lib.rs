//! The vocabulary and the rules of a hall: identifiers, people, organisations, licences, items, evidence and policy.
//!
//! It deliberately knows no clock, disk, network, device or screen: time is passed in, and whoever calls
//! carries out what was decided.

pub mod alias;
pub mod archive;
pub mod card;
pub mod case;
pub mod catalogue;
pub mod consent;
pub mod evidence;
pub mod field;
pub mod form;
pub mod identifier;
pub mod item;
pub mod licence;
pub mod masking;
pub mod name;
pub mod organisation;
pub mod person;
pub mod policy;
pub mod rating;
pub mod register;
pub mod subject;
pub mod time;

pub use alias::{AliasError, AliasId, AliasKind, HolderAlias};
pub use archive::{Manifest, ManifestItem};
pub use card::{CardError, CardLayout, IdentityCard};
pub use catalogue::{Catalogue, CatalogueError};
pub use evidence::{CodeForm, ConsentGrade, IdentityGrade, LicenceGrade, MandateGrade, Way};
pub use field::{FieldError, FieldKey, FieldKeyError};
pub use identifier::{
    DocumentKind, HolderId, IdentifierError, IdentityDocument, ItemCode, LicenceId, LicenceKindCode,
    MobileNumber, ResidentNumber, Uscc,
};
pub use item::{
    CardField, FieldKind, FieldSource, FormField, Material, MaterialHolder, MaterialId, Promise, ServiceItem,
    Tier,
};
pub use licence::{Issuer, Licence, LicenceField, LicenceKind, LicenceStatus};
pub use masking::{mask_name, mask_number};
pub use organisation::{ActsFor, AgentGrant, LegalRepresentative, Organisation, OrganisationKind};
pub use person::{ApplicantKind, Sex, nation_name};
pub use policy::{Judgement, LineState, Outcome, Policy, Situation, judge};
pub use rating::Grade;
pub use register::{Register, RegisterAlias, RegisterError, RegisterOrganisation, RegisterPerson};
pub use subject::{Capacity, Carrier, PhoneAsk, Subject};
pub use time::{Date, Timestamp};
