//! Waits for wstd's timer and for tokio's, both in tokio's runtime.
//!
//! wstd's futures ask its own reactor for their wake-up, which only `wstd::runtime::block_on` has:
//! a program has to choose one of the two. When this ends well, it no longer must.

use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let wait = Duration::from_millis(10);
    tokio::time::sleep(wait).await;
    println!("tokio has waited");
    wstd::task::sleep(wait.into()).await;
    println!("wstd has waited");
}
