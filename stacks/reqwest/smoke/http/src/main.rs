//! A reqwest client over plain HTTP; the first argument names the case.
//!
//! `FORKBOT_HTTP_PORT` serves a word, `FORKBOT_PROXY_PORT` is a proxy, and on
//! `FORKBOT_REFUSED_PORT` nobody listens. Whoever gets the word prints it.

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use http_body::Frame;
use http_body_util::StreamBody;
use reqwest::{header, Body, Client, Response, StatusCode};

type Said = Result<String, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let case = std::env::args().nth(1).unwrap_or_default();
    match run(&case).await {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}", whole(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(case: &str) -> Said {
    match case {
        "by-ip" => body(client()?.get(by_ip("/")?).send().await?).await,
        "by-name" => body(client()?.get(by_name("/")?).send().await?).await,
        "json" => json().await,
        "redirect" => redirect().await,
        "timeout" => timeout().await,
        "refused" => refused().await,
        "proxy" => proxy().await,
        "gzip" => gzip().await,
        "stream-down" => stream_down().await,
        "stream-up" => stream_up().await,
        "blob" => blob(),
        "denied-network" => refused_with(client()?.get(by_ip("/")?), "Permission denied").await,
        "denied-names" => refused_with(client()?.get(by_name("/")?), "dns error").await,
        _ => Err(format!("no such case: {case:?}").into()),
    }
}

async fn json() -> Said {
    let sent = serde_json::json!({"question": "what is the word?", "numbers": [1, 2.5, null]});
    let response = client()?.post(by_ip("/json")?).json(&sent).send().await?;
    let got: serde_json::Value = response.error_for_status()?.json().await?;
    match (&got["question"], &got["numbers"]) == (&sent["question"], &sent["numbers"]) {
        true => Ok(got["word"].to_string()),
        false => Err(format!("sent {sent}, got {got}").into()),
    }
}

async fn redirect() -> Said {
    let response = client()?.get(by_ip("/redirect")?).send().await?;
    match response.url().path() {
        "/" => body(response).await,
        other => Err(format!("expected to end at /, not at {other}").into()),
    }
}

/// The page takes 5 s.
async fn timeout() -> Said {
    let client = Client::builder().timeout(Duration::from_millis(300)).build()?;
    let began = Instant::now();
    match client.get(by_ip("/slow")?).send().await {
        Err(e) if !e.is_timeout() => Err(e.into()),
        Err(_) if began.elapsed() > Duration::from_secs(3) => {
            Err(format!("it took {:?} to give up", began.elapsed()).into())
        }
        Err(e) => Ok(whole(&e)),
        Ok(response) => Err(format!("expected a timeout, got {}", response.status()).into()),
    }
}

async fn refused() -> Said {
    let request = client()?.get(format!("http://127.0.0.1:{}/", port("REFUSED")?));
    refused_with(request, "Connection refused").await
}

/// The proxy resolves the name, so it makes no difference that nobody here can.
async fn proxy() -> Said {
    std::env::set_var("HTTP_PROXY", format!("http://127.0.0.1:{}", port("PROXY")?));
    let response = client()?.get(by_name("/")?).send().await?;
    match response.headers().get(header::VIA) {
        Some(_) => body(response).await,
        None => Err("it did not go through the proxy".into()),
    }
}

async fn gzip() -> Said {
    let response = client()?.get(by_ip("/gzip")?).send().await?;
    match response.headers().get(header::CONTENT_ENCODING) {
        None => body(response).await, // taken off with the compression
        Some(left) => Err(format!("the body is still in {left:?}").into()),
    }
}

async fn stream_down() -> Said {
    let mut response = client()?.get(by_ip("/stream")?).send().await?;
    let mut chunks = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        chunks.push(String::from_utf8(chunk.to_vec())?);
    }
    match chunks.len() {
        0 | 1 => Err(format!("expected the body bit by bit, got {chunks:?}").into()),
        _ => Ok(chunks.concat()),
    }
}

async fn stream_up() -> Said {
    let parts = ["one ", "two ", "three"].map(|part| Ok::<_, io::Error>(Frame::data(part.as_bytes())));
    let sent = Body::wrap(StreamBody::new(futures_util::stream::iter(parts)));
    let said = body(client()?.post(by_ip("/echo")?).body(sent).send().await?).await?;
    match said.starts_with("one two three\n") {
        true => Ok(said),
        false => Err(format!("expected what was sent, got {said:?}").into()),
    }
}

/// Only a browser can fetch this; anywhere else no request to it can be built.
fn blob() -> Said {
    match client()?.get(format!("blob:{}", by_ip("/")?)).build() {
        Err(e) if whole(&e).contains("URL scheme is not allowed") => Ok(whole(&e)),
        Err(e) => Err(e.into()),
        Ok(request) => Err(format!("a request to {} was built", request.url()).into()),
    }
}

async fn refused_with(request: reqwest::RequestBuilder, why: &str) -> Said {
    match request.send().await {
        Err(e) if e.is_connect() && whole(&e).contains(why) => Ok(whole(&e)),
        Err(e) => Err(e.into()),
        Ok(response) => Err(format!("expected {why:?}, got {}", response.status()).into()),
    }
}

fn client() -> reqwest::Result<Client> {
    Client::builder().timeout(Duration::from_secs(10)).build()
}

async fn body(response: Response) -> Said {
    match response.status() {
        StatusCode::OK => Ok(response.text().await?),
        status => Err(format!("expected status 200, got {status}").into()),
    }
}

fn by_ip(path: &str) -> Said {
    Ok(format!("http://127.0.0.1:{}{path}", port("HTTP")?))
}

fn by_name(path: &str) -> Said {
    Ok(format!("http://localhost:{}{path}", port("HTTP")?))
}

fn port(service: &str) -> Said {
    let name = format!("FORKBOT_{service}_PORT");
    std::env::var(&name).map_err(|e| format!("{name}: {e}").into())
}

/// An error and what caused it, in one line.
fn whole(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said += &format!(": {error}");
        cause = error.source();
    }
    said
}
