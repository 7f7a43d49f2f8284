//! What becomes of scans: which are passed on, under which binding, how often they are sent again and until when.
//!
//! Pure: events in, actions out, the present passed in. [`crate::run()`] carries the actions out.

use std::time::{Duration, Instant};

use hall_bus::{Config, MessageId, Receipt, ScanText};

/// Scans without a receipt that are kept; beyond it the oldest is dropped.
const UNRECEIPTED: usize = 5;
/// How long a scan is sent again: it is for whoever stands there now.
const SCAN_LIFE: Duration = Duration::from_secs(15);
const RESEND_AFTER: Duration = Duration::from_secs(1);
const RESEND_AT_MOST: Duration = Duration::from_secs(4);
/// A scanner that is left on looks at the same code again and again.
const SAME_CODE: Duration = Duration::from_secs(2);

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The box's configuration arrived.
    Configured(Config),
    /// A code was scanned.
    Scanned(ScanText),
    /// A scan was signed: these bytes are it, however often it is sent.
    Sealed {
        /// The scan.
        scan: MessageId,
        /// What to publish.
        bytes: Vec<u8>,
    },
    /// The box has dealt with a scan.
    Receipted(Receipt),
    /// The box is reachable (again).
    Connected,
    /// Time has passed; see [`Scans::wakes_at`].
    Tick,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Number, date and sign this under the binding, and come back with [`Event::Sealed`].
    Seal {
        /// What was scanned.
        text: ScanText,
        /// The binding.
        bind_epoch: u32,
    },
    /// Publish these bytes as a scan.
    Send(Vec<u8>),
    /// Tell the box anew how this device stands.
    Announce,
}

/// The driver's knowledge of its scans.
#[derive(Debug, Default)]
pub struct Scans {
    bind_epoch: u32,
    bound: bool,
    last: Option<(ScanText, Instant)>,
    unreceipted: Vec<Unreceipted>,
}

#[derive(Debug)]
struct Unreceipted {
    scan: MessageId,
    bytes: Vec<u8>,
    next: Instant,
    pause: Duration,
    until: Instant,
}

impl Scans {
    /// Takes an event and says what to do about it.
    pub fn apply(&mut self, event: Event, now: Instant) -> Vec<Action> {
        match event {
            Event::Configured(config) => {
                if self.bind_epoch == config.bind_epoch && self.bound == config.window.is_some() {
                    return Vec::new();
                }
                // What was read at the former window is nobody's here.
                self.unreceipted.clear();
                self.last = None;
                (self.bind_epoch, self.bound) = (config.bind_epoch, config.window.is_some());
                vec![Action::Announce]
            }
            Event::Scanned(text) => self.scanned(text, now),
            Event::Sealed { scan, bytes } => {
                if self.unreceipted.len() >= UNRECEIPTED {
                    self.unreceipted.remove(0);
                }
                let (next, until) = (now + RESEND_AFTER, now + SCAN_LIFE);
                let send = Action::Send(bytes.clone());
                self.unreceipted.push(Unreceipted { scan, bytes, next, pause: RESEND_AFTER, until });
                vec![send]
            }
            Event::Receipted(receipt) => {
                self.unreceipted.retain(|scan| scan.scan != receipt.answer);
                Vec::new()
            }
            Event::Connected => {
                self.unreceipted.retain(|scan| now < scan.until);
                self.send_again(now, |_| true)
            }
            Event::Tick => {
                self.unreceipted.retain(|scan| now < scan.until);
                self.send_again(now, |scan| scan.next <= now)
            }
        }
    }

    /// When [`Event::Tick`] is due.
    pub fn wakes_at(&self) -> Option<Instant> {
        self.unreceipted.iter().map(|scan| scan.next.min(scan.until)).min()
    }

    /// The binding that the device knows; 0 before the first.
    pub fn bind_epoch(&self) -> u32 {
        self.bind_epoch
    }

    /// Scans that wait for a receipt.
    pub fn waiting(&self) -> usize {
        self.unreceipted.len()
    }

    fn scanned(&mut self, text: ScanText, now: Instant) -> Vec<Action> {
        let again = self.last.as_ref().is_some_and(|(last, at)| *last == text && now < *at + SAME_CODE);
        self.last = Some((text.clone(), now));
        if again || !self.bound {
            return Vec::new();
        }
        vec![Action::Seal { text, bind_epoch: self.bind_epoch }]
    }

    fn send_again(&mut self, now: Instant, which: impl Fn(&Unreceipted) -> bool) -> Vec<Action> {
        let mut actions = Vec::new();
        for scan in self.unreceipted.iter_mut().filter(|scan| which(scan)) {
            scan.pause = (scan.pause * 2).min(RESEND_AT_MOST);
            scan.next = now + scan.pause;
            actions.push(Action::Send(scan.bytes.clone()));
        }
        actions
    }
}

#[cfg(test)]
mod tests {
    use hall_bus::ReceiptResult;
    use hall_bus::messages::WindowName;
    use hall_domain::Timestamp;

    use super::*;

    fn text(text: &str) -> ScanText {
        ScanText::from_line(text).unwrap()
    }

    fn config(bind_epoch: u32, window: Option<&str>) -> Event {
        let window = window.map(|code| WindowName { code: code.to_owned(), name: "1号窗口".to_owned() });
        let hall = "测试大厅".to_owned();
        Event::Configured(Config { ver: bind_epoch.into(), hall, window, bind_epoch, hb_s: 15, notice: None })
    }

    fn id(number: u128) -> MessageId {
        MessageId::from_parts(Timestamp(1), number)
    }

    fn bound(now: Instant) -> Scans {
        let mut scans = Scans::default();
        assert_eq!(scans.apply(config(1, Some("W01")), now), [Action::Announce]);
        scans
    }

    #[test]
    fn a_scan_is_passed_on_only_at_a_window() {
        let now = Instant::now();
        let mut scans = Scans::default();
        assert_eq!(scans.apply(Event::Scanned(text("HB1:A")), now), []);
        let mut scans = bound(now);
        let seal = Action::Seal { text: text("HB1:A"), bind_epoch: 1 };
        assert_eq!(scans.apply(Event::Scanned(text("HB1:A")), now), [seal]);
    }

    #[test]
    fn the_same_code_before_a_scanner_that_is_left_on_is_one_scan() {
        let now = Instant::now();
        let mut scans = bound(now);
        assert_eq!(scans.apply(Event::Scanned(text("HB1:A")), now).len(), 1);
        for passed in [1, 2, 3] {
            let later = now + Duration::from_secs(passed);
            assert_eq!(scans.apply(Event::Scanned(text("HB1:A")), later), [], "after {passed} s");
        }
        assert_eq!(scans.apply(Event::Scanned(text("HB1:B")), now + Duration::from_secs(3)).len(), 1);
        assert_eq!(scans.apply(Event::Scanned(text("HB1:B")), now + Duration::from_secs(6)).len(), 1);
    }

    #[test]
    fn a_scan_is_sent_with_the_same_bytes_until_its_receipt_and_not_for_the_next_citizen() {
        let now = Instant::now();
        let mut scans = bound(now);
        let sealed = || Event::Sealed { scan: id(1), bytes: b"signed".to_vec() };
        let send = Action::Send(b"signed".to_vec());
        assert_eq!(scans.apply(sealed(), now), std::slice::from_ref(&send));
        assert_eq!(scans.wakes_at(), Some(now + RESEND_AFTER));
        assert_eq!(scans.apply(Event::Tick, now + RESEND_AFTER), std::slice::from_ref(&send));
        assert_eq!(scans.apply(Event::Connected, now + RESEND_AFTER * 2), [send]);
        let receipt = Receipt { answer: id(1), cmd: id(1), result: ReceiptResult::Accepted, reason: None };
        assert_eq!(scans.apply(Event::Receipted(receipt), now), []);
        assert_eq!((scans.wakes_at(), scans.waiting()), (None, 0));

        scans.apply(sealed(), now);
        assert_eq!(scans.apply(Event::Tick, now + SCAN_LIFE), []);
        assert_eq!(scans.apply(Event::Connected, now + SCAN_LIFE), []);
        assert_eq!(scans.waiting(), 0);
    }

    #[test]
    fn what_was_scanned_at_the_former_window_is_not_sent_from_the_new_one() {
        let now = Instant::now();
        let mut scans = bound(now);
        scans.apply(Event::Sealed { scan: id(1), bytes: b"signed".to_vec() }, now);
        assert_eq!(scans.apply(config(2, Some("W02")), now), [Action::Announce]);
        assert_eq!(scans.apply(Event::Connected, now), []);
        assert_eq!(scans.apply(config(2, Some("W02")), now), [], "nothing new");
    }
}
