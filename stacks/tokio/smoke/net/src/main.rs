//! tokio on one thread: sockets, tasks, timers, and names; the first argument
//! names the case.
//!
//! `FORKBOT_TCP_PORT` and `FORKBOT_UDP_PORT` are echo servers on 127.0.0.1, on
//! `FORKBOT_REFUSED_PORT` nobody listens.

use std::cell::Cell;
use std::error::Error;
use std::future::Future;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{lookup_host, TcpListener, TcpSocket, TcpStream, UdpSocket};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{interval, sleep, timeout, Instant};

type Outcome = Result<(), Box<dyn Error>>;

const PATIENCE: Duration = Duration::from_secs(5);
const A_MOMENT: Duration = Duration::from_millis(50);
/// A label may have 63 letters: no system asks its network for this name.
const NO_SUCH_NAME: &str =
    "a-label-of-more-than-sixty-three-letters-is-not-one-that-a-name-has.invalid";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let case = std::env::args().nth(1).unwrap_or_default();
    match case.as_str() {
        "connect" => connect().await,
        "echo" => echo(Ipv4Addr::LOCALHOST.into()).await,
        "echo-ipv6" => echo(Ipv6Addr::LOCALHOST.into()).await,
        "socket" => socket().await,
        "tasks" => tasks().await,
        "timers" => timers().await,
        "timeout" => timeouts().await,
        "udp" => udp().await,
        "split" => split().await,
        "copy" => copy().await,
        "select" => select().await,
        "refused" => refused().await,
        "lookup" => lookup().await,
        "lookup-pair" => lookup_pair().await,
        "connect-by-name" => connect_by_name().await,
        "no-such-name" => no_such_name().await,
        "lookups-yield" => lookups_yield().await,
        "denied-names" => denied_names().await,
        "denied-network" => denied_network().await,
        _ => Err(format!("no such case: {case:?}").into()),
    }
}

async fn connect() -> Outcome {
    let mut stream = TcpStream::connect(loopback(port("FORKBOT_TCP_PORT")?)).await?;
    stream.set_nodelay(true)?;
    echoed(&mut stream, "through tokio").await
}

async fn echo(ip: IpAddr) -> Outcome {
    let listener = TcpListener::bind((ip, 0)).await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let (mut read, mut write) = stream.split();
        tokio::io::copy(&mut read, &mut write).await
    });
    let mut client = TcpStream::connect(address).await?;
    echoed(&mut client, "between two tasks").await?;
    client.shutdown().await?;
    expect("copied", soon(server).await???, 17)
}

/// A socket with options, made before it connects.
async fn socket() -> Outcome {
    let socket = TcpSocket::new_v4()?;
    socket.set_keepalive(true)?;
    socket.set_send_buffer_size(64 << 10)?;
    socket.bind(loopback(0))?;
    let bound = socket.local_addr()?;
    let mut stream = socket.connect(loopback(port("FORKBOT_TCP_PORT")?)).await?;
    expect("the client's address", stream.local_addr()?, bound)?;
    echoed(&mut stream, "from a bound socket").await
}

async fn tasks() -> Outcome {
    const TASKS: usize = 60;
    let server = loopback(port("FORKBOT_TCP_PORT")?);
    let mut tasks = JoinSet::new();
    for number in 0..TASKS {
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(server).await?;
            sleep(Duration::from_millis(number as u64 % 7)).await;
            stream.write_u64(number as u64).await?;
            Ok::<_, std::io::Error>(stream.read_u64().await? == number as u64)
        });
    }
    let mut right = 0;
    while let Some(done) = soon(tasks.join_next()).await? {
        right += usize::from(done??);
    }
    expect("right answers", right, TASKS)
}

async fn timers() -> Outcome {
    let began = Instant::now();
    let mut order = Vec::new();
    let mut sleeping = JoinSet::new();
    for after in [90, 30, 60] {
        sleeping.spawn(async move {
            sleep(Duration::from_millis(after)).await;
            after
        });
    }
    while let Some(after) = sleeping.join_next().await {
        order.push(after?);
    }
    expect("order", order, vec![30, 60, 90])?;
    let mut ticks = interval(A_MOMENT);
    for _ in 0..4 {
        ticks.tick().await; // the first at once
    }
    let took = began.elapsed();
    let least = Duration::from_millis(90) + 3 * A_MOMENT;
    if took < least || took > least + PATIENCE {
        return Err(format!("it took {took:?}, and at least {least:?} was asked for").into());
    }
    Ok(())
}

/// Nothing comes, and the wait ends; the stream goes on afterwards.
async fn timeouts() -> Outcome {
    let mut stream = TcpStream::connect(loopback(port("FORKBOT_TCP_PORT")?)).await?;
    let began = Instant::now();
    match timeout(A_MOMENT, stream.read_u8()).await {
        Err(elapsed) => println!("read: {elapsed}"),
        Ok(read) => return Err(format!("nothing was sent, and read said {read:?}").into()),
    }
    let took = began.elapsed();
    if took < A_MOMENT || took > PATIENCE {
        return Err(format!("a timeout of {A_MOMENT:?} took {took:?}").into());
    }
    echoed(&mut stream, "after the timeout").await
}

async fn udp() -> Outcome {
    let server = loopback(port("FORKBOT_UDP_PORT")?);
    let socket = UdpSocket::bind(loopback(0)).await?;
    let mut buffer = [0; 64];
    socket.send_to(b"a datagram", server).await?;
    let (length, from) = soon(socket.recv_from(&mut buffer)).await??;
    expect("echo", (&buffer[..length], from), (b"a datagram", server))?;
    socket.connect(server).await?;
    socket.send(b"connected").await?;
    let length = soon(socket.recv(&mut buffer)).await??;
    expect("echo", &buffer[..length], b"connected")
}

/// The halves of one stream, each in a task of its own.
async fn split() -> Outcome {
    const LENGTH: usize = 1 << 20;
    let stream = TcpStream::connect(loopback(port("FORKBOT_TCP_PORT")?)).await?;
    let (mut read, mut write) = stream.into_split();
    let writing = tokio::spawn(async move {
        for chunk in vec![b'x'; LENGTH].chunks(10_000) {
            write.write_all(chunk).await?;
        }
        write.shutdown().await?;
        Ok::<_, std::io::Error>(write)
    });
    let mut back = Vec::new();
    soon(read.read_to_end(&mut back)).await??;
    let write = soon(writing).await???;
    expect("came back", back.len(), LENGTH)?;
    read.reunite(write)?;
    Ok(())
}

/// A relay between a client and the echo server.
async fn copy() -> Outcome {
    let listener = TcpListener::bind(loopback(0)).await?;
    let address = listener.local_addr()?;
    let beyond = loopback(port("FORKBOT_TCP_PORT")?);
    let relay = tokio::spawn(async move {
        let (mut near, _) = listener.accept().await?;
        let mut far = TcpStream::connect(beyond).await?;
        tokio::io::copy_bidirectional(&mut near, &mut far).await
    });
    let mut client = TcpStream::connect(address).await?;
    echoed(&mut client, "over a relay").await?;
    client.shutdown().await?;
    expect("relayed", soon(relay).await???, (12, 12))
}

/// What is ready first wins, and the loser is dropped.
async fn select() -> Outcome {
    let mut stream = TcpStream::connect(loopback(port("FORKBOT_TCP_PORT")?)).await?;
    let mut rounds = Vec::new();
    for speak in [false, true] {
        if speak {
            stream.write_u8(7).await?;
        }
        let patience = if speak { PATIENCE } else { A_MOMENT };
        tokio::select! {
            byte = stream.read_u8() => rounds.push(format!("read {}", byte?)),
            () = sleep(patience) => rounds.push("slept".to_owned()),
        }
    }
    expect("rounds", rounds, vec!["slept".to_owned(), "read 7".to_owned()])
}

async fn refused() -> Outcome {
    let said = TcpStream::connect(loopback(port("FORKBOT_REFUSED_PORT")?)).await;
    fails("connect", said, ErrorKind::ConnectionRefused)
}

async fn lookup() -> Outcome {
    let found: Vec<_> = lookup_host("localhost:80").await?.collect();
    println!("{found:?}");
    all_here(found)
}

async fn lookup_pair() -> Outcome {
    let found: Vec<_> = lookup_host(("localhost", 80)).await?.collect();
    println!("{found:?}");
    all_here(found)
}

async fn connect_by_name() -> Outcome {
    // ::1 may be tried before, where nobody listens
    let mut stream = TcpStream::connect(("localhost", port("FORKBOT_TCP_PORT")?)).await?;
    echoed(&mut stream, "by name").await
}

async fn no_such_name() -> Outcome {
    match lookup_host((NO_SUCH_NAME, 80)).await {
        Ok(found) => Err(format!("found {:?}", found.collect::<Vec<_>>()).into()),
        Err(error) => Ok(println!("lookup: {error}")),
    }
}

/// A task that looks up names all the time lets the others run.
async fn lookups_yield() -> Outcome {
    const MOST: usize = 2000;
    let ran = Rc::new(Cell::new(false));
    let local = LocalSet::new();
    let other = Rc::clone(&ran);
    let looking = local.run_until(async move {
        tokio::task::spawn_local(async move { other.set(true) });
        let mut lookups = 0;
        while !ran.get() && lookups < MOST {
            all_here(lookup_host("localhost:80").await?.collect())?;
            lookups += 1;
        }
        Ok::<_, Box<dyn Error>>((lookups, ran.get()))
    });
    let (lookups, ran) = looking.await?;
    println!("{lookups} lookups");
    expect("another task ran meanwhile", ran, true)
}

/// An error value, where the host allows no lookups.
async fn denied_names() -> Outcome {
    match lookup_host("localhost:80").await {
        Ok(found) => Err(format!("found {:?}", found.collect::<Vec<_>>()).into()),
        Err(error) => Ok(println!("lookup: {error}")),
    }
}

async fn denied_network() -> Outcome {
    let kind = ErrorKind::PermissionDenied;
    fails("connect", TcpStream::connect(loopback(80)).await, kind)?;
    fails("listen", TcpListener::bind(loopback(0)).await, kind)?;
    fails("bind", UdpSocket::bind(loopback(0)).await, kind)
}

async fn echoed(stream: &mut TcpStream, text: &str) -> Outcome {
    stream.write_all(text.as_bytes()).await?;
    let mut buffer = vec![0; text.len()];
    soon(stream.read_exact(&mut buffer)).await??;
    expect("echo", std::str::from_utf8(&buffer)?, text)
}

async fn soon<T>(wanted: impl Future<Output = T>) -> Result<T, Box<dyn Error>> {
    Ok(timeout(PATIENCE, wanted).await?)
}

fn all_here(found: Vec<SocketAddr>) -> Outcome {
    let here = |address: &SocketAddr| address.ip().is_loopback() && address.port() == 80;
    if found.is_empty() || !found.iter().all(here) {
        return Err(format!("localhost is {found:?}").into());
    }
    Ok(())
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)
}

fn port(name: &str) -> Result<u16, Box<dyn Error>> {
    let said = std::env::var(name).map_err(|e| format!("{name}: {e}"))?;
    Ok(said.parse()?)
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, got: T, wanted: T) -> Outcome {
    println!("{what}: {got:?}");
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}: {got:?}, not {wanted:?}").into())
}

fn fails<T>(what: &str, said: std::io::Result<T>, kind: ErrorKind) -> Outcome {
    match said {
        Ok(_) => Err(format!("{what}: it went through").into()),
        Err(e) if e.kind() == kind => Ok(println!("{what}: {e}")),
        Err(e) => Err(format!("{what}: {e} ({:?}), not {kind:?}", e.kind()).into()),
    }
}
