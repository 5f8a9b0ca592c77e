//! The places of threads: taken from a selection, and followed from revision to revision.

use contract::annotation::{AnchorConfidence, AnchorMismatch, AnchorReason, AnchorSelector, AnchorState};
use contract::document::IssueDocument;
use contract::document_annotation::{
    AnchorPlace, AnchorRemapSnapshot, AnnotationThread, MarkdownRange, ThreadFilter,
};
use contract::{ApiError, IssueId, IssueRef, RevisionId, Timestamp};
use domain::anchor::{Anchor, NoSelector, Outcome, Projection, remap, select_source, verify};
use serde_json::json;
use store::{SqliteConnection, WriteTx};

use crate::error::{Answer, OrAnswer, OrMissing};
use crate::service::documents::stale;
use crate::{Caller, Engine};

/// The revision that a selection was made in.
#[derive(Clone, Copy)]
pub(super) struct Base {
    pub id: RevisionId,
    pub number: i64,
}

impl Base {
    /// The document, provided that this is its newest revision.
    pub async fn newest(
        self,
        conn: &mut SqliteConnection,
        issue: IssueId,
        key: &str,
    ) -> Answer<IssueDocument> {
        let document = store::documents::get(conn, issue, key).await.or_missing("Document")?;
        let s = &document.summary;
        if s.latest_revision_id != Some(self.id) || s.latest_revision_number != self.number {
            return Err(stale(Some(&document)));
        }
        Ok(document)
    }
}

/// A revision, by id and number.
type Numbered = (Option<RevisionId>, i64);

/// Why a thread is where it is, when somebody put it there.
const BY_HAND: &str = "attached_by_hand";

/// What was selected, as its maker tells it.
pub(super) enum Selection {
    /// Paperclip's clients know the words and both their places.
    Selector(Box<AnchorSelector>),
    Range(MarkdownRange),
}

impl Selection {
    pub fn of(selector: Option<AnchorSelector>, range: Option<MarkdownRange>) -> Answer<Self> {
        match (selector, range) {
            (Some(s), None) => Ok(Self::Selector(Box::new(s))),
            (None, Some(r)) => Ok(Self::Range(r)),
            _ => Err(ApiError::unprocessable("Either selector or range says what the thread is about")
                .with_hint("Send one of the two.")),
        }
    }

    /// The place in this text, as it is kept.
    fn place(&self, markdown: &str) -> Answer<AnchorSelector> {
        let text = Projection::of(markdown);
        match self {
            Self::Selector(selector) => verify(&text, selector).map_err(|why| refused(why, None)),
            Self::Range(r) => {
                let units = r.markdown_start..r.markdown_end;
                if units.is_empty() || units.end > text.source_len_units() {
                    return Err(refused(AnchorMismatch::InvalidRange, None));
                }
                select_source(&text, text.source_bytes(&units))
                    .map_err(|why| refused(AnchorMismatch::InvalidRange, Some(why)))
            }
        }
    }
}

fn refused(why: AnchorMismatch, more: Option<NoSelector>) -> ApiError {
    let message = match why {
        AnchorMismatch::InvalidRange => "The selection is empty or reaches beyond the document",
        AnchorMismatch::QuoteMismatch => "The document does not have the selected words",
        AnchorMismatch::PositionMismatch => "The selected words do not stand where the selection says",
    };
    let message =
        more.map_or_else(|| message.to_owned(), |more| format!("The selection cannot be annotated: {more}"));
    ApiError::unprocessable(message).with_details(json!({ "reason": why })).with_hint(
        "Offsets count UTF-16 code units of the newest revision's Markdown. Select the text again.",
    )
}

/// Texts shorter than this (bytes) are done with faster than they are handed to another thread.
const SHORT: usize = 32 * 1024;

/// Works on texts off the async threads where they are long: those carry the output of all runs, and would stand still
/// for the tens of milliseconds that a megabyte takes.
async fn aside<T: Send + 'static>(length: usize, work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    if length < SHORT {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await.map_err(|e| ApiError::internal(e.to_string()))
}

impl Engine {
    /// The place of a selection in a document's newest revision. Nothing is written meanwhile, so nobody waits for it.
    pub(super) async fn selector(
        &self,
        caller: &Caller,
        issue: &IssueRef,
        key: &str,
        base: Base,
        selection: Selection,
    ) -> Answer<AnchorSelector> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, issue).await?;
        let body = base.newest(&mut conn, issue.id, key).await?.body;
        drop(conn);
        aside(body.len(), move || selection.place(&body)).await?
    }

    /// Puts a thread where somebody said that it belongs.
    pub(super) async fn attach(
        &self,
        tx: &mut WriteTx,
        thread: &mut AnnotationThread,
        base: Base,
        selector: AnchorSelector,
    ) -> Answer<()> {
        thread.original_revision_id = Some(base.id);
        thread.original_revision_number = base.number;
        thread.original_quote = selector.quote.clone();
        let outcome = Outcome {
            state: AnchorState::Active,
            confidence: AnchorConfidence::Exact,
            selector: Some(selector),
            reason: AnchorReason::Unchanged,
        };
        let mut snapshot = self.place_thread(thread, outcome, (Some(base.id), base.number), tx.at());
        snapshot.failure_reason = Some(BY_HAND.to_owned());
        thread.updated_at = tx.at();
        store::annotations::save(tx, thread).await.answer()?;
        store::annotations::add_snapshots(tx, &[snapshot]).await.answer()
    }

    /// Follows the open threads of a document that was written anew, all at once. `before` is what it said until now.
    ///
    /// In the transaction of the write, for a thread that stands in a revision which is not the newest would be shown
    /// at a wrong place; so the one writer waits for it, and the threads of the runtime do not. Those that are resolved
    /// are followed when they are opened again.
    pub(crate) async fn follow_threads(
        &self,
        tx: &mut WriteTx,
        before: String,
        document: &IssueDocument,
    ) -> Answer<()> {
        let s = &document.summary;
        let threads = store::annotations::threads(tx, s.id, ThreadFilter::Open).await.answer()?;
        if threads.is_empty() {
            return Ok(());
        }
        let to = (s.latest_revision_id, s.latest_revision_number);
        let (threads, snapshots) = self.remapped(threads, before, document.body.clone(), to, tx.at()).await?;
        store::annotations::follow(tx, to, &threads, tx.at()).await.answer()?;
        store::annotations::add_snapshots(tx, &snapshots).await.answer()
    }

    /// Follows one thread from where it was left to the newest revision.
    pub(super) async fn catch_up(
        &self,
        tx: &mut WriteTx,
        thread: &mut AnnotationThread,
        document: IssueDocument,
    ) -> Answer<()> {
        let s = &document.summary;
        if thread.current_revision_id.is_some() && thread.current_revision_id == s.latest_revision_id {
            return Ok(());
        }
        let left = match thread.current_revision_id {
            Some(id) => store::documents::revision(tx, s.id, id).await.answer()?,
            None => None,
        };
        // Without it the words alone tell where the thread belongs.
        let left = left.map(|r| r.body).unwrap_or_default();
        let to = (s.latest_revision_id, s.latest_revision_number);
        let one = vec![thread.clone()];
        let (mut threads, snapshots) = self.remapped(one, left, document.body, to, tx.at()).await?;
        if let Some(followed) = threads.pop() {
            *thread = followed;
        }
        store::annotations::add_snapshots(tx, &snapshots).await.answer()
    }

    /// The threads with their places in the later text, and what is worth keeping of how they got there.
    async fn remapped(
        &self,
        threads: Vec<AnnotationThread>,
        before: String,
        later: String,
        to: Numbered,
        at: Timestamp,
    ) -> Answer<(Vec<AnnotationThread>, Vec<AnchorRemapSnapshot>)> {
        let length = before.len() + later.len();
        let work = move || {
            let anchors: Vec<Anchor<'_>> = threads.iter().map(anchor).collect();
            let outcomes = remap(&before, &later, &anchors);
            drop(anchors);
            (threads, outcomes)
        };
        let (mut threads, outcomes) = aside(length, work).await?;
        let mut snapshots = Vec::new();
        for (thread, outcome) in threads.iter_mut().zip(outcomes) {
            let news = is_news(thread, &outcome);
            let snapshot = self.place_thread(thread, outcome, to, at);
            snapshots.extend(news.then_some(snapshot));
        }
        Ok((threads, snapshots))
    }

    /// Moves a thread to where it was found, and says how it came there.
    fn place_thread(
        &self,
        thread: &mut AnnotationThread,
        found: Outcome,
        to: Numbered,
        at: Timestamp,
    ) -> AnchorRemapSnapshot {
        let snapshot = AnchorRemapSnapshot {
            id: self.new_id(),
            company_id: thread.company_id,
            thread_id: thread.id,
            document_id: thread.document_id,
            from_revision_id: thread.current_revision_id,
            from_revision_number: Some(thread.current_revision_number),
            to_revision_id: to.0,
            to_revision_number: to.1,
            previous_anchor: AnchorPlace::from(&thread.anchor_selector),
            next_anchor: found.selector.as_ref().map(AnchorPlace::from),
            anchor_state: found.state,
            anchor_confidence: found.confidence,
            failure_reason: Some(found.reason.as_str().to_owned()),
            created_at: at,
        };
        thread.anchor_state = found.state;
        thread.anchor_confidence = found.confidence;
        thread.anchor_reason = found.reason;
        // An orphan keeps the last place that it had.
        if let Some(selector) = found.selector {
            thread.anchor_selector = selector;
        }
        (thread.current_revision_id, thread.current_revision_number) = to;
        snapshot
    }
}

fn anchor(t: &AnnotationThread) -> Anchor<'_> {
    Anchor {
        quote: &t.original_quote,
        selector: &t.anchor_selector,
        state: t.anchor_state,
        confidence: t.anchor_confidence,
    }
}

/// Whether a revision did something to a thread that is worth keeping. That what stands before it became longer is not:
/// a thousand threads would leave a thousand rows at every save, which all say nothing. Nor is an orphan that stays one.
fn is_news(t: &AnnotationThread, found: &Outcome) -> bool {
    let words = |s: &AnchorSelector| s.quote.exact != t.anchor_selector.quote.exact;
    let slid = matches!(found.reason, AnchorReason::Unchanged | AnchorReason::Shifted | AnchorReason::Gone);
    !slid
        || found.state != t.anchor_state
        || found.confidence != t.anchor_confidence
        || found.selector.as_ref().is_some_and(words)
}
