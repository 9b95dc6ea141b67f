//! A reqwest client over TLS, in Rust down to the ciphers; the first argument names the case.
//!
//! `FORKBOT_HTTPS_PORT` and, for TLS 1.2 alone, `FORKBOT_TLS12_PORT` serve a word. The CA of their
//! certificate is in `FORKBOT_CA`, another one that signed nothing here in `FORKBOT_OTHER_CA`.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use reqwest::tls::Version as Tls;
use reqwest::{Certificate, Client, ClientBuilder, Version};

type Outcome<T> = Result<T, Box<dyn Error>>;

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

async fn run(case: &str) -> Outcome<String> {
    let provider = rustls_rustcrypto::provider().install_default();
    provider.map_err(|_| "a TLS provider was installed before")?;
    let (ip, name) = ("127.0.0.1", "localhost");
    match case {
        "tls13" => get(trusting_only("CA")?.tls_version_min(Tls::TLS_1_3), ip, "HTTPS").await,
        "tls12" => get(trusting_only("CA")?, ip, "TLS12").await,
        "tls12-refused" => {
            let newer = trusting_only("CA")?.tls_version_min(Tls::TLS_1_3);
            refused_with(newer, "TLS12", "ProtocolVersion").await
        }
        "http2" => http2().await,
        "by-name" => get(trusting_only("CA")?, name, "HTTPS").await,
        "merged" => get(trusting_also("CA")?, ip, "HTTPS").await,
        "wrong-ca" => refused_with(trusting_only("OTHER_CA")?, "HTTPS", "UnknownIssuer").await,
        "wrong-ca-merged" => {
            refused_with(trusting_also("OTHER_CA")?, "HTTPS", "UnknownIssuer").await
        }
        _ => Err(format!("no such case: {case:?}").into()),
    }
}

/// The server's word, over HTTP/1.1.
async fn get(client: ClientBuilder, host: &str, service: &str) -> Outcome<String> {
    fetch(client.http1_only(), host, service, Version::HTTP_11).await
}

/// Both sides can do HTTP/1.1, too, and must agree on the better one.
async fn http2() -> Outcome<String> {
    fetch(trusting_only("CA")?, "127.0.0.1", "HTTPS", Version::HTTP_2).await
}

async fn fetch(client: ClientBuilder, host: &str, service: &str, version: Version) -> Outcome<String> {
    let url = format!("https://{host}:{}/", given(&format!("{service}_PORT"))?);
    let response = client.build()?.get(url).send().await?.error_for_status()?;
    match response.version() {
        spoken if spoken == version => Ok(response.text().await?),
        other => Err(format!("expected {version:?}, spoke {other:?}").into()),
    }
}

async fn refused_with(client: ClientBuilder, service: &str, why: &str) -> Outcome<String> {
    match get(client, "127.0.0.1", service).await {
        Err(e) if whole(&*e).contains(why) => Ok(whole(&*e)),
        Err(e) => Err(e),
        Ok(_) => Err(format!("expected {why}, and it was fetched").into()),
    }
}

/// A client that trusts a CA of the test's and nobody else.
fn trusting_only(name: &str) -> Outcome<ClientBuilder> {
    Ok(builder().tls_certs_only([authority(name)?]))
}

/// A client that trusts a CA of the test's besides the usual ones.
fn trusting_also(name: &str) -> Outcome<ClientBuilder> {
    Ok(builder().tls_certs_merge([authority(name)?]))
}

fn builder() -> ClientBuilder {
    Client::builder().timeout(Duration::from_secs(10))
}

fn authority(name: &str) -> Outcome<Certificate> {
    Ok(Certificate::from_pem(given(name)?.as_bytes())?)
}

fn given(name: &str) -> Outcome<String> {
    let name = format!("FORKBOT_{name}");
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
