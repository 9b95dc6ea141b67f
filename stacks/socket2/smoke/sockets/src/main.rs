//! Sockets made and used through socket2 alone; the first argument names the case.
//!
//! `FORKBOT_TCP_PORT` and `FORKBOT_UDP_PORT` are echo servers on 127.0.0.1, on
//! `FORKBOT_REFUSED_PORT` nobody listens. IPv6 is spoken between two sockets of
//! this program, over ::1.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockAddr, Socket, TcpKeepalive, Type};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let case = std::env::args().nth(1).unwrap_or_default();
    match case.as_str() {
        "options" => options(),
        "bind" => bind(),
        "connect" => connect(),
        "connect-ipv6" => pair(Ipv6Addr::LOCALHOST.into()),
        "accept" => pair(Ipv4Addr::LOCALHOST.into()),
        "nonblocking" => nonblocking(),
        "connect-timeout" => connect_timeout(),
        "udp" => udp(),
        "udp-ipv6" => udp_pair(Ipv6Addr::LOCALHOST.into()),
        "refused" => refused(),
        "denied" => denied(),
        _ => Err(format!("no such case: {case:?}").into()),
    }
}

fn options() -> Outcome {
    let tcp = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    expect("type", tcp.r#type()?, Type::STREAM)?;
    tcp.set_reuse_address(true)?;
    expect("reuse_address", tcp.reuse_address()?, true)?;
    tcp.set_tcp_nodelay(true)?;
    expect("tcp_nodelay", tcp.tcp_nodelay()?, true)?;
    tcp.set_ttl_v4(42)?;
    expect("ttl_v4", tcp.ttl_v4()?, 42)?;
    // a system may round the sizes up, and Linux doubles them
    tcp.set_recv_buffer_size(64 << 10)?;
    at_least("recv_buffer_size", tcp.recv_buffer_size()?, 64 << 10)?;
    tcp.set_send_buffer_size(64 << 10)?;
    at_least("send_buffer_size", tcp.send_buffer_size()?, 64 << 10)?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(40))
        .with_interval(Duration::from_secs(5))
        .with_retries(3);
    tcp.set_tcp_keepalive(&keepalive)?;
    expect("keepalive", tcp.keepalive()?, true)?;
    expect("keepalive time", tcp.tcp_keepalive_time()?, Duration::from_secs(40))?;
    expect("keepalive interval", tcp.tcp_keepalive_interval()?, Duration::from_secs(5))?;
    expect("keepalive retries", tcp.tcp_keepalive_retries()?, 3)?;

    let tcp6 = Socket::new(Domain::IPV6, Type::STREAM, None)?;
    tcp6.set_unicast_hops_v6(7)?;
    expect("unicast_hops_v6", tcp6.unicast_hops_v6()?, 7)?;

    let udp = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    expect("type", udp.r#type()?, Type::DGRAM)
}

fn bind() -> Outcome {
    for ip in [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] {
        let wanted = SocketAddr::new(ip, 0);
        let listener = Socket::new(Domain::for_address(wanted), Type::STREAM, None)?;
        listener.bind(&wanted.into())?;
        listener.listen(16)?;
        let got = address(listener.local_addr()?)?;
        expect("address", got.ip(), ip)?;
        at_least("port", usize::from(got.port()), 1)?;
        // the same port once more: somebody has it
        let second = Socket::new(Domain::for_address(got), Type::STREAM, None)?;
        fails("a second bind", second.bind(&got.into()), &[ErrorKind::AddrInUse])?;
    }
    Ok(())
}

fn connect() -> Outcome {
    let mut socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let server = loopback(port("FORKBOT_TCP_PORT")?);
    socket.connect(&server.into())?;
    expect("peer", address(socket.peer_addr()?)?, server)?;
    socket.write_all(b"through socket2")?;
    expect("echo", text(&mut socket, 15)?, "through socket2".to_owned())?;
    socket.shutdown(std::net::Shutdown::Write)?;
    expect("after the end", socket.read(&mut [0; 8])?, 0)
}

/// Listens, connects and accepts, all here: the system finishes a connection on
/// loopback before anybody accepts it.
fn pair(ip: std::net::IpAddr) -> Outcome {
    let wanted = SocketAddr::new(ip, 0);
    let listener = Socket::new(Domain::for_address(wanted), Type::STREAM, None)?;
    listener.bind(&wanted.into())?;
    listener.listen(16)?;
    let mut client = Socket::new(Domain::for_address(wanted), Type::STREAM, None)?;
    client.connect(&listener.local_addr()?)?;
    let (mut server, peer) = listener.accept()?;
    expect("peer", address(peer)?, address(client.local_addr()?)?)?;
    client.write_all(b"there")?;
    expect("at the server", text(&mut server, 5)?, "there".to_owned())?;
    server.write_all(b"and back")?;
    expect("at the client", text(&mut client, 8)?, "and back".to_owned())
}

fn nonblocking() -> Outcome {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&loopback(0).into())?;
    listener.listen(16)?;
    listener.set_nonblocking(true)?;
    fails("accept", listener.accept().map(drop), &[ErrorKind::WouldBlock])?;

    let client = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    client.set_nonblocking(true)?;
    match client.connect(&listener.local_addr()?) {
        Err(e) if e.raw_os_error() == Some(libc::EINPROGRESS) => writable(&client)?,
        other => other?,
    }
    expect("pending error", client.take_error()?.map(|e| e.kind()), None)?;
    let server = soon("accept", || listener.accept())?.0;
    expect("peer", address(client.peer_addr()?)?, address(listener.local_addr()?)?)?;
    fails("read", (&client).read(&mut [0; 8]).map(drop), &[ErrorKind::WouldBlock])?;
    (&server).write_all(b"now")?;
    let mut buffer = [0; 8];
    let read = soon("read", || (&client).read(&mut buffer))?;
    expect("read", &buffer[..read], b"now")
}

fn connect_timeout() -> Outcome {
    let server = loopback(port("FORKBOT_TCP_PORT")?);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.connect_timeout(&server.into(), Duration::from_secs(5))?;
    (&socket).write_all(b"in time")?;
    expect("echo", text(&mut &socket, 7)?, "in time".to_owned())
}

fn udp() -> Outcome {
    let server = loopback(port("FORKBOT_UDP_PORT")?);
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    socket.bind(&loopback(0).into())?;
    socket.send_to(b"a datagram", &server.into())?;
    let mut room = [std::mem::MaybeUninit::uninit(); 64];
    let (length, from) = socket.recv_from(&mut room)?;
    expect("from", address(from)?, server)?;
    expect("length", length, 10)?;
    socket.connect(&server.into())?;
    socket.send(b"connected")?;
    let mut buffer = [0; 64];
    let length = (&socket).read(&mut buffer)?;
    expect("echo", &buffer[..length], b"connected")
}

fn udp_pair(ip: std::net::IpAddr) -> Outcome {
    let here = SocketAddr::new(ip, 0);
    let one = Socket::new(Domain::for_address(here), Type::DGRAM, None)?;
    let other = Socket::new(Domain::for_address(here), Type::DGRAM, None)?;
    one.bind(&here.into())?;
    other.bind(&here.into())?;
    one.send_to(b"to the other", &other.local_addr()?)?;
    let mut buffer = [std::mem::MaybeUninit::uninit(); 64];
    let (length, from) = other.recv_from(&mut buffer)?;
    expect("from", address(from)?, address(one.local_addr()?)?)?;
    expect("length", length, 12)
}

fn refused() -> Outcome {
    let nobody = loopback(port("FORKBOT_REFUSED_PORT")?);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let said = socket.connect(&nobody.into());
    fails("connect", said, &[ErrorKind::ConnectionRefused])
}

/// Without the network each way to it is an error, at the socket or at its first use.
fn denied() -> Outcome {
    let tcp = || Socket::new(Domain::IPV4, Type::STREAM, None);
    let udp = || Socket::new(Domain::IPV4, Type::DGRAM, None);
    let connected = tcp().and_then(|s| s.connect(&loopback(80).into()));
    fails("connect", connected, &[ErrorKind::PermissionDenied])?;
    let bound = tcp().and_then(|s| s.bind(&loopback(0).into()));
    fails("bind", bound, &[ErrorKind::PermissionDenied])?;
    let sent = udp().and_then(|s| s.send_to(b"out", &loopback(80).into())).map(drop);
    fails("send", sent, &[ErrorKind::PermissionDenied])
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)
}

fn port(name: &str) -> Result<u16, Box<dyn Error>> {
    let said = std::env::var(name).map_err(|e| format!("{name}: {e}"))?;
    Ok(said.parse()?)
}

fn address(address: SockAddr) -> Result<SocketAddr, Box<dyn Error>> {
    address.as_socket().ok_or_else(|| "not an address of the internet".into())
}

fn text(from: &mut impl Read, length: usize) -> Result<String, Box<dyn Error>> {
    let mut buffer = vec![0; length];
    from.read_exact(&mut buffer)?;
    Ok(String::from_utf8(buffer)?)
}

/// Waits until a connection is there; it is poll(2) that finishes one on WASI.
fn writable(socket: &Socket) -> Outcome {
    let mut wanted = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
    let ready = unsafe { libc::poll(&mut wanted, 1, 5000) };
    expect("ready after poll", ready, 1)
}

/// Tries until it would not block any more, for five seconds at most.
fn soon<T>(
    what: &str,
    mut attempt: impl FnMut() -> std::io::Result<T>,
) -> Result<T, Box<dyn Error>> {
    let began = Instant::now();
    loop {
        match attempt() {
            Ok(value) => return Ok(value),
            Err(e) if began.elapsed() > Duration::from_secs(5) => {
                return Err(format!("{what}, for five seconds: {e}").into());
            }
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, got: T, wanted: T) -> Outcome {
    println!("{what}: {got:?}");
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}: {got:?}, not {wanted:?}").into())
}

fn at_least(what: &str, got: usize, wanted: usize) -> Outcome {
    println!("{what}: {got}");
    if got >= wanted {
        return Ok(());
    }
    Err(format!("{what}: {got}, less than {wanted}").into())
}

fn fails(what: &str, said: std::io::Result<()>, kinds: &[ErrorKind]) -> Outcome {
    match said {
        Ok(()) => Err(format!("{what}: it went through").into()),
        Err(e) if kinds.contains(&e.kind()) => {
            println!("{what}: {e}");
            Ok(())
        }
        Err(e) => Err(format!("{what}: {e} ({:?}), not {kinds:?}", e.kind()).into()),
    }
}
