//! Taking in many licences at once: a page of the feed, or a whole district. Sealing is most of the work; it is done on
//! every processor and before any transaction, so that nobody who records waits for it.

use crate::store::licences::Sealed;
use crate::vault::Vault;
use hall_ledger::envelope::{Filing, IssuedEnvelope};
use std::num::NonZero;
use std::thread;

/// Fewer than this are sealed sooner than a thread is started.
const ALONE: usize = 64;

/// Seals licences to their holders, each by what it is filed. In the same order. Blocks.
pub fn seal(vault: &Vault, licences: &[(&IssuedEnvelope, &Filing)]) -> Vec<Sealed> {
    let each = |part: &[(&IssuedEnvelope, &Filing)]| -> Vec<Sealed> {
        part.iter().map(|(issued, filing)| Sealed::new(vault, issued, filing)).collect()
    };
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    if processors == 1 || licences.len() <= ALONE {
        return each(licences);
    }
    thread::scope(|scope| {
        let parts = licences.chunks(licences.len().div_ceil(processors));
        let running: Vec<_> = parts.map(|part| (part, scope.spawn(move || each(part)))).collect();
        // A thread that failed leaves its part to this one.
        running.into_iter().flat_map(|(part, thread)| thread.join().unwrap_or_else(|_| each(part))).collect()
    })
}
