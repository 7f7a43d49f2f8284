//! 设备: the windows with their devices, pairing a new one, taking one away.

use super::pages::devices::DeviceState;
use super::pages::frame::Tone;
use crate::store::devices::Device;
use hall_bus::messages::About;
use hall_bus::reader::ReaderCondition;

/// Whether a device needs a person.
pub fn troubled(device: &Device) -> bool {
    state(device, false).tone() == Tone::Harm
}

/// How a bound device is. `busy` says that it has a page or a read on it.
pub fn state(device: &Device, busy: bool) -> DeviceState {
    match device.state.as_str() {
        "ready" if busy => DeviceState::Busy,
        "ready" => DeviceState::Ready,
        "lost" => DeviceState::Offline,
        _ => match serde_json::from_str(&device.detail) {
            Ok(About::Reader(reader)) if reader.state == ReaderCondition::Unplugged => DeviceState::Unplugged,
            _ => DeviceState::Faulty,
        },
    }
}
