//! Speaks with itself over TCP, as on wasm32-wasip2, on the target after that.

use std::error::Error;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut here = TcpStream::connect(listener.local_addr()?).await?;
    let (mut there, _) = listener.accept().await?;
    here.write_all(b"hello").await?;
    let mut heard = [0; 5];
    tokio::time::timeout(Duration::from_secs(5), there.read_exact(&mut heard)).await??;
    println!("heard {}", String::from_utf8_lossy(&heard));
    Ok(())
}
