//! A whole hall out of real parts, for the stories, the demo and the benchmarks: centre, line, box, drivers and
//! virtual readers as processes and sockets of this machine, with the cast as its public.
//!
//! It deliberately does not know the insides of any part: it starts programs, reads what they print, speaks the
//! interfaces that a technician or an operator has, and pulls cables.

pub mod bench;
pub mod cast;
pub mod control;
pub mod demo;
pub mod hall;
