//! The whole driver with a reader behind pcscd, and a broker; the test is the box.

use std::path::Path;

use ed25519_dalek::SigningKey;
use hall_bus::DeviceKey;
use hall_bus::reader::{ReadFailure, ReadOutcome, ReaderCondition, ReaderSource};
use hall_driver::store::{CardProfile, Credentials, Paired, Settings};
use hall_driver::{DataDir, Ended, Readers, run};
use hall_sim::pcsc::CardSlot;
use hall_sim::pcsc::cards::{IdEscape, Ssc};
use tokio_util::sync::CancellationToken;

use super::alone::alone;
use super::bench::{daemon, wang, within};
use super::hall::{Hall, id};

const A: &str = "Hall Virtual Reader A";

/// A folder that is paired with the hall and a reader of this name.
fn paired(folder: &Path, hall: &Hall, name: &str) -> (DataDir, DeviceKey) {
    let data = DataDir::new(folder.join("driver"));
    data.create().unwrap();
    let key = SigningKey::from_bytes(&[9; 32]);
    let credentials = Credentials {
        grant: hall.grant(),
        ca: hall.identity.ca.clone(),
        box_url: "https://127.0.0.1".to_owned(),
    };
    let profiles = vec![CardProfile::IdEscape, CardProfile::Ssc];
    let settings = Settings::Pcsc { reader: name.parse().unwrap(), profiles };
    data.save(&Paired { settings, credentials, key: key.clone() }).unwrap();
    (data, key.verifying_key().into())
}

alone! {
    async fn the_box_gets_cards_and_states_of_a_reader_behind_pcscd_as_of_any_other(folder) {
        let mut daemon = daemon(&folder, &[A]);
        daemon.kill();
        let mut hall = Hall::open().await;
        let (data, key) = paired(&folder, &hall, A);
        hall.bind("W01", 4).await;
        let stop = CancellationToken::new();
        let token = stop.clone();
        let driver = tokio::spawn(async move { run(&data, Readers::VirtualToo, token, || ()).await });
        hall.born(ReaderCondition::ServiceDown, 4).await;
        daemon.start().unwrap();
        let (_, reader) = hall.born(ReaderCondition::Ready, 4).await;
        assert_eq!((reader.kind, reader.port.as_str()), (ReaderSource::Virtual, A));

        let slot = CardSlot::new(daemon.slot(A));
        slot.insert(IdEscape::new(&wang()).unwrap()).await;
        hall.ask(id(1)).await;
        let (answer, _) = hall.answer_to(id(1), &key).await;
        assert_eq!(answer.source, ReaderSource::Virtual);
        match &answer.outcome {
            ReadOutcome::Read { card } => assert!(**card == wang(), "another card was read"),
            ReadOutcome::Failed { reason } => panic!("no card was read: {reason:?}"),
        }
        hall.receipt(&answer).await;

        // Old or new, a social security card is told apart and nothing of it leaves the driver.
        slot.insert(Ssc::old("王芳", "519900199003070011")).await;
        hall.ask(id(2)).await;
        let (answer, bytes) = hall.answer_to(id(2), &key).await;
        assert_eq!(answer.outcome, ReadOutcome::Failed { reason: ReadFailure::SocialSecurityCard });
        assert!(!String::from_utf8_lossy(&bytes).contains("519900199003070011"));
        hall.receipt(&answer).await;

        daemon.kill();
        hall.born(ReaderCondition::ServiceDown, 4).await;
        hall.ask(id(3)).await;
        let (answer, _) = hall.answer_to(id(3), &key).await;
        assert_eq!(answer.outcome, ReadOutcome::Failed { reason: ReadFailure::ServiceDown });
        hall.receipt(&answer).await;
        daemon.start().unwrap();
        hall.born(ReaderCondition::Ready, 4).await;

        slot.remove().await;
        stop.cancel();
        assert_eq!(within(driver).await.unwrap().unwrap(), Ended::Stopped);
    }

    async fn a_driver_in_a_hall_does_not_start_with_a_virtual_reader(folder) {
        let daemon = daemon(&folder, &[A]);
        let hall = Hall::open().await;
        // By its own name at once; by the name of what fits as soon as it is there.
        for name in [A, "Hall * Reader A"] {
            let (data, _) = paired(&folder, &hall, name);
            let ended = within(run(&data, Readers::RealOnly, CancellationToken::new(), || ())).await;
            let error = format!("{:#}", ended.unwrap_err());
            assert!(error.contains("virtual reader") && error.contains("--allow-virtual"), "{error}");
        }
        drop(daemon);
    }
}
