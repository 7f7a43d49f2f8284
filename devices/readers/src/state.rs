//! What a reader is good for, whatever its kind.

use crate::samv::codec::SamNumber;

/// What a reader is good for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderState {
    /// Not plugged in, or nothing answers behind the port.
    Detached,
    /// It can read.
    Ready {
        /// The number of its module, if it told one.
        sam: Option<SamNumber>,
    },
    /// A module answers that has no licence (status 66); it reads nothing.
    NotLicensed,
    /// A module answers that failed its self-test (status 60); it reads nothing.
    SelfTestFailed,
    /// The service that owns the reader does not run (PC/SC only).
    ServiceDown,
    /// A read has not come back: it reads nothing until the card is taken away or the reader is pulled (PC/SC only).
    Stuck,
}
