//! A virtual card reader (虚拟读卡器) for stock pcscd: an IFD handler 3.0 whose card is whoever connects to a unix socket.
//!
//! Only for tests and the demo; it calls itself virtual in its vendor name. Deliberately does not know: cards, the product, TCP.
//! [`slot`] is the reader, safe code; [`ifd`] is the C side that pcscd calls, and the only place with `unsafe`.

mod frames;
pub mod ifd;
pub mod slot;
