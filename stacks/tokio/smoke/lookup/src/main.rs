//! Looks up `localhost` through tokio, and prints the addresses.
//!
//! Where name lookup is not allowed this must end in an error, not in an abort:
//! exit code 1, never 134.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match tokio::net::lookup_host("localhost:80").await {
        Ok(addresses) => {
            for address in addresses {
                println!("{address}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
