//! How far a page counts what matches.

/// How far [`Table`](super::Table) counts what matches, for the `total` of a page. At 100,000 records a count takes a
/// database a hundred times as long as the page.
///
/// ```
/// use serde_json::json;
/// use wingbeat::{Params, service::RawService, store::{Memory, Totals}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> wingbeat::Result<()> {
/// let notes = Memory::new().records((0..7).map(|id| json!({ "id": id }))).paginate(2, 2);
/// let total = async |totals| {
///     let page = notes.clone().totals(totals).find(&Params::new()).await?.into_value()?;
///     Ok::<_, wingbeat::Error>(page["total"].clone())
/// };
/// assert_eq!(total(Totals::Exact).await?, 7);
/// assert_eq!(total(Totals::UpTo(5)).await?, 5); // "5 or more"
/// assert_eq!(total(Totals::None).await?, json!(null)); // absent
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Totals {
    /// All of it, as Feathers does.
    #[default]
    Exact,
    /// At most so many: where `total` is this number, clients show it as "so many or more". They then find the last page
    /// by its being not full.
    UpTo(u64),
    /// Nothing: pages have no `total`. (`@feathersjs/client` hands them on as they are; what reads `total` there finds
    /// `undefined`.)
    None,
}

impl Totals {
    /// As stores are told: see [`Find::count`](super::Find::count).
    pub(super) fn count(self) -> Option<u64> {
        match self {
            Totals::Exact => Some(u64::MAX),
            Totals::UpTo(most) => Some(most),
            Totals::None => None,
        }
    }
}
