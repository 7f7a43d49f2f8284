//! 附件: scans that a clerk attaches. The type is found in the content, never believed.

use super::desk::{Clerk, Desk};
use super::{Refusal, decide};
use crate::book::Fault;
use crate::store::blobs::{self, BlobError, Kept};
use hall_domain::MaterialId;
use hall_domain::case::{Attachment, AttachmentId, Case, CaseEvent, CaseId};
use sha2::{Digest, Sha256};

/// A file as it came from the browser.
pub struct Upload {
    /// Its name there.
    pub name: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// A scan that was looked at and lies on disk.
pub struct Scan {
    kept: Kept,
    attachment: Attachment,
}

/// The most of a name that is kept.
const NAME_CHARS: usize = 80;

impl Desk {
    /// Looks at a scan and puts its bytes on disk. No row names it yet.
    pub async fn look_at(&self, upload: Upload) -> Result<Scan, Fault> {
        decide::file_fits(upload.content.len() as u64)?;
        let media_type = media_type(&upload.content).ok_or(Refusal::FileType)?;
        let sha256 = hex::encode(Sha256::digest(&upload.content));
        let size = upload.content.len() as u64;
        let kept = self.keep(upload.content).await?;
        let attachment = Attachment {
            id: 0,
            material: None,
            name: plain_name(&upload.name),
            media_type: media_type.to_owned(),
            size,
            sha256,
            blob: kept.id.to_string(),
        };
        Ok(Scan { kept, attachment })
    }

    /// Attaches scans to a case, all of them or none. Their bytes go to the centre once the case is submitted.
    pub async fn attach(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        material: Option<MaterialId>,
        scans: Vec<Scan>,
    ) -> Result<(), Fault> {
        self.mine(clerk, id).await?;
        self.record_scans(clerk, id, material, scans, false, decide::attach).await
    }

    /// 补交材料: adds what was to follow to a submitted case, whoever of the clerks takes it in.
    pub async fn supply(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        material: Option<MaterialId>,
        scans: Vec<Scan>,
    ) -> Result<(), Fault> {
        self.record_scans(clerk, id, material, scans, true, decide::supply).await?;
        self.line.nudge();
        Ok(())
    }

    async fn record_scans(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        material: Option<MaterialId>,
        scans: Vec<Scan>,
        sending: bool,
        decide: fn(&Case, Attachment) -> Result<Vec<CaseEvent>, Refusal>,
    ) -> Result<(), Fault> {
        let (book, clerk, case_id) = (self.book.clone(), clerk.clone(), id.clone());
        let now = book.clock.now();
        self.book
            .db
            .write(move |tx| {
                for Scan { kept, attachment } in scans {
                    blobs::put(tx, &kept, sending, now)?;
                    blobs::belongs(tx, &kept.id.to_string(), &case_id)?;
                    let attachment = Attachment { material: material.clone(), ..attachment };
                    book.change_case(tx, &case_id, &clerk.account, now, |case| {
                        Ok(decide(case, attachment)?)
                    })?;
                }
                Ok::<_, Fault>(())
            })
            .await?;
        self.changed(id);
        Ok(())
    }

    /// Takes a scan away; it can be brought back until the case is submitted.
    pub async fn detach(&self, clerk: &Clerk, id: &CaseId, number: AttachmentId) -> Result<Case, Fault> {
        self.change(clerk, id, move |case| Ok(decide::detach(case, number)?)).await
    }

    /// Brings a scan back.
    pub async fn reattach(&self, clerk: &Clerk, id: &CaseId, number: AttachmentId) -> Result<Case, Fault> {
        self.change(clerk, id, move |case| Ok(decide::reattach(case, number)?)).await
    }

    /// The content of an attachment.
    pub async fn attachment(
        &self,
        id: &CaseId,
        number: AttachmentId,
    ) -> Result<(Attachment, Vec<u8>), Fault> {
        let case = self.case(id).await?;
        let attachment =
            case.attachments.into_iter().find(|file| file.id == number).ok_or(Fault::NotFound)?;
        let content = self.blob(&attachment.blob).await?;
        Ok((attachment, content))
    }

    /// The content behind an address.
    pub(super) async fn blob(&self, address: &str) -> Result<Vec<u8>, Fault> {
        let (folder, text) = (self.blobs.clone(), address.to_owned());
        let wanted = text.clone();
        let chunks = self.book.db.read(move |db| blobs::chunks(db, &wanted)).await?.ok_or(Fault::NotFound)?;
        let id = text.parse().map_err(|_| Fault::NotFound)?;
        tokio::task::spawn_blocking(move || folder.content(&id, chunks))
            .await
            .map_err(|error| Fault::Storage(error.to_string()))?
            .map_err(blob_fault)
    }

    /// Puts content on disk, fsynced, before any row may name it.
    pub(super) async fn keep(&self, content: Vec<u8>) -> Result<Kept, Fault> {
        let folder = self.blobs.clone();
        tokio::task::spawn_blocking(move || folder.keep(&content))
            .await
            .map_err(|error| Fault::Storage(error.to_string()))?
            .map_err(blob_fault)
    }
}

fn blob_fault(error: BlobError) -> Fault {
    match error {
        BlobError::Io(error) => error.into(),
        other => Fault::Storage(crate::book::chain(&other)),
    }
}

/// What the content is, by its first bytes; only what a clerk may attach.
fn media_type(content: &[u8]) -> Option<&'static str> {
    match content {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [b'%', b'P', b'D', b'F', b'-', ..] => Some("application/pdf"),
        _ => None,
    }
}

/// A name without a path and without anything that a page or a printer could stumble over.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let seen = hall_domain::form::visible(last);
    let plain: String = seen.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
    match plain.trim() {
        "" => "附件".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_comes_from_the_content() {
        assert_eq!(media_type(b"%PDF-1.7 ..."), Some("application/pdf"));
        assert_eq!(media_type(&[0xff, 0xd8, 0xff, 0xe0]), Some("image/jpeg"));
        assert_eq!(media_type(b"MZ\x90\x00"), None, "a program renamed to PDF");
        assert_eq!(media_type(b""), None);
    }

    #[test]
    fn names_lose_paths_and_control_characters() {
        assert_eq!(plain_name("C:\\scans\\户口簿.pdf"), "户口簿.pdf");
        assert_eq!(plain_name("../../etc/passwd"), "passwd");
        assert_eq!(plain_name("a\u{0}\n.png"), "a.png");
        assert_eq!(plain_name(" "), "附件");
    }
}
