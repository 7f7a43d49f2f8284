//! The link over HTTPS.

mod transport;

pub(crate) use transport::{Ask, Transport};
pub use transport::{ClientIdentity, Credentials, SetupError};

use crate::link::{AssertionAnswer, Link, UploadAnswer};
use crate::status::Trouble;
use hall_ledger::blob::{Bitmap, Manifest};
use hall_ledger::cbor::{self, CborError};
use hall_ledger::document::{Document, DocumentKind};
use hall_ledger::feed::{FeedPage, Lane};
use hall_ledger::link::{
    BlobState, Hello, HelloAnswer, Lookup, LookupAnswer, MAX_MESSAGE, MEDIA_TYPE, Problem, Resolve, Resolved,
};
use hall_ledger::phone::ChallengeNonce;
use hall_ledger::status::StatusClaims;
use hall_ledger::trust::SignedBundle;
use hall_ledger::{BlobId, Signed, Statement};
use minicbor::{Decode, Encode};
use reqwest::Method;
use std::time::Duration;

/// Small questions: what notices a line that has fallen silent.
const QUICK: Duration = Duration::from_secs(6);
/// Uploads and chunks: 8 MiB at 1 Mbit/s take 67 s.
const BULK: Duration = Duration::from_secs(90);
/// A desk waits no longer than this for a look-up.
pub const LOOKUP: Duration = Duration::from_secs(3);
/// What a long poll may take beyond its own waiting time.
const POLL_SLACK: Duration = Duration::from_secs(10);
/// Largest small answer.
const SMALL: usize = 64 << 10;

/// The centre behind `https://host:port`.
#[derive(Clone)]
pub struct HttpLink {
    transport: Transport,
}

impl HttpLink {
    /// Sets the client up; nothing is sent yet.
    ///
    /// # Errors
    /// When address or certificates cannot be used.
    pub fn new(address: &str, credentials: &Credentials) -> Result<Self, SetupError> {
        Ok(Self { transport: Transport::new(address, credentials)? })
    }

    async fn send(&self, ask: Ask) -> Result<transport::Answer, Trouble> {
        self.transport.ask(ask).await
    }
}

impl Link for HttpLink {
    async fn hello(&self, hello: Hello) -> Result<HelloAnswer, Trouble> {
        let ask = post("hello", "/v1/link/hello".to_owned(), cbor::pack(&hello));
        read("hello", &self.send(ask).await?.body)
    }

    async fn upload(&self, from: u64, upload: Vec<u8>) -> Result<UploadAnswer, Trouble> {
        let ask = Ask {
            limit: BULK,
            longest: SMALL,
            also: &[202, 409, 422],
            ..post("entries", format!("/v1/link/entries?from={from}"), upload)
        };
        let answer = self.send(ask).await?;
        Ok(match answer.status.as_u16() {
            202 => UploadAnswer::Next(read("entries", &answer.body)?),
            409 => UploadAnswer::Resume(read("entries", &answer.body)?),
            422 => UploadAnswer::Fork(read("entries", &answer.body)?),
            _ => UploadAnswer::Receipt(signed(answer.body)),
        })
    }

    async fn feed(&self, lane: Lane, after: u64, wait: Duration) -> Result<Signed<FeedPage>, Trouble> {
        let lane = match lane {
            Lane::Main => "main",
            Lane::Hot => "hot",
        };
        let path = format!("/v1/link/feed?after={after}&wait={}&lane={lane}", wait.as_secs());
        let ask = Ask { limit: wait + POLL_SLACK, longest: MAX_MESSAGE, ..get("feed", path) };
        Ok(signed(self.send(ask).await?.body))
    }

    async fn status_list(&self, list: u32) -> Result<Signed<StatusClaims>, Trouble> {
        let ask = Ask {
            limit: BULK,
            longest: MAX_MESSAGE,
            ..get("status list", format!("/v1/link/status/{list}"))
        };
        Ok(signed(self.send(ask).await?.body))
    }

    async fn document(&self, kind: DocumentKind) -> Result<Signed<Document>, Trouble> {
        let name = match kind {
            DocumentKind::Catalogue => "catalogue",
            DocumentKind::Organisations => "organisations",
            DocumentKind::Policy => "policy",
            DocumentKind::Organisation => "organisation",
            DocumentKind::Trust => "trust",
        };
        let ask = Ask {
            limit: BULK,
            longest: MAX_MESSAGE,
            ..get("document", format!("/v1/link/documents/{name}"))
        };
        Ok(signed(self.send(ask).await?.body))
    }

    async fn trust(&self) -> Result<SignedBundle, Trouble> {
        let ask = Ask { limit: BULK, ..get("trust", "/v1/link/documents/trust".to_owned()) };
        read("trust", &self.send(ask).await?.body)
    }

    async fn lookup(&self, lookup: Lookup) -> Result<LookupAnswer, Trouble> {
        let ask = Ask {
            limit: LOOKUP,
            longest: MAX_MESSAGE,
            ..post("lookup", "/v1/link/lookup".to_owned(), cbor::pack(&lookup))
        };
        read("lookup", &self.send(ask).await?.body)
    }

    async fn assertion(&self, nonce: ChallengeNonce, wait: Duration) -> Result<AssertionAnswer, Trouble> {
        let path = format!("/v1/link/assertions/{nonce}?wait={}", wait.as_secs());
        let ask = Ask { limit: wait + POLL_SLACK, also: &[202, 410], ..get("assertion", path) };
        let answer = self.send(ask).await?;
        Ok(match answer.status.as_u16() {
            202 => AssertionAnswer::NotYet,
            410 => AssertionAnswer::Declined,
            _ => AssertionAnswer::Said(answer.body),
        })
    }

    async fn resolve(&self, resolve: Resolve) -> Result<Option<Signed<Resolved>>, Trouble> {
        let ask = Ask {
            limit: LOOKUP,
            also: &[404],
            ..post("resolve", "/v1/link/resolve".to_owned(), cbor::pack(&resolve))
        };
        let answer = self.send(ask).await?;
        if answer.status.as_u16() == 404 {
            // A centre that does not know the call is not a code that stands for nobody.
            let problem: Problem = read("resolve", &answer.body)?;
            return match problem.code.as_str() {
                "unknown-code" => Ok(None),
                _ => Err(Trouble::Refused { status: 404, reason: problem.message }),
            };
        }
        Ok(Some(signed(answer.body)))
    }

    async fn offer_blob(&self, id: BlobId, manifest: &Manifest) -> Result<BlobState, Trouble> {
        let ask = Ask {
            method: Method::PUT,
            ..post("blob offer", format!("/v1/link/blobs/{id}"), manifest.to_bytes())
        };
        blob_state(id, manifest, &self.send(ask).await?.body)
    }

    async fn put_chunk(&self, id: BlobId, n: usize, bytes: Vec<u8>) -> Result<(), Trouble> {
        let ask = Ask {
            method: Method::PUT,
            body: Some(("application/octet-stream", bytes)),
            limit: BULK,
            ..post("blob chunk", format!("/v1/link/blobs/{id}/{n}"), Vec::new())
        };
        self.send(ask).await.map(drop)
    }

    async fn seal_blob(&self, id: BlobId) -> Result<BlobState, Trouble> {
        let ask = post("blob seal", format!("/v1/link/blobs/{id}/seal"), Vec::new());
        read("blob seal", &self.send(ask).await?.body)
    }
}

fn get(name: &'static str, path: String) -> Ask {
    Ask {
        name,
        method: Method::GET,
        path,
        body: None,
        expect: MEDIA_TYPE,
        limit: QUICK,
        longest: SMALL,
        also: &[],
    }
}

fn post(name: &'static str, path: String, body: Vec<u8>) -> Ask {
    Ask { method: Method::POST, body: Some((MEDIA_TYPE, body)), ..get(name, path) }
}

fn read<'b, T: Decode<'b, ()> + Encode<()>>(request: &'static str, body: &'b [u8]) -> Result<T, Trouble> {
    cbor::unpack(body).map_err(|error: CborError| Trouble::Garbage { request, reason: error.to_string() })
}

fn signed<T: Statement>(body: Vec<u8>) -> Signed<T> {
    Signed::from_bytes(body)
}

fn blob_state(id: BlobId, manifest: &Manifest, body: &[u8]) -> Result<BlobState, Trouble> {
    let state: BlobState = read("blob offer", body)?;
    let fits = usize::try_from(state.chunks).is_ok_and(|chunks| chunks == manifest.chunk_count())
        && Bitmap::from_bytes(manifest.chunk_count(), state.have.clone()).is_some();
    if state.id != id || !fits {
        let reason = "speaks of another blob".to_owned();
        return Err(Trouble::Garbage { request: "blob offer", reason });
    }
    Ok(state)
}
