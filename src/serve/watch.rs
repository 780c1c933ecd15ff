//! The state of the daemon, asked of all its threads for its pages. Nobody who reads a page waits for a thread that hangs,
//! and however many read, each thread is asked once at a time.

use super::engine::Engine;
use super::front::Front;
use super::http::Pages;
use super::protocol::http::{Page, Reply};
use super::status::Status;
use crate::cache::Outlook;
use crate::limits::{MAX_POLICIES_NAMED, OUTLOOK_KEPT, PAGE_PATIENCE};
use crate::render::{metrics, status_page};
use crate::text::Printable;
use crate::time::{Clock as _, SystemClock, UnixTime};
use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::{Instant, timeout};

/// What the store tells; or why it does not, in words.
type Told = Result<Arc<Outlook>, String>;

/// A question to the store, and when it was asked.
type Asked = (Instant, Shared<LocalBoxFuture<'static, Told>>);

/// Makes the pages. It lives on the front's thread.
pub struct Watch {
    engine: Rc<Engine>,
    front: Rc<Front<Rc<Engine>>>,
    started_at: UnixTime,
    places: Vec<String>,
    outlook: RefCell<Option<Asked>>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("places", &self.places).finish_non_exhaustive()
    }
}

impl Watch {
    /// A watch over this engine, whose questions are taken at these places.
    #[must_use]
    pub fn new(engine: Rc<Engine>, front: Rc<Front<Rc<Engine>>>, places: Vec<String>) -> Rc<Self> {
        let started_at = SystemClock.now();
        Rc::new(Self { engine, front, started_at, places, outlook: RefCell::default() })
    }

    /// The daemon as it is now.
    async fn status(&self) -> Status {
        let silent = |what| move |_| format!("{what} does not answer within a second");
        let (desk, outlook) = futures_util::future::join(
            timeout(PAGE_PATIENCE, self.engine.pulse()),
            timeout(PAGE_PATIENCE, self.outlook()),
        )
        .await;
        Status {
            now: SystemClock.now(),
            started_at: self.started_at,
            loaded_at: self.front.counters.loaded.get(),
            places: self.places.clone(),
            name_servers: self.engine.name_servers(),
            desk: desk.map_err(silent("the desk, or the store behind it,")),
            outlook: outlook.map_err(silent("the store")).and_then(|told| told),
            warm: self.engine.warm_answers(),
            recent: self.front.recent.borrow().iter().cloned().collect(),
            counters: Arc::clone(&self.front.counters),
        }
    }

    /// What the store tells, or told a moment ago. A store that hangs has one question of ours in its queue, not one for
    /// each page that somebody wanted meanwhile.
    fn outlook(&self) -> Shared<LocalBoxFuture<'static, Told>> {
        let mut asked = self.outlook.borrow_mut();
        if let Some((at, told)) = asked.as_ref()
            && (told.peek().is_none() || at.elapsed() < OUTLOOK_KEPT)
        {
            return told.clone();
        }
        let engine = Rc::clone(&self.engine);
        let told = async move {
            let told = engine.outlook(MAX_POLICIES_NAMED).await;
            told.map(Arc::new).map_err(|why| Printable(&why).to_string())
        };
        let told = told.boxed_local().shared();
        *asked = Some((Instant::now(), told.clone()));
        told
    }
}

impl Pages for Rc<Watch> {
    async fn page(&self, page: Page) -> Reply {
        match page {
            // That it is told is all there is to tell.
            Page::Healthz => Reply::words(200, "alive\n"),
            Page::Readyz => match self.status().await.readiness() {
                Ok(()) => Reply::words(200, "ready\n"),
                Err(why) => Reply::words(503, format!("not ready: {why}\n")),
            },
            Page::Metrics => {
                let body = metrics::exposition(&self.status().await);
                Reply { media_type: metrics::MEDIA_TYPE, ..Reply::words(200, body) }
            }
            Page::Status => Reply {
                media_type: status_page::MEDIA_TYPE,
                content_security_policy: status_page::content_security_policy(),
                ..Reply::words(200, status_page::page(&self.status().await))
            },
        }
    }
}
