//! 手机: each of the cast carries one. Serves them on loopback and leads their network to the centre.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use hall_domain::HolderId;
use hall_sim::phone::{Carrier, Phones};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::cast::Cast;

/// The cast's phones, served until this is dropped.
#[derive(Debug)]
pub struct CastPhones {
    phones: Phones,
    address: SocketAddr,
    _end: DropGuard,
}

impl CastPhones {
    /// Gives everybody a phone, with a network that leads nowhere yet and believes the centre by its authority.
    ///
    /// # Errors
    /// If the address is taken or the authority cannot be read.
    pub async fn open(cast: &Cast, address: SocketAddr, authority: &Path) -> Result<Self> {
        let pem =
            tokio::fs::read(authority).await.with_context(|| format!("read {}", authority.display()))?;
        let listener = TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))?;
        let phones = Phones::new(carriers(cast), &pem)?;
        let stop = CancellationToken::new();
        tokio::spawn(phones.clone().serve(listener, stop.clone()));
        Ok(Self { phones, address, _end: stop.drop_guard() })
    }

    /// Where one chooses whose phone to take.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// One person's phone.
    pub fn url_of(&self, slug: &str) -> String {
        format!("http://{}/{slug}/", self.address)
    }

    /// Where the centre's gateway sends text messages.
    pub fn messages(&self) -> String {
        format!("http://{}/messages", self.address)
    }

    /// Leads the phones' network to a centre.
    pub fn lead_to(&self, centre: SocketAddr) {
        self.phones.lead_to(centre);
    }

    /// Switches one phone's network. False if nobody has that name.
    pub fn set_network(&self, slug: &str, on: bool) -> bool {
        self.phones.set_network(slug, on)
    }

    /// Whose phones have no network.
    pub fn without_network(&self) -> Vec<String> {
        self.phones.without_network()
    }
}

fn carriers(cast: &Cast) -> Vec<Carrier> {
    let people = cast.people().iter().filter_map(|member| Some((member, cast.card(&member.slug)?)));
    people
        .map(|(member, card)| Carrier {
            slug: member.slug.clone(),
            name: member.name.clone(),
            note: member.note.clone(),
            holder: HolderId::Person(card.document.clone()),
            document: card.document.clone(),
            mobile: member.mobile.clone(),
            also: member.represents.iter().map(|one| one.phone.clone()).collect(),
        })
        .collect()
}
