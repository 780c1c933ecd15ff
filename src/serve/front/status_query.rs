//! The state of the daemon, asked of all its threads for its pages. Nobody who reads a page waits for a thread that hangs,
//! and however many read, each thread is asked once at a time.

use super::Front;
use super::http::Pages;
use crate::cache::Outlook;
use crate::limits::{MAX_POLICIES_NAMED, OUTLOOK_KEPT, OUTLOOK_PAUSES, PAGE_PATIENCE};
use crate::serve::engine::Engine;
use crate::serve::pages::{metrics, status_page};
use crate::serve::protocol::http::{Page, Reply};
use crate::serve::telemetry::status::{NoOutlook, Reports, Status};
use crate::text::Printable;
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// What the store tells, or why it does not.
type StoreReply = Result<(Arc<Outlook>, Arc<Reports>), NoOutlook>;

/// What the store was asked.
#[derive(Clone)]
struct StoreQuery {
    at: Instant,
    /// What it tells, and how long that took.
    told: Shared<LocalBoxFuture<'static, (StoreReply, Duration)>>,
}

impl StoreQuery {
    /// Whether it is time to ask again: a store that counts for long has a pause of many times that.
    fn is_old(&self) -> bool {
        self.told.peek().is_some_and(|(_, took)| {
            self.at.elapsed() > took.saturating_mul(OUTLOOK_PAUSES).max(OUTLOOK_KEPT)
        })
    }
}

/// Makes the pages. It lives on the front's thread.
pub struct Watch {
    engine: Rc<Engine>,
    front: Rc<Front<Rc<Engine>>>,
    started_at: UnixTime,
    places: Vec<String>,
    outlook: RefCell<Option<StoreQuery>>,
    /// What the store told last.
    last: RefCell<StoreReply>,
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
        Rc::new(Self {
            engine,
            front,
            started_at,
            places,
            outlook: RefCell::default(),
            last: RefCell::new(Err(NoOutlook::Counting)),
        })
    }

    /// The daemon as it is now.
    async fn status(&self) -> Status {
        let silent =
            |_| "the lookup worker, or the store behind it, does not answer within a second".to_owned();
        let (worker, outlook) =
            futures_util::future::join(timeout(PAGE_PATIENCE, self.engine.pulse()), self.outlook()).await;
        // A store that hangs has no old numbers to look good with.
        let told = if worker.is_ok() { outlook } else { Err(NoOutlook::Counting) };
        let reports = told.as_ref().ok().map(|(_, reports)| Arc::clone(reports));
        Status {
            now: SystemClock.now(),
            started_at: self.started_at,
            loaded_at: self.front.counters.loaded.get(),
            older: self.front.older.borrow().as_deref().map(str::to_owned),
            places: self.places.clone(),
            name_servers: self.engine.name_servers(),
            outlook: told.map(|(outlook, _)| outlook),
            reports,
            lookup_worker: worker.map_err(silent),
            cached_answers: self.engine.cached_answers(),
            recent: self.front.recent.borrow().iter().cloned().collect(),
            counters: Arc::clone(&self.front.counters),
        }
    }

    /// What the store tells; or what it told last, if it still counts.
    async fn outlook(&self) -> StoreReply {
        let asked = self.asked();
        if let Ok((told, _)) = timeout(PAGE_PATIENCE, asked.told).await {
            *self.last.borrow_mut() = told;
        }
        self.last.borrow().clone()
    }

    /// What the store was asked, now or a moment ago. A store that hangs has one question of ours in its queue, not one for
    /// each page that somebody wanted meanwhile.
    fn asked(&self) -> StoreQuery {
        let mut outlook = self.outlook.borrow_mut();
        if let Some(asked) = outlook.as_ref().filter(|asked| !asked.is_old()) {
            return asked.clone();
        }
        let (engine, at) = (Rc::clone(&self.engine), Instant::now());
        let told = async move {
            let told = engine.outlook(MAX_POLICIES_NAMED).await;
            let told = told.map(|(outlook, reports)| (Arc::new(outlook), Arc::new(reports)));
            let told = told.map_err(|why| NoOutlook::Trouble(Printable(&why).to_string()));
            (told, at.elapsed())
        };
        let asked = StoreQuery { at, told: told.boxed_local().shared() };
        *outlook = Some(asked.clone());
        asked
    }
}

impl Pages for Rc<Watch> {
    async fn turn(&self) {
        self.front.turn().await;
    }

    async fn page(&self, page: Page) -> Reply {
        match page {
            // That it is told is all there is to tell.
            Page::Healthz => Reply::words(200, "alive\n"),
            Page::Readyz => {
                let status = self.status().await;
                let older = status.older.as_deref().map_or_else(String::new, |why| {
                    format!("an older configuration is in force: {}\n", Printable(why))
                });
                match status.readiness() {
                    Ok(()) => Reply::words(200, format!("ready\n{older}")),
                    Err(why) => Reply::words(503, format!("not ready: {why}\n{older}")),
                }
            }
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
