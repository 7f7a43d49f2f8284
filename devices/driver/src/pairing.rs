//! Pairing: how a reader or scanner gets its name. The terminal shows a code, a technician types it at the box.

use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use ed25519_dalek::SigningKey;
use hall_bus::jws::PAIRING_TYPE;
use hall_bus::pairing::{Begin, Begun, Grant, Progress};
use hall_bus::{DeviceKey, DeviceKind, Jws, PairingCode, encode};
use reqwest::{Client, StatusCode};
use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::store::Settings;
use crate::tls;

const REQUEST: Duration = Duration::from_secs(10);
/// Fewer questions than the box allows would only make the technician wait.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// What a device calls itself.
pub const fn model(kind: DeviceKind, settings: &Settings) -> &'static str {
    match (kind, settings) {
        (DeviceKind::Scanner, _) => "serial",
        (_, Settings::Serial { .. }) => "SAM_V",
        (_, Settings::Pcsc { .. }) => "PC/SC",
    }
}

/// What the technician needs to see.
#[derive(Debug, Clone)]
pub struct Shown {
    /// 配对码.
    pub code: PairingCode,
    /// 指纹 of the device's key: the box shows the same.
    pub fingerprint: String,
    /// How long the code lives.
    pub lives: Duration,
}

/// A new key.
///
/// # Errors
/// If the operating system gives no randomness.
pub fn new_key() -> anyhow::Result<SigningKey> {
    random().map(|seed| SigningKey::from_bytes(&seed))
}

/// Asks the box at `box_url` for a pairing of a reader or a scanner of this `model`, has `show` show the code, and waits for the technician.
///
/// # Errors
/// If the box cannot be reached, refuses, or the code dies before it is typed.
pub async fn pair(
    box_url: &str,
    ca_pem: &str,
    key: &SigningKey,
    kind: DeviceKind,
    model: &str,
    show: impl FnOnce(Shown),
) -> anyhow::Result<Grant> {
    let client = Client::builder()
        .tls_backend_preconfigured(tls::trusting(ca_pem)?)
        .timeout(REQUEST)
        .build()
        .context("cannot set up HTTPS")?;
    let base = box_url.trim_end_matches('/');
    ensure!(base.starts_with("https://"), "the box is spoken to over https only");

    let begun = begin(&client, base, key, kind, model).await?;
    let lives = Duration::from_secs(begun.expires_in.into());
    let fingerprint = DeviceKey::from(key.verifying_key()).fingerprint();
    show(Shown { code: begun.code, fingerprint, lives });
    let grant = wait(&client, base, &begun, Instant::now() + lives).await?;
    ensure!(grant.device.kind() == kind, "the box paired {} as another kind", grant.device);
    Ok(grant)
}

async fn begin(
    client: &Client,
    base: &str,
    key: &SigningKey,
    kind: DeviceKind,
    model: &str,
) -> anyhow::Result<Begun> {
    let nonce: [u8; 16] = random()?;
    let request = Begin {
        kind,
        key: key.verifying_key().into(),
        model: model.to_owned(),
        serial: String::new(),
        sw: env!("CARGO_PKG_VERSION").to_owned(),
        nonce: nonce.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let kid = request.key.thumbprint().to_string();
    let body = Jws::sign(key, &kid, PAIRING_TYPE, &encode(&request)?).to_bytes();
    let answer = client
        .post(format!("{base}/pair/v1/begin"))
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .with_context(|| format!("cannot reach the box at {base}"))?;
    let status = answer.status();
    ensure!(status.is_success(), "the box refuses to begin a pairing ({status})");
    answer.json().await.context("the box's answer is not understood")
}

fn random<const BYTES: usize>() -> anyhow::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow!("no randomness from the operating system: {error}"))?;
    Ok(bytes)
}

async fn wait(client: &Client, base: &str, begun: &Begun, deadline: Instant) -> anyhow::Result<Grant> {
    let interval = Duration::from_secs(begun.interval.into()).max(SHORTEST_INTERVAL);
    while Instant::now() < deadline {
        let asked =
            client.get(format!("{base}/pair/v1/{}", begun.pair)).bearer_auth(&begun.poll).send().await;
        match asked {
            Ok(answer) if answer.status().is_success() => {
                let progress = answer.json().await.context("the box's answer is not understood")?;
                if let Progress::Bound(grant) = progress {
                    return Ok(*grant);
                }
            }
            Ok(answer) if answer.status() == StatusCode::NOT_FOUND => break,
            Ok(answer) => warn!(status = answer.status().as_u16(), "the box does not answer as it should"),
            // The box may be restarting; the code lives on.
            Err(error) => warn!(error = %error.without_url(), "the box was not reached"),
        }
        sleep(interval).await;
    }
    bail!("the pairing code has expired before a technician typed it")
}
