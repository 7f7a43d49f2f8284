//! The centre as the agent sees it: the calls of the link, without HTTP.

use crate::status::Trouble;
use hall_ledger::blob::Manifest;
use hall_ledger::document::{Document, DocumentKind};
use hall_ledger::feed::{FeedPage, Lane};
use hall_ledger::link::{
    BlobState, Fork, HeadIs, Hello, HelloAnswer, Lookup, LookupAnswer, Progress, Resolve, Resolved,
};
use hall_ledger::phone::ChallengeNonce;
use hall_ledger::receipt::Receipt;
use hall_ledger::status::StatusClaims;
use hall_ledger::trust::SignedBundle;
use hall_ledger::{BlobId, Signed};
use std::future::Future;
use std::time::Duration;

/// Number of the one status list of the province.
pub const STATUS_LIST: u32 = 1;

/// What the centre said to an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadAnswer {
    /// 200: custody up to the checkpoint.
    Receipt(Signed<Receipt>),
    /// 202: durable so far, go on from there.
    Next(Progress),
    /// 409: the centre stands elsewhere.
    Resume(HeadIs),
    /// 422: the centre knows another history.
    Fork(Fork),
}

/// What the centre said about a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssertionAnswer {
    /// 200: the same bytes that the phone shows. Whether they answer the challenge is for the box to check.
    Said(Vec<u8>),
    /// 202: nothing yet; ask again while the window waits.
    NotYet,
    /// 410: the citizen said no, and there is nothing signed.
    Declined,
}

/// The calls of the link. Answers are parsed strictly; signatures are checked by the agent.
pub trait Link: Send + Sync + 'static {
    /// First call after every reconnect.
    fn hello(&self, hello: Hello) -> impl Future<Output = Result<HelloAnswer, Trouble>> + Send;

    /// Offers entries from `from` on; `upload` is the compressed form.
    fn upload(
        &self,
        from: u64,
        upload: Vec<u8>,
    ) -> impl Future<Output = Result<UploadAnswer, Trouble>> + Send;

    /// The page after `after`; waits up to `wait` for one that is not empty.
    fn feed(
        &self,
        lane: Lane,
        after: u64,
        wait: Duration,
    ) -> impl Future<Output = Result<Signed<FeedPage>, Trouble>> + Send;

    /// A status list.
    fn status_list(&self, list: u32) -> impl Future<Output = Result<Signed<StatusClaims>, Trouble>> + Send;

    /// The newest version of a document.
    fn document(&self, kind: DocumentKind) -> impl Future<Output = Result<Signed<Document>, Trouble>> + Send;

    /// 信任包: the newest trust bundle. Read strictly, not yet believed.
    fn trust(&self) -> impl Future<Output = Result<SignedBundle, Trouble>> + Send;

    /// Licences of one holder, fresh.
    fn lookup(&self, lookup: Lookup) -> impl Future<Output = Result<LookupAnswer, Trouble>> + Send;

    /// The centre's answer to one of this box's challenges; waits up to `wait` for it.
    fn assertion(
        &self,
        nonce: ChallengeNonce,
        wait: Duration,
    ) -> impl Future<Output = Result<AssertionAnswer, Trouble>> + Send;

    /// Who stands behind a plain code; none if it stands for nobody now.
    fn resolve(
        &self,
        resolve: Resolve,
    ) -> impl Future<Output = Result<Option<Signed<Resolved>>, Trouble>> + Send;

    /// Offers a blob and learns what the centre has of it.
    fn offer_blob(
        &self,
        id: BlobId,
        manifest: &Manifest,
    ) -> impl Future<Output = Result<BlobState, Trouble>> + Send;

    /// Sends one chunk.
    fn put_chunk(
        &self,
        id: BlobId,
        n: usize,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Asks the centre to declare the blob whole.
    fn seal_blob(&self, id: BlobId) -> impl Future<Output = Result<BlobState, Trouble>> + Send;
}
