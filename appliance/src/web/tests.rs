//! The routes of the screens, driven as a browser drives them.

mod cases;
mod desks;
mod doors;
mod evidence;
mod forms;
mod freshness;
mod hall;
mod papers;
mod purge;
mod receipts;
mod register;
mod retention;
mod scan;
mod trust;
