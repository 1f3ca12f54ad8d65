//! What broker, registry, provider and issuer say of orders that are at their end, and what their
//! users were told.

use crate::{
    people::Person,
    providers::{Kind, Provider},
    town::Town,
    until,
    user::Order,
};
use serde_json::Value;
use std::{collections::BTreeSet, path::Path};
use warifu_testkit::fax::Job;

/// How an order goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// The user sends the mail back.
    Reply,
    /// The user presses the button on the page.
    Approve,
    /// The user presses the other button.
    Cancel,
    /// The registry has blocked the member.
    Blocked,
    /// Approved; the provider's clerk declines.
    Declined,
    /// Approved; the issuer says no, because the price is above the card's limit.
    OverLimit,
    /// The user does not answer.
    Silence,
}

impl Course {
    /// The state in which it ends at the broker, why, and the mail that tells the user.
    fn end(self) -> (&'static str, Option<&'static str>, &'static str) {
        match self {
            Course::Reply | Course::Approve => ("closed", None, "served"),
            Course::Cancel => ("cancelled", Some("cancelled_by_user"), "cancelled"),
            Course::Blocked => ("refused", Some("blocked"), "card-refused"),
            Course::Declined => ("declined", Some("declined"), "declined"),
            Course::OverLimit => ("declined", Some("limit_exceeded"), "declined"),
            Course::Silence => ("expired", Some("no_reply"), "expired"),
        }
    }

    /// The state in which it ends at the broker.
    pub fn state(self) -> &'static str {
        self.end().0
    }

    /// The state in which it ends at the provider; none where it never comes there.
    fn state_at_provider(self) -> Option<&'static str> {
        match self {
            Course::Reply | Course::Approve => Some("settled"),
            Course::Declined | Course::OverLimit => Some("refused"),
            Course::Cancel | Course::Blocked | Course::Silence => None,
        }
    }

    /// The issuer's steps.
    fn steps(self) -> &'static [&'static str] {
        match self {
            Course::Reply | Course::Approve => &["authorized", "captured"],
            Course::OverLimit => &["refused"],
            _ => &[],
        }
    }
}

/// Every mail that tells of an end.
const ENDS: [&str; 8] = [
    "served",
    "cancelled",
    "card-refused",
    "declined",
    "expired",
    "our-fault",
    "sold-out",
    "silent",
];

/// An order that has come to its end.
pub struct Ended<'a> {
    pub town: &'a Town,
    /// Whose it is.
    pub person: Person,
    pub order: Order,
    pub provider: Provider,
    pub course: Course,
}

impl std::fmt::Debug for Ended<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Ended { person, order, provider, course, .. } = self;
        let (number, id) = (&order.number, &order.id);
        write!(f, "{number} ({id}) of {} at {}: {course:?}", person.name, provider.name)
    }
}

/// What the four say of every order, and of the money.
pub fn agree(town: &Town, providers: &[Provider], orders: &[Ended<'_>]) {
    orders.iter().for_each(Ended::card_is_settled);
    one_fax_each(town, orders);
    orders.iter().for_each(Ended::agree);
    for provider in providers {
        let sold = orders.iter().filter(|o| o.course.state() == "closed");
        let sold = sold.filter(|o| o.provider.name == provider.name).count() as u64;
        if sold > 0 {
            let paid = town.pay(provider.name);
            assert_eq!(paid["amount"]["minor"], Provider::PRICE * sold, "{paid}");
        }
    }
}

/// Each card that was to go by fax is in the fax server's queue once; it then goes out.
fn one_fax_each(town: &Town, orders: &[Ended<'_>]) {
    let jobs = town.fax.jobs();
    let tags: BTreeSet<_> = jobs.iter().map(|job| job.tag.clone()).collect();
    let out = orders.iter().filter(|o| o.provider.has_fax() && o.has_card_out());
    let expected = out.map(|o| format!("card-{}-1", o.order.number)).collect();
    assert_eq!(tags, expected, "whose cards went out");
    assert_eq!(jobs.len(), tags.len(), "a card went out twice");
    sweep(town, &jobs, orders.len());
    for job in &jobs {
        town.deliver(job);
    }
}

/// A registry that dies between handing a page over and queueing it leaves the page in the spool, where
/// no job names it and it never goes out; the fax server's own sweeping (`faxqclean`) removes it in the
/// end. The registry cannot yet: SECURITY.md says so.
fn sweep(town: &Town, jobs: &[Job], most: usize) {
    let name = |page: &Path| page.file_name().map(ToOwned::to_owned);
    let named: BTreeSet<_> = jobs.iter().map(|job| name(&job.page)).collect();
    assert_eq!(named.len(), jobs.len(), "two jobs with one page");
    let pages = town.fax.files("docq");
    let orphans: Vec<_> = pages.iter().filter(|page| !named.contains(&name(page))).collect();
    assert_eq!(pages.len() - orphans.len(), jobs.len(), "a job without a page");
    assert!(orphans.len() <= most, "{orphans:?}");
    for orphan in orphans {
        std::fs::remove_file(orphan).unwrap();
    }
}

impl Ended<'_> {
    /// Whether a sheet with the card has left the registry, or is about to.
    fn has_card_out(&self) -> bool {
        self.town.sheet(&self.order).is_some_and(|sheet| sheet["state"] != "void")
    }

    /// After a no of the provider's or the issuer's, broker and registry agree on whether the card is
    /// out: if it is, the broker's operator sees it.
    fn card_is_settled(&self) {
        if self.course.state() != "declined" {
            return;
        }
        until(&format!("what has become of the card: {self:?}"), || {
            let sheet = self.town.sheet(&self.order).map_or(Value::Null, |s| s["state"].clone());
            let trouble = self.town.at_broker(&self.order)["trouble"].clone();
            let resolved = self.provider.kind == Kind::Reference;
            let agreed = match (sheet.as_str(), trouble.as_str()) {
                (Some("void"), trouble) => trouble.is_none(),
                // The issuer has looked at the card.
                (None, trouble) if resolved => trouble == Some("card_out"),
                (None, trouble) => trouble.is_none(),
                (Some(state), trouble) => state != "queued" && trouble == Some("card_out"),
            };
            agreed.then_some(())
        });
    }

    fn agree(&self) {
        let Ended { town, order, provider, course, .. } = self;
        self.is_told();
        let (state, reason, _) = course.end();
        let known = town.at_broker(order);
        assert_eq!(
            (known["state"].as_str(), known["reason"].as_str()),
            (Some(state), reason),
            "{self:?}"
        );
        let at_provider = town.at_provider(provider.name, order);
        let heard = at_provider.as_ref().and_then(|known| known["view"]["state"].as_str());
        assert_eq!(heard, course.state_at_provider(), "{self:?}");
        if state == "declined" {
            assert_eq!(at_provider.unwrap()["reason"].as_str(), reason, "{self:?}");
        }
        let steps = town.steps(&provider.id_at_issuer(order));
        let steps: Vec<&str> = steps.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(steps, course.steps(), "{self:?}");
        self.agree_on_sheet();
    }

    /// A sheet has gone out once or not at all.
    fn agree_on_sheet(&self) {
        let Ended { town, order, provider, course, .. } = self;
        let sheet = town.sheet(order);
        let card_needed = matches!(course, Course::Reply | Course::Approve | Course::OverLimit);
        if !card_needed || provider.kind == Kind::Reference {
            let none = sheet.as_ref().is_none_or(|sheet| sheet["state"] == "void");
            if *course != Course::Declined {
                assert!(sheet.is_none(), "{self:?}");
            }
            if none {
                return;
            }
        }
        let sheet = until("the end of the sheet", || {
            town.sheet(order).filter(|sheet| sheet["state"] == "cleared")
        });
        assert_eq!(sheet["attempt"], 1, "{sheet}");
    }

    /// The user was told of this end, and of no other.
    fn is_told(&self) {
        let told = self.course.end().2;
        let mails = || -> BTreeSet<&str> {
            let mails = self.town.mail.mails(self.person.name);
            let is_about = |end: &&str| {
                let id = format!("<{}-{end}@", self.order.id);
                mails.iter().any(|mail| mail.windows(id.len()).any(|part| part == id.as_bytes()))
            };
            ENDS.into_iter().filter(is_about).collect()
        };
        until(&format!("the user is told: {self:?}"), || mails().contains(told).then_some(()));
        assert_eq!(mails(), BTreeSet::from([told]), "{self:?}");
    }
}
