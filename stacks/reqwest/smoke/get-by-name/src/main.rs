//! GETs the URL in `FORKBOT_URL` and prints the body.
//!
//! Give it a URL with a host name in it: an IP address needs no lookup, and so
//! succeeds even where the stack is broken.
//!
//! ```text
//! wasmtime run -S inherit-network -S allow-ip-name-lookup \
//!     --env FORKBOT_URL=http://localhost:8080/ get-by-name.wasm
//! ```

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match get().await {
        Ok(body) => {
            print!("{body}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  caused by: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn get() -> Result<String, Box<dyn Error>> {
    let url = std::env::var("FORKBOT_URL").map_err(|e| format!("FORKBOT_URL: {e}"))?;
    let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
    let response = client.get(url).send().await?;
    match response.status() {
        reqwest::StatusCode::OK => Ok(response.text().await?),
        status => Err(format!("expected status 200, got {status}").into()),
    }
}
