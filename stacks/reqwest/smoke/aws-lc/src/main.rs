//! A reqwest client over TLS with aws-lc-rs, which is C and assembly beneath.
//!
//! `FORKBOT_HTTPS_PORT` serves a word; the CA of its certificate is in `FORKBOT_CA`.

use std::error::Error;

use reqwest::{Certificate, Client};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.install_default().map_err(|_| "a TLS provider was installed before")?;
    let authority = Certificate::from_pem(std::env::var("FORKBOT_CA")?.as_bytes())?;
    let client = Client::builder().tls_certs_only([authority]).build()?;
    let url = format!("https://127.0.0.1:{}/", std::env::var("FORKBOT_HTTPS_PORT")?);
    println!("{}", client.get(url).send().await?.error_for_status()?.text().await?);
    Ok(())
}
