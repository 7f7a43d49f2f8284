//! The routes of the screens, driven as a browser drives them.

mod aliases;
mod cached;
mod cases;
mod desks;
mod doors;
mod evidence;
mod findings;
mod forms;
mod freshness;
mod hall;
mod mandate;
mod papers;
mod purge;
mod receipts;
mod register;
mod retention;
mod scan;
mod shown;
mod trust;
