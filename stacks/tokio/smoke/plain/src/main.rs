//! tokio's `net` in a build that nobody gave `--cfg tokio_unstable`; the first
//! argument names the case.

use std::error::Error;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd};

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let case = std::env::args().nth(1).unwrap_or_default();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let (client, accepted) =
        tokio::join!(TcpStream::connect(listener.local_addr()?), listener.accept());
    let (client, (server, _)) = (client?, accepted?);
    match case.as_str() {
        "echo" => echo(client, server).await,
        "stream-fd" => reached(&client, SockRef::from(&client)),
        "listener-fd" => reached(&listener, SockRef::from(&listener)),
        _ => Err(format!("no such case: {case:?}").into()),
    }
}

async fn echo(mut client: TcpStream, mut server: TcpStream) -> Outcome {
    client.write_all(b"without a flag").await?;
    let mut buffer = [0; 14];
    server.read_exact(&mut buffer).await?;
    println!("{}", std::str::from_utf8(&buffer)?);
    Ok(())
}

/// An option that tokio does not have is set through the descriptor.
fn reached(socket: &(impl AsFd + AsRawFd), option: SockRef<'_>) -> Outcome {
    let (raw, borrowed) = (socket.as_raw_fd(), socket.as_fd().as_raw_fd());
    println!("raw {raw}, borrowed {borrowed}");
    if raw != borrowed {
        return Err(format!("two descriptors of one socket: {raw}, {borrowed}").into());
    }
    option.set_ttl_v4(42)?;
    match option.ttl_v4()? {
        42 => Ok(()),
        other => Err(format!("ttl {other}, not 42").into()),
    }
}
