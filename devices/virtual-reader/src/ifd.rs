//! What pcscd calls: the functions of IFD handler 3.0 (`ifdhandler.h` of pcsc-lite). Each takes the reader by its number, copies what
//! C lends it, and lets [`Slot`] do the work.
//!
//! pcscd promises for every call: pointers are valid for the lengths beside them, and belong to this call alone.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr, c_char, c_int, c_long, c_uchar, c_ulong};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::slot::{Slot, SlotError};

/// What readers of this driver tell as their vendor. The product knows them by the word "virtual".
pub const VENDOR: &str = "Hall Box virtual reader";

const SUCCESS: c_long = 0;
const ERROR_TAG: c_long = 600;
const PROTOCOL_NOT_SUPPORTED: c_long = 607;
const ERROR_POWER_ACTION: c_long = 608;
const COMMUNICATION_ERROR: c_long = 612;
const RESPONSE_TIMEOUT: c_long = 613;
const NOT_SUPPORTED: c_long = 614;
const ICC_PRESENT: c_long = 615;
const ICC_NOT_PRESENT: c_long = 616;
const INSUFFICIENT_BUFFER: c_long = 618;

const POWER_UP: c_ulong = 500;
const POWER_DOWN: c_ulong = 501;
const RESET: c_ulong = 502;

const TAG_THREAD_SAFE: c_ulong = 0x0FAD;
const TAG_SLOTS_NUMBER: c_ulong = 0x0FAE;
const TAG_SIMULTANEOUS_ACCESS: c_ulong = 0x0FAF;
const TAG_POLLING_THREAD_WITH_TIMEOUT: c_ulong = 0x0FB3;
const TAG_VENDOR_NAME: c_ulong = 0x0001_0100;

/// As many readers as pcscd has contexts for.
const MOST_READERS: u8 = 16;
/// pcscd can only stop between two waits for a card.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_ATR: usize = 33;

static SLOTS: Mutex<BTreeMap<c_ulong, Arc<Slot>>> = Mutex::new(BTreeMap::new());

/// `SCARD_IO_HEADER`: which protocol a command is for.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// 0 or 1.
    pub protocol: c_ulong,
    /// Bytes of this header.
    pub length: c_ulong,
}

fn slot(lun: c_ulong) -> Option<Arc<Slot>> {
    SLOTS.lock().unwrap_or_else(PoisonError::into_inner).get(&lun).cloned()
}

/// Opens the reader behind `DEVICENAME /dev/null:<socket>`; what stands before the colon is for pcscd, which wants a file to exist.
///
/// # Safety
/// `name` points to a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHCreateChannelByName(lun: c_ulong, name: *const c_char) -> c_long {
    if name.is_null() {
        return COMMUNICATION_ERROR;
    }
    // SAFETY: not null, and a C string by pcscd's promise.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    let Some(colon) = name.iter().position(|byte| *byte == b':') else { return COMMUNICATION_ERROR };
    let path = Path::new(OsStr::from_bytes(name.get(colon + 1..).unwrap_or_default()));
    let Ok(slot) = Slot::open(path) else { return COMMUNICATION_ERROR };
    SLOTS.lock().unwrap_or_else(PoisonError::into_inner).insert(lun, Arc::new(slot));
    SUCCESS
}

/// Readers without a name are not served.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHCreateChannel(_lun: c_ulong, _channel: c_ulong) -> c_long {
    NOT_SUPPORTED
}

/// Closes a reader.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHCloseChannel(lun: c_ulong) -> c_long {
    SLOTS.lock().unwrap_or_else(PoisonError::into_inner).remove(&lun);
    SUCCESS
}

/// Tells what the driver can do. Readers are independent of each other (thread safe), or one mute card would stop them all.
///
/// # Safety
/// `length` points to the number of bytes at `value`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHGetCapabilities(
    _lun: c_ulong,
    tag: c_ulong,
    length: *mut c_ulong,
    value: *mut c_uchar,
) -> c_long {
    let wait: extern "C" fn(c_ulong, c_int) -> c_long = wait_for_change;
    let told = match tag {
        TAG_SIMULTANEOUS_ACCESS => vec![MOST_READERS],
        TAG_SLOTS_NUMBER | TAG_THREAD_SAFE => vec![1],
        TAG_VENDOR_NAME => VENDOR.as_bytes().to_vec(),
        TAG_POLLING_THREAD_WITH_TIMEOUT => (wait as usize).to_ne_bytes().to_vec(),
        _ => return ERROR_TAG,
    };
    // SAFETY: `length` says how much fits at `value` by pcscd's promise.
    unsafe { give(&told, value, length) }
}

/// Nothing can be set.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHSetCapabilities(
    _lun: c_ulong,
    _tag: c_ulong,
    _length: c_ulong,
    _value: *const c_uchar,
) -> c_long {
    NOT_SUPPORTED
}

/// Takes T=0 and T=1; the card side does not care.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHSetProtocolParameters(
    _lun: c_ulong,
    protocol: c_ulong,
    _flags: c_uchar,
    _pts1: c_uchar,
    _pts2: c_uchar,
    _pts3: c_uchar,
) -> c_long {
    if matches!(protocol, 1 | 2) { SUCCESS } else { PROTOCOL_NOT_SUPPORTED }
}

/// Powers the card up or down, or resets it.
///
/// # Safety
/// `atr` has room for 33 bytes, the longest ATR; `length` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHPowerICC(
    lun: c_ulong,
    action: c_ulong,
    atr: *mut c_uchar,
    length: *mut c_ulong,
) -> c_long {
    let Some(slot) = slot(lun) else { return COMMUNICATION_ERROR };
    let told = match action {
        POWER_DOWN => {
            // A card that has left has no power either.
            let _ = slot.power_down();
            Ok(Vec::new())
        }
        POWER_UP | RESET => slot.power_up(action == RESET),
        _ => return NOT_SUPPORTED,
    };
    let Ok(told) = told else { return ERROR_POWER_ACTION };
    if length.is_null() || atr.is_null() || told.len() > LONGEST_ATR {
        return ERROR_POWER_ACTION;
    }
    // SAFETY: not null, and a number by pcscd's promise. What pcscd left in it is no size, so the room is told anew.
    unsafe { *length = LONGEST_ATR as c_ulong };
    // SAFETY: pcscd keeps 33 bytes for every ATR.
    unsafe { give(&told, atr, length) }
}

/// Sends a command to the card and brings its answer.
///
/// # Safety
/// `sent` points to `sent_length` bytes, `received_length` to the number of bytes at `received`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHTransmitToICC(
    lun: c_ulong,
    _header: Header,
    sent: *const c_uchar,
    sent_length: c_ulong,
    received: *mut c_uchar,
    received_length: *mut c_ulong,
    _received_header: *mut Header,
) -> c_long {
    let (Some(slot), Ok(count)) = (slot(lun), usize::try_from(sent_length)) else {
        return COMMUNICATION_ERROR;
    };
    if sent.is_null() {
        return COMMUNICATION_ERROR;
    }
    // SAFETY: not null, and so many bytes by pcscd's promise; copied before anything else happens.
    let apdu = unsafe { std::slice::from_raw_parts(sent, count) }.to_vec();
    match slot.transmit(&apdu) {
        // SAFETY: `received_length` says how much fits at `received` by pcscd's promise.
        Ok(answer) => unsafe { give(&answer, received, received_length) },
        Err(SlotError::Silent) => RESPONSE_TIMEOUT,
        Err(SlotError::Removed) => COMMUNICATION_ERROR,
    }
}

/// No escapes.
///
/// # Safety
/// `returned` is null or points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHControl(
    _lun: c_ulong,
    _code: c_ulong,
    _sent: *const c_uchar,
    _sent_length: c_ulong,
    _received: *mut c_uchar,
    _received_length: c_ulong,
    returned: *mut c_ulong,
) -> c_long {
    if !returned.is_null() {
        // SAFETY: not null, and a number by pcscd's promise.
        unsafe { *returned = 0 };
    }
    NOT_SUPPORTED
}

/// Whether a card lies there.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHICCPresence(lun: c_ulong) -> c_long {
    match slot(lun) {
        Some(slot) if slot.present() => ICC_PRESENT,
        Some(_) => ICC_NOT_PRESENT,
        None => COMMUNICATION_ERROR,
    }
}

/// The thread that pcscd keeps for each reader sleeps here.
extern "C" fn wait_for_change(lun: c_ulong, milliseconds: c_int) -> c_long {
    let Some(slot) = slot(lun) else { return COMMUNICATION_ERROR };
    let wanted = Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default());
    slot.until_changed(wanted.min(LONGEST_WAIT));
    SUCCESS
}

/// Copies `told` to C, if it fits.
///
/// # Safety
/// `length` points to the number of bytes at `value`.
unsafe fn give(told: &[u8], value: *mut c_uchar, length: *mut c_ulong) -> c_long {
    if value.is_null() || length.is_null() {
        return COMMUNICATION_ERROR;
    }
    // SAFETY: not null, and a number by the caller's promise.
    let room = unsafe { *length };
    if usize::try_from(room).is_ok_and(|room| room < told.len()) {
        return INSUFFICIENT_BUFFER;
    }
    // SAFETY: there is room for so many bytes at `value`; `told` is ours and cannot overlap it.
    unsafe { std::ptr::copy_nonoverlapping(told.as_ptr(), value, told.len()) };
    // SAFETY: as above.
    unsafe { *length = told.len() as c_ulong };
    SUCCESS
}
