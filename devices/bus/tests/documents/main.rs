//! What `docs/protocol` tells makers of devices is what the types do: the JSON Schemas, the AsyncAPI document and every
//! example in them are held against this crate, in both directions.
#![allow(clippy::unwrap_used, reason = "what is not as expected fails the test")]

mod asyncapi;
mod schemas;
mod types;
