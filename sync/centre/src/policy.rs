//! 离线策略: what the centre lets halls do while their lines are down, published like any other document.

use crate::app::App;
use crate::register::RegisterError;
use crate::store::StoreError;
use hall_domain::policy::Policy;
use hall_ledger::document::{Document, DocumentKind};

/// The policy in force: the newest published, or the province's default before the first.
pub async fn current(app: &App) -> Result<Policy, StoreError> {
    let Some((_, signed)) = app.store.document(DocumentKind::Policy).await? else {
        return Ok(Policy::default());
    };
    let damaged = |reason: String| StoreError::Damaged { what: "policy", reason };
    let document = app.own(&signed).ok_or_else(|| damaged("not signed by this centre".to_owned()))?;
    document.read(DocumentKind::Policy).map_err(|error| damaged(error.to_string()))
}

/// Publishes the default, if nothing was published yet.
pub async fn publish_default(app: &App) -> Result<(), RegisterError> {
    if app.store.document(DocumentKind::Policy).await?.is_none() {
        publish(app, Policy::default()).await?;
    }
    Ok(())
}

/// Publishes a policy as the next version, and gives it as published. The caller has checked it.
pub async fn publish(app: &App, policy: Policy) -> Result<Policy, RegisterError> {
    let _register = app.register.lock().await;
    let held = app.store.document(DocumentKind::Policy).await?.map_or(0, |(version, _)| version);
    let policy = Policy { version: held + 1, ..policy };
    let document = Document::new(DocumentKind::Policy, "*", policy.version, app.now(), &policy)?;
    let signed = app.sign(&document);
    app.store.publish(document, signed).await?;
    app.waiters.wake_all();
    tracing::info!(policy.version = policy.version, "A policy was published.");
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    #[tokio::test]
    async fn a_policy_is_published_once_and_changed_under_a_higher_version() {
        let bench = Bench::new().await;
        publish_default(&bench.app).await.unwrap();
        publish_default(&bench.app).await.unwrap();
        let first = current(&bench.app).await.unwrap();
        assert_eq!(first, Policy { version: 1, ..Policy::default() });
        let mut stricter = first.clone();
        stricter.limits.principal_per_day = 1;
        let second = publish(&bench.app, stricter).await.unwrap();
        assert_eq!((second.version, second.limits.principal_per_day), (2, 1));
        assert_eq!(current(&bench.app).await.unwrap(), second, "it comes back from its signed bytes");
    }
}
