//! 短信: hands the outbox to a gateway. Without one, messages are only kept; none ever leaves this machine.

use crate::app::App;
use crate::store::StoreError;
use anyhow::Context;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A look without a nudge, and between two tries.
const PERIOD: Duration = Duration::from_secs(5);
/// Messages of one pass.
const BATCH: u32 = 50;
/// How long the gateway may take for one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where messages go: an HTTP endpoint on this machine, which shows them.
#[derive(Debug, Clone)]
pub struct Gateway {
    url: reqwest::Url,
    client: reqwest::Client,
}

impl Gateway {
    /// The gateway at `url`.
    ///
    /// # Errors
    /// When it is not `http` on a loopback address: this centre sends no real messages.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let url = reqwest::Url::parse(url).context("read the address of the message gateway")?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let is_local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        anyhow::ensure!(url.scheme() == "http" && is_local, "the message gateway is http on loopback only");
        // Nothing is trusted: the gateway is plain HTTP.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .context("set up the message gateway")?;
        Ok(Self { url, client })
    }
}

/// Sends until the centre stops.
pub async fn run(app: &App, gateway: Gateway) {
    loop {
        if let Err(error) = send_all(app, &gateway).await {
            tracing::warn!(%error, "Text messages wait; trying again.");
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = app.texts.notified() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the gateway did not take a message")]
    Gateway,
}

/// One pass. A message may arrive twice if the centre is stopped between sending and noting it, never not at all.
async fn send_all(app: &App, gateway: &Gateway) -> Result<(), Trouble> {
    loop {
        let waiting = app.store.texts_waiting(BATCH).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        for text in waiting {
            let body = serde_json::json!({
                "no": text.no,
                "phone": text.phone,
                "text": text.text,
                "at": text.at.0.div_euclid(1000),
            });
            let request = gateway.client.post(gateway.url.clone()).header("content-type", "application/json");
            let answer = request.body(body.to_string()).send().await.map_err(|_| Trouble::Gateway)?;
            if !answer.status().is_success() {
                return Err(Trouble::Gateway);
            }
            app.store.text_sent(text.no, app.now()).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_gateway_on_this_machine_is_taken() {
        for good in ["http://127.0.0.1:9000/texts", "http://localhost:9000", "http://[::1]:9000/"] {
            assert!(Gateway::new(good).is_ok(), "{good}");
        }
        for bad in ["https://127.0.0.1:9000", "http://sms.example:80/", "http://10.0.0.1/", "127.0.0.1:9000"]
        {
            assert!(Gateway::new(bad).is_err(), "{bad}");
        }
    }
}
