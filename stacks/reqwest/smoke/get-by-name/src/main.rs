//! GETs a page of `localhost` at the port in `FORKBOT_HTTP_PORT` and prints the body.
//!
//! By its name: an IP address needs no lookup, and so succeeds even where the stack is broken.
//!
//! ```text
//! wasmtime run -S inherit-network -S allow-ip-name-lookup \
//!     --env FORKBOT_HTTP_PORT=8080 get-by-name.wasm
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
    let port = std::env::var("FORKBOT_HTTP_PORT").map_err(|e| format!("FORKBOT_HTTP_PORT: {e}"))?;
    let url = format!("http://localhost:{port}/");
    let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
    let response = client.get(url).send().await?;
    match response.status() {
        reqwest::StatusCode::OK => Ok(response.text().await?),
        status => Err(format!("expected status 200, got {status}").into()),
    }
}
