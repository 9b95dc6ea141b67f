//! hyper-util's client over its own connector; the first argument names the case.
//!
//! `FORKBOT_HTTP_PORT` is an HTTP server on 127.0.0.1: `/` is a word that nobody
//! can guess, `/connection` that word and the port of the connection's client. On
//! `FORKBOT_REFUSED_PORT` nobody listens.

use std::error::Error;
use std::future::{ready, Ready};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tower_service::Service;

type Outcome = Result<(), Box<dyn Error>>;
type Http<R = GaiResolver> = Client<HttpConnector<R>, Empty<Bytes>>;

const PATIENCE: Duration = Duration::from_secs(5);
const A_MOMENT: Duration = Duration::from_millis(100);
/// A label may have 63 letters: no system asks its network for this name.
const NO_SUCH_NAME: &str =
    "a-label-of-more-than-sixty-three-letters-is-not-one-that-a-name-has.invalid";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let case = std::env::args().nth(1).unwrap_or_default();
    let client: Http = builder().build(HttpConnector::new());
    match case.as_str() {
        "by-ip" => print(get(&client, &page("127.0.0.1", "/")?).await?),
        "by-name" => print(get(&client, &page("localhost", "/")?).await?),
        "many-by-name" => many_by_name(client).await,
        "reuse" => reuse(client).await,
        "no-reuse" => no_reuse().await,
        "keepalive" => keepalive().await,
        "happy-eyeballs-refused" => over_dead_ipv6(None).await,
        "happy-eyeballs-silent" => over_silent_ipv6().await,
        "connect-timeout" => connect_timeout().await,
        "refused" => refused(client).await,
        "no-such-name" => fails(&client, &format!("http://{NO_SUCH_NAME}/"), "dns error").await,
        "denied-names" => fails(&client, "http://localhost/", "dns error").await,
        "denied-network" => fails(&client, "http://127.0.0.1/", "Permission denied").await,
        _ => Err(format!("no such case: {case:?}").into()),
    }
}

fn builder() -> Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new());
    builder
}

/// Several lookups of the same name under way at once.
async fn many_by_name(client: Http) -> Outcome {
    let address = page("localhost", "/")?;
    let mut tasks = JoinSet::new();
    for _ in 0..12 {
        let (client, address) = (client.clone(), address.clone());
        tasks.spawn(async move { get(&client, &address).await.map_err(|e| e.to_string()) });
    }
    let mut words = Vec::new();
    while let Some(done) = tasks.join_next().await {
        words.push(done??);
    }
    words.dedup();
    match words.as_slice() {
        [word] => print(word.clone()),
        others => Err(format!("not the same page each time: {others:?}").into()),
    }
}

/// A second request goes over the connection of the first.
async fn reuse(client: Http) -> Outcome {
    let address = page("127.0.0.1", "/connection")?;
    let first = get(&client, &address).await?;
    let second = get(&client, &address).await?;
    if first != second {
        return Err(format!("two connections: {first:?}, {second:?}").into());
    }
    print(second)
}

async fn no_reuse() -> Outcome {
    let client: Http = builder().pool_max_idle_per_host(0).build(HttpConnector::new());
    let address = page("127.0.0.1", "/connection")?;
    let first = get(&client, &address).await?;
    let second = get(&client, &address).await?;
    if first == second {
        return Err(format!("one connection: {first:?}, {second:?}").into());
    }
    print(second)
}

async fn keepalive() -> Outcome {
    let mut connector = HttpConnector::new();
    connector.set_keepalive(Some(Duration::from_secs(30)));
    connector.set_keepalive_interval(Some(Duration::from_secs(5)));
    connector.set_keepalive_retries(Some(3));
    connector.set_nodelay(true);
    let client: Http = builder().build(connector);
    print(get(&client, &page("127.0.0.1", "/")?).await?)
}

/// A name with an address of either family, of which the preferred one leads nowhere.
async fn over_dead_ipv6(dead: Option<SocketAddr>) -> Outcome {
    let alive = SocketAddr::from((Ipv4Addr::LOCALHOST, port("FORKBOT_HTTP_PORT")?));
    let dead = match dead {
        Some(address) => address,
        // a port that was free a moment ago
        None => TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await?.local_addr()?,
    };
    let mut connector = HttpConnector::new_with_resolver(Known(vec![dead, alive]));
    connector.set_happy_eyeballs_timeout(Some(A_MOMENT));
    let client: Http<Known> = builder().build(connector);
    // without a port, so that those of the addresses count
    print(get(&client, "http://two-families.test/").await?)
}

async fn over_silent_ipv6() -> Outcome {
    let silent = Silent::new().await?;
    let began = Instant::now();
    over_dead_ipv6(Some(silent.address)).await?;
    match began.elapsed() {
        took if took < A_MOMENT => Err(format!("{took:?}: IPv6 was not tried").into()),
        _ => Ok(()),
    }
}

async fn connect_timeout() -> Outcome {
    let silent = Silent::new().await?;
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(A_MOMENT));
    let client: Http = builder().build(connector);
    fails(&client, &format!("http://{}/", silent.address), "deadline has elapsed").await
}

async fn refused(client: Http) -> Outcome {
    let address = format!("http://127.0.0.1:{}/", port("FORKBOT_REFUSED_PORT")?);
    fails(&client, &address, "Connection refused").await
}

/// A resolver that knows one answer.
#[derive(Clone)]
struct Known(Vec<SocketAddr>);

impl Service<Name> for Known {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(self.0.clone().into_iter()))
    }
}

/// Where a connection is neither made nor refused: nobody accepts, and the queue is full.
struct Silent {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Silent {
    async fn new() -> Result<Self, Box<dyn Error>> {
        let socket = TcpSocket::new_v6()?;
        socket.bind((Ipv6Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(1)?;
        let address = listener.local_addr()?;
        let mut queue = Vec::new();
        while let Ok(stream) = tokio::time::timeout(A_MOMENT, TcpStream::connect(address)).await {
            queue.push(stream?);
            if queue.len() > 64 {
                return Err("a queue of one takes more than 64".into());
            }
        }
        Ok(Self { address, _listener: listener, _queue: queue })
    }
}

async fn get<R>(client: &Http<R>, address: &str) -> Result<String, Box<dyn Error>>
where
    HttpConnector<R>: hyper_util::client::legacy::connect::Connect + Clone + Send + Sync + 'static,
{
    let request = async {
        let response = client.get(address.parse()?).await?;
        println!("{}", response.status());
        let body = response.into_body().collect().await?.to_bytes();
        Ok::<_, Box<dyn Error>>(String::from_utf8(body.to_vec())?)
    };
    tokio::time::timeout(PATIENCE, request).await?
}

/// The request fails, and the error or what caused it says so.
async fn fails(client: &Http, address: &str, saying: &str) -> Outcome {
    let error = match get(client, address).await {
        Ok(body) => return Err(format!("it answered: {body}").into()),
        Err(error) => error,
    };
    let mut said = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push(error.to_string());
        cause = error.source();
    }
    let said = said.join(": ");
    if !said.contains(saying) {
        return Err(format!("another error than {saying:?}: {said}").into());
    }
    println!("{said}");
    Ok(())
}

fn page(host: &str, path: &str) -> Result<String, Box<dyn Error>> {
    Ok(format!("http://{host}:{}{path}", port("FORKBOT_HTTP_PORT")?))
}

fn port(name: &str) -> Result<u16, Box<dyn Error>> {
    let said = std::env::var(name).map_err(|e| format!("{name}: {e}"))?;
    Ok(said.parse()?)
}

fn print(body: String) -> Outcome {
    println!("{body}");
    Ok(())
}
