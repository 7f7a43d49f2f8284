//! What ends or goes on by itself: pages that nobody answered, and what a crash left half done.

use super::desk::{Desk, Reading};
use crate::book::Fault;
use crate::store::cases;
use crate::store::devices::{self as rows, Command};
use hall_bus::messages::AckRefusal;
use hall_bus::{DeviceId, acceptance};
use hall_domain::Timestamp;
use hall_domain::case::{CommandId, ConsentEnd};

/// A command that no device has said to carry out is given up after this long.
const UNSHOWN_MS: i64 = 8_000;

/// Whether a command has lasted too long, and why. A device that may still be coming back (`returns`) is waited for.
fn ended(command: &Command, returns: Timestamp, now: Timestamp) -> Option<ConsentEnd> {
    let unshown = command.kind != rows::CommandKind::Rating
        && command.shown_at.0 == 0
        && now > command.issued.plus_ms(UNSHOWN_MS).max(returns);
    let late = now.0 > command.deadline.0 + acceptance::GRACE_MS;
    match (unshown, late) {
        (true, _) => Some(ConsentEnd::Unreachable),
        (false, true) => Some(ConsentEnd::TimedOut),
        (false, false) => None,
    }
}

impl Desk {
    /// Ends what has lasted too long. Called every half second.
    pub async fn tick(&self) -> Result<(), Fault> {
        let now = self.book.clock.now();
        let open = self.book.db.read(|db| rows::open_commands(db, None)).await?;
        for command in open {
            let Some(reason) = ended(&command, self.hub.returns_until(), now) else {
                if command.shown_at.0 == 0 && now.ms_since(command.issued) > 2_000 {
                    self.hub.deliver(&command.device).await?;
                }
                continue;
            };
            if let Err(error) = self.give_up(&command, reason).await {
                tracing::error!(%error, command.id = %command.id, "a command could not be ended");
            }
        }
        Ok(())
    }

    /// Finishes what a crash or a full disk left half done, and forgets what is old. Called every ten seconds.
    pub async fn settle(&self, purge_ms: i64) -> Result<(), Fault> {
        for id in self.book.db.read(cases::at_list).await? {
            // One case that cannot go on keeps no other from doing so.
            if let Err(error) = self.fill(&id).await {
                tracing::error!(%error, case.id = %id, "a form could not be filled");
            }
        }
        self.seal_rest().await?;
        let before = self.book.clock.now().plus_ms(-purge_ms);
        self.book.db.write(move |tx| rows::purge(tx, before).map_err(Fault::from)).await?;
        Ok(())
    }

    /// A device will not carry a command out, now or ever.
    pub async fn rejected(
        &self,
        device: &DeviceId,
        command: &CommandId,
        reason: AckRefusal,
    ) -> Result<(), Fault> {
        let Some(open) = self.open_command(device, command).await? else { return Ok(()) };
        tracing::warn!(device.id = %device, ?reason, "a device will not carry a command out");
        self.give_up(&open, ConsentEnd::Rejected).await?;
        if let (rows::CommandKind::Read, Some(case)) = (open.kind, &open.case) {
            let failure = match reason {
                AckRefusal::NotReady => hall_bus::ReadFailure::Unplugged,
                _ => hall_bus::ReadFailure::ReaderFault,
            };
            self.set_reading(case, Some(Reading::Failed(failure)));
        }
        Ok(())
    }

    /// A command that this device was given and that is still open.
    pub(super) async fn open_command(
        &self,
        device: &DeviceId,
        command: &CommandId,
    ) -> Result<Option<Command>, Fault> {
        let (device, command) = (device.clone(), command.clone());
        let open = self.book.db.read(move |db| rows::command(db, &command)).await?;
        Ok(open.filter(|open| open.device == device && open.state == rows::CommandState::Open))
    }

    async fn give_up(&self, command: &Command, reason: ConsentEnd) -> Result<(), Fault> {
        let Some(case) = command.case.clone() else { return self.hub.close(command).await };
        match command.kind {
            rows::CommandKind::Authorize
            | rows::CommandKind::Challenge
            | rows::CommandKind::Notice
            | rows::CommandKind::Rating => self.end_page(&command.id, &case, reason).await,
            rows::CommandKind::Read => {
                self.hub.close(command).await?;
                let ended = match reason {
                    ConsentEnd::Unreachable => Reading::Unheard,
                    _ => Reading::Failed(hall_bus::ReadFailure::Timeout),
                };
                self.set_reading(&case, Some(ended));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::decide;
    use super::*;
    use crate::store::devices::{CommandKind, CommandState};

    const NEVER: Timestamp = Timestamp(0);

    /// A command of the moment 1 000 000 ms with two minutes to run.
    fn command(kind: CommandKind, shown_at: i64) -> Command {
        let issued = Timestamp(1_000_000);
        Command {
            id: "01ASK".parse().unwrap(),
            device: "ev-01arz3ndektsv4rrffq69g5fav".parse().unwrap(),
            window: "W01".parse().unwrap(),
            bind_epoch: 1,
            kind,
            case: None,
            gen_: 1,
            issued,
            deadline: issued.plus_ms(decide::CONSENT_MS),
            state: CommandState::Open,
            shown_at: Timestamp(shown_at),
            request: Vec::new(),
        }
    }

    #[test]
    fn who_walks_away_has_two_minutes() {
        let shown = command(CommandKind::Authorize, 1_000_500);
        let end = shown.deadline.plus_ms(acceptance::GRACE_MS);
        assert_eq!(ended(&shown, NEVER, end), None, "an answer of the last moment is still on its way");
        assert_eq!(ended(&shown, NEVER, end.plus_ms(1)), Some(ConsentEnd::TimedOut));
        let longer = Command { deadline: shown.deadline.plus_ms(decide::CONSENT_MS), ..shown };
        assert_eq!(ended(&longer, NEVER, end.plus_ms(1)), None, "more time was asked for");
    }

    #[test]
    fn a_page_that_no_screen_shows_is_given_up_soon_unless_the_screen_may_come_back() {
        let unshown = command(CommandKind::Authorize, 0);
        let soon = unshown.issued.plus_ms(UNSHOWN_MS);
        assert_eq!(ended(&unshown, NEVER, soon), None);
        assert_eq!(ended(&unshown, NEVER, soon.plus_ms(1)), Some(ConsentEnd::Unreachable));
        let returns = soon.plus_ms(20_000);
        assert_eq!(ended(&unshown, returns, soon.plus_ms(1)), None);
        assert_eq!(ended(&unshown, returns, returns.plus_ms(1)), Some(ConsentEnd::Unreachable));
        let rating = command(CommandKind::Rating, 0);
        assert_eq!(ended(&rating, NEVER, soon.plus_ms(1)), None, "a rating waits its time");
    }
}
