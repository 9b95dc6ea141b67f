//! A wake-up is an event of the next poll, and of no other.
//!
//! mio has no `Waker` on WASI, where one thread is all there is. The day it has
//! one, this program builds.

use std::error::Error;
use std::time::Duration;

use mio::{Events, Poll, Token, Waker};

const AWAKE: Token = Token(1);

fn main() -> Result<(), Box<dyn Error>> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(8);
    let waker = Waker::new(poll.registry(), AWAKE)?;
    for wakes in [1, 0] {
        for _ in 0..wakes {
            waker.wake()?;
        }
        poll.poll(&mut events, Some(Duration::from_millis(100)))?;
        let heard = events.iter().filter(|event| event.token() == AWAKE).count();
        println!("{wakes} wake-ups, {heard} events");
        if heard != wakes {
            return Err(format!("{wakes} wake-ups, {heard} events").into());
        }
    }
    Ok(())
}
