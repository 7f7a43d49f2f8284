//! What a peer may not do to the others.

#![allow(clippy::unwrap_used)]

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_millis(300);
/// Far longer than anything here takes.
const END: Duration = Duration::from_secs(20);

async fn serve(room: usize) -> (SocketAddr, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let router = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/length", post(|body: Bytes| async move { body.len().to_string() }));
    let (ending, stopping) = (stop.clone(), stop.clone());
    tokio::spawn(hall_serve::accept_each(listener, room, stopping, move |stream, _| {
        hall_serve::serve_http(stream, router.clone(), PATIENCE, |_| {}, ending.clone())
    }));
    (address, stop)
}

async fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Everything that the server says until it hangs up.
async fn rest(mut stream: TcpStream) -> String {
    let mut told = Vec::new();
    timeout(END, stream.read_to_end(&mut told)).await.expect("the server hangs up").unwrap();
    String::from_utf8(told).unwrap()
}

#[tokio::test]
async fn a_header_that_never_ends_is_cut_off() {
    let (address, _stop) = serve(8).await;
    let told = rest(send(address, "GET / HTTP/1.1\r\nHost: box\r\nX-Slow: ").await).await;
    assert!(!told.contains("200"), "{told}");
}

#[tokio::test]
async fn a_connection_that_asks_nothing_more_is_closed() {
    let (address, _stop) = serve(8).await;
    let told = rest(send(address, "GET / HTTP/1.1\r\nHost: box\r\n\r\n").await).await;
    assert!(told.ends_with("here"), "{told}");
}

#[tokio::test]
async fn a_body_that_never_ends_is_cut_off() {
    let (address, _stop) = serve(8).await;
    let request = "POST /length HTTP/1.1\r\nHost: box\r\nContent-Length: 10\r\n\r\nhalf";
    let told = rest(send(address, request).await).await;
    assert!(!told.contains("200"), "{told}");
}

#[tokio::test]
async fn who_finds_no_room_waits_until_a_silent_peer_is_cut_off() {
    let (address, _stop) = serve(2).await;
    let silent = [send(address, "").await, send(address, "GET /").await];
    let told = rest(send(address, "GET / HTTP/1.1\r\nHost: box\r\n\r\n").await).await;
    assert!(told.ends_with("here"), "{told}");
    drop(silent);
}

#[tokio::test]
async fn no_more_are_served_at_a_time_than_there_is_room_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (began, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let (free, freed) = tokio::sync::watch::channel(false);
    let stop = CancellationToken::new();
    tokio::spawn(hall_serve::accept_each(listener, 1, stop.clone(), move |_, peer| {
        let mut freed = freed.clone();
        began.send(peer).unwrap();
        async move { drop(freed.wait_for(|freed| *freed).await) }
    }));
    let first = TcpStream::connect(address).await.unwrap();
    let second = TcpStream::connect(address).await.unwrap();
    assert_eq!(begun.recv().await, Some(first.local_addr().unwrap()));
    assert!(timeout(PATIENCE, begun.recv()).await.is_err(), "one too many was accepted");
    free.send(true).unwrap();
    assert_eq!(begun.recv().await, Some(second.local_addr().unwrap()));
}

#[tokio::test]
async fn an_open_request_is_answered_after_the_stop_signal() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let (stopping, ending) = (stop.clone(), stop.clone());
    let stops = stop.clone();
    let router = Router::new().route("/", get(move || async move { stops.cancel() }));
    let served = tokio::spawn(hall_serve::accept_each(listener, 8, stopping, move |stream, _| {
        hall_serve::serve_http(stream, router.clone(), END, |_| {}, ending.clone())
    }));
    let told = rest(send(address, "GET / HTTP/1.1\r\nHost: box\r\n\r\n").await).await;
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    timeout(END, served).await.unwrap().unwrap();
}
