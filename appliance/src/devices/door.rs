//! The front door for devices: `wss://…/mqtt` and a TLS port. It reads just the CONNECT packet,
//! checks who it says it is, and then pipes bytes to the broker, which listens on loopback only.

use axum::extract::ws::{Message, WebSocket};
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// Largest CONNECT packet; a birth or will is a few hundred bytes.
const CONNECT_BYTES: usize = 16 * 1024;
/// How long a device may take to say who it is.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// Connections at a time, all windows together.
const CONNECTIONS: usize = 512;

/// Decides whether a device may come in, by its id.
pub type Known = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The front door.
#[derive(Clone)]
pub struct Door {
    broker: watch::Receiver<Option<SocketAddr>>,
    known: Known,
    places: Arc<Semaphore>,
}

/// Why a connection was closed at the door.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Turned {
    /// The first bytes are no MQTT CONNECT.
    #[error("not an MQTT CONNECT packet")]
    NotConnect,
    /// The packet is larger than any device sends.
    #[error("CONNECT packet over {CONNECT_BYTES} bytes")]
    TooLarge,
    /// Client id and user name differ, or one is missing.
    #[error("client id and user name differ")]
    Identity,
    /// No such device, or it was revoked.
    #[error("unknown device")]
    Unknown,
    /// Too slow.
    #[error("no CONNECT in time")]
    Slow,
    /// The broker is not there.
    #[error("broker not reachable")]
    Broker,
    /// The connection broke.
    #[error("connection lost")]
    Lost,
    /// Every place is taken.
    #[error("too many connections")]
    Full,
}

impl Door {
    /// A door to a broker that always stands at `broker`.
    pub fn new(broker: SocketAddr, known: Known) -> Self {
        Self::following(watch::channel(Some(broker)).1, known)
    }

    /// A door to the broker where it stands at the time; closed while it stands nowhere.
    pub fn following(broker: watch::Receiver<Option<SocketAddr>>, known: Known) -> Self {
        Self { broker, known, places: Arc::new(Semaphore::new(CONNECTIONS)) }
    }

    /// Serves one byte stream (the `mqtts` port) until either side ends.
    pub async fn serve_stream(
        &self,
        mut device: impl AsyncRead + AsyncWrite + Unpin,
        stop: CancellationToken,
    ) -> Result<(), Turned> {
        let _place = self.places.try_acquire().map_err(|_| Turned::Full)?;
        let mut first = Vec::new();
        tokio::time::timeout(CONNECT_TIME, async {
            loop {
                let mut chunk = [0u8; 2048];
                let n = device.read(&mut chunk).await.map_err(|_| Turned::Lost)?;
                if n == 0 {
                    return Err(Turned::Lost);
                }
                first.extend_from_slice(chunk.get(..n).unwrap_or_default());
                if self.admit(&first)? {
                    return Ok(());
                }
            }
        })
        .await
        .map_err(|_| Turned::Slow)??;
        let mut broker = self.broker().await?;
        broker.write_all(&first).await.map_err(|_| Turned::Broker)?;
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut device, &mut broker) => {}
            () = stop.cancelled() => {}
        }
        Ok(())
    }

    /// Serves one WebSocket until either side ends.
    pub async fn serve_socket(&self, socket: WebSocket, stop: CancellationToken) -> Result<(), Turned> {
        let _place = self.places.try_acquire().map_err(|_| Turned::Full)?;
        let (mut out, mut incoming) = socket.split();
        let mut first = Vec::new();
        tokio::time::timeout(CONNECT_TIME, async {
            loop {
                match incoming.next().await {
                    Some(Ok(Message::Binary(bytes))) => {
                        first.extend_from_slice(&bytes);
                        if self.admit(&first)? {
                            return Ok(());
                        }
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(_)) => return Err(Turned::NotConnect),
                    _ => return Err(Turned::Lost),
                }
            }
        })
        .await
        .map_err(|_| Turned::Slow)??;
        let broker = self.broker().await?;
        let (mut from_broker, mut to_broker) = broker.into_split();
        to_broker.write_all(&first).await.map_err(|_| Turned::Broker)?;
        let mut buffer = vec![0u8; 16 * 1024];
        loop {
            tokio::select! {
                read = from_broker.read(&mut buffer) => match read {
                    Ok(n) if n > 0 => {
                        let bytes = buffer.get(..n).unwrap_or_default().to_vec();
                        out.send(Message::Binary(bytes.into())).await.map_err(|_| Turned::Lost)?;
                    }
                    _ => break,
                },
                message = incoming.next() => match message {
                    Some(Ok(Message::Binary(bytes))) => {
                        to_broker.write_all(&bytes).await.map_err(|_| Turned::Broker)?;
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    _ => break,
                },
                () = stop.cancelled() => break,
            }
        }
        // Best effort: the device sees the end either way.
        let _ = out.close().await;
        Ok(())
    }

    async fn broker(&self) -> Result<TcpStream, Turned> {
        let address = (*self.broker.borrow()).ok_or(Turned::Broker)?;
        let stream = TcpStream::connect(address).await.map_err(|_| Turned::Broker)?;
        stream.set_nodelay(true).map_err(|_| Turned::Broker)?;
        Ok(stream)
    }

    /// Whether the bytes so far hold a whole CONNECT of a known device; false asks for more bytes.
    fn admit(&self, bytes: &[u8]) -> Result<bool, Turned> {
        match parse_connect(bytes)? {
            None => Ok(false),
            Some(connect)
                if connect.client_id.is_empty() || connect.user.as_deref() != Some(connect.client_id) =>
            {
                Err(Turned::Identity)
            }
            Some(connect) if !(self.known)(connect.client_id) => Err(Turned::Unknown),
            Some(_) => Ok(true),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Connect<'a> {
    client_id: &'a str,
    user: Option<String>,
}

/// Reads as much of an MQTT 3.1.1 or 5 CONNECT as says who connects; `None` asks for more bytes.
fn parse_connect(bytes: &[u8]) -> Result<Option<Connect<'_>>, Turned> {
    let Some(kind) = bytes.first() else { return Ok(None) };
    if *kind != 0x10 {
        return Err(Turned::NotConnect);
    }
    let Some((length, used)) = variable_length(bytes.get(1..).unwrap_or_default())? else { return Ok(None) };
    if length > CONNECT_BYTES {
        return Err(Turned::TooLarge);
    }
    let Some(body) = bytes.get(1 + used..1 + used + length) else {
        return Ok(None);
    };
    let mut packet = Fields(body);
    if packet.binary()? != b"MQTT" {
        return Err(Turned::NotConnect);
    }
    let level = packet.byte()?;
    let flags = packet.byte()?;
    packet.take(2)?;
    match level {
        4 => {}
        5 => packet.properties()?,
        _ => return Err(Turned::NotConnect),
    }
    let client_id = std::str::from_utf8(packet.binary()?).map_err(|_| Turned::NotConnect)?;
    if flags & 0x04 != 0 {
        if level == 5 {
            packet.properties()?;
        }
        packet.binary()?;
        packet.binary()?;
    }
    let user = if flags & 0x80 != 0 {
        Some(std::str::from_utf8(packet.binary()?).map_err(|_| Turned::NotConnect)?.to_owned())
    } else {
        None
    };
    Ok(Some(Connect { client_id, user }))
}

fn variable_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, Turned> {
    let mut value = 0usize;
    for index in 0..4 {
        let Some(byte) = bytes.get(index) else { return Ok(None) };
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((value, index + 1)));
        }
    }
    Err(Turned::NotConnect)
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Turned> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(Turned::NotConnect)?;
        self.0 = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, Turned> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    fn binary(&mut self) -> Result<&'a [u8], Turned> {
        let length = self.take(2)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        self.take(length)
    }

    fn properties(&mut self) -> Result<(), Turned> {
        let (length, used) = variable_length(self.0)?.ok_or(Turned::NotConnect)?;
        self.take(used + length)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn connect(level: u8, id: &str, user: Option<&str>) -> Vec<u8> {
        let mut body =
            vec![0, 4, b'M', b'Q', b'T', b'T', level, if user.is_some() { 0x82 } else { 0x02 }, 0, 20];
        if level == 5 {
            body.push(0);
        }
        for text in [Some(id), user].into_iter().flatten() {
            body.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            body.extend(text.as_bytes());
        }
        let mut packet = vec![0x10, u8::try_from(body.len()).unwrap()];
        packet.extend(body);
        packet
    }

    fn door() -> Door {
        Door::new("127.0.0.1:1".parse().unwrap(), Arc::new(|id| id == "ev-1"))
    }

    #[test]
    fn a_known_device_comes_in_on_both_protocol_versions() {
        for level in [4, 5] {
            assert_eq!(door().admit(&connect(level, "ev-1", Some("ev-1"))), Ok(true));
        }
    }

    #[test]
    fn identity_must_agree_and_be_known() {
        assert_eq!(door().admit(&connect(5, "ev-1", Some("ev-2"))), Err(Turned::Identity));
        assert_eq!(door().admit(&connect(5, "ev-1", None)), Err(Turned::Identity));
        assert_eq!(door().admit(&connect(5, "ev-9", Some("ev-9"))), Err(Turned::Unknown));
        assert_eq!(door().admit(&connect(3, "ev-1", Some("ev-1"))), Err(Turned::NotConnect));
    }

    #[test]
    fn a_split_packet_asks_for_more_and_a_large_one_is_refused() {
        let whole = connect(5, "ev-1", Some("ev-1"));
        for cut in 0..whole.len() {
            assert_eq!(door().admit(&whole[..cut]), Ok(false), "cut at {cut}");
        }
        assert_eq!(door().admit(&[0x10, 0xff, 0xff, 0xff, 0x7f]), Err(Turned::TooLarge));
        assert_eq!(door().admit(b"GET / HTTP/1.1\r\n"), Err(Turned::NotConnect));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = door().admit(&bytes);
            let mut packet = vec![0x10, 100];
            packet.extend(bytes);
            let _ = door().admit(&packet);
        }
    }
}
