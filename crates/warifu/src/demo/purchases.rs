//! One purchase of each kind, and what each party saw of it.

use super::{
    member::PREPAID,
    network::{DOWNLOAD, METERED, Network},
    report::{PartyReport, PurchaseReport},
};
use crate::{Failure, serve::Service};
use std::{collections::BTreeMap, time::Duration};
use warifu_holder::{Entry, Holder, Purchase, Wanted};
use warifu_protocol::{status::State, view::View};
use warifu_types::{Currency, OrderId};
use warifu_wire::QuoteItem;

/// Every kind of purchase, in order.
pub const KINDS: [&str; 10] = [
    "card",
    "card-classic",
    "card-no-carrier",
    "card-direct-issuer",
    "card-gateway",
    "badge",
    "prepaid-later",
    "prepaid-download",
    "prepaid-metered",
    "broker",
];

/// Those that need no settlement center.
pub const CARD_KINDS: &[&str] =
    &["card", "card-classic", "card-no-carrier", "card-direct-issuer", "card-gateway", "badge"];

/// How long a purchase may take before the demonstration gives up.
const PATIENCE: Duration = Duration::from_secs(30);

struct Script {
    rule: &'static str,
    currency: Currency,
    payment_type: &'static str,
    delivered: bool,
    /// The parties that take part beside the holder.
    parties: &'static [&'static str],
}

fn script(kind: &str) -> Result<Script, Failure> {
    let card = Script {
        rule: "minimal",
        currency: Currency::JPY,
        payment_type: "one",
        delivered: true,
        parties: &["merchant", "issuer", "carrier"],
    };
    Ok(match kind {
        "card" => card,
        "card-classic" => Script {
            rule: "classic",
            currency: Currency::EUR,
            payment_type: "instalments:3",
            ..card
        },
        "card-no-carrier" => Script {
            rule: "no-carrier",
            currency: Currency::USD,
            delivered: false,
            parties: &["merchant", "issuer"],
            ..card
        },
        "card-direct-issuer" => Script { rule: "direct", ..card },
        "card-gateway" => Script {
            rule: "gateway",
            parties: &["merchant", "issuer", "carrier", "gateway"],
            ..card
        },
        "badge" => Script { rule: "badge", parties: &["door", "card_manager"], ..card },
        "prepaid-later" => {
            Script { rule: "prepaid", parties: &["merchant", "center", "carrier"], ..card }
        }
        "prepaid-download" => Script {
            rule: "prepaid-download",
            delivered: false,
            parties: &["merchant", "center"],
            ..card
        },
        "prepaid-metered" => Script {
            rule: "prepaid-metered",
            delivered: false,
            parties: &["merchant", "center"],
            ..card
        },
        other => return Err(Failure::input("kind", format!("no purchase called {other}"))),
    })
}

/// Makes one purchase and collects every party's view.
pub async fn purchase(network: &Network, kind: &str) -> Result<PurchaseReport, Failure> {
    if kind == "broker" {
        return network.broker().await?.purchase(network).await;
    }
    let script = script(kind)?;
    let id = buy(network, kind, &script).await?;
    let mut parties = BTreeMap::new();
    let mut states = BTreeMap::new();
    for name in script.parties {
        let view = view(network, name, id).await?.ok_or_else(|| {
            Failure::input(*name, format!("the {name} knows nothing of this {kind} order"))
        })?;
        states.insert((*name).to_string(), view.state);
        parties.insert((*name).to_string(), PartyReport::from(&view));
    }
    Ok(PurchaseReport {
        kind: kind.to_string(),
        rule: script.rule.to_string(),
        order: id,
        parties,
        states,
    })
}

async fn buy(network: &Network, kind: &str, script: &Script) -> Result<OrderId, Failure> {
    let badge = kind == "badge";
    let prepaid = kind.starts_with("prepaid");
    let holder = if prepaid { &network.member().await?.holder } else { &network.holder };
    let wanted = if badge {
        Wanted::Entry(Entry { zone: "lab-2".to_string() })
    } else {
        Wanted::Goods {
            items: items(network, kind).await?,
            currency: script.currency,
            language: "ja".to_string(),
            payment_type: script.payment_type.to_string(),
            destination: script.delivered.then(|| network.person.destination.clone()),
        }
    };
    let purchase = Purchase {
        url: network.url(if badge { "door" } else { "merchant" }),
        front: None,
        rule: script.rule.to_string(),
        form: None,
        wanted,
        card: match (badge, prepaid) {
            (true, _) => "badge",
            (_, true) => PREPAID,
            _ => "card",
        }
        .to_string(),
        allow: Vec::new(),
        more: BTreeMap::new(),
    };
    let record = holder.buy(&purchase).await?;
    take(network, holder, kind, record.id).await?;
    let end = if badge { State::Delivered } else { State::Settled };
    let record = holder.wait_for(record.id, end, PATIENCE).await?;
    if record.state != Some(end) {
        let reached = record.state.map_or("nothing", State::as_str);
        return Err(Failure::input(kind, format!("came only to {reached}")));
    }
    Ok(record.id)
}

/// Takes goods that come through the network: fetches the file, or plays for one tick.
async fn take(network: &Network, holder: &Holder, kind: &str, id: OrderId) -> Result<(), Failure> {
    match kind {
        "prepaid-download" => {
            holder.wait_for(id, State::Authorized, PATIENCE).await?;
            let folder = network.folder.join("downloads");
            std::fs::create_dir_all(&folder)?;
            holder.download(id, &folder).await?;
        }
        "prepaid-metered" => {
            holder.wait_for(id, State::Authorized, PATIENCE).await?;
            holder.play(id, 1).await?;
            holder.stop(id, PATIENCE).await?;
        }
        _ => {}
    }
    Ok(())
}

/// Two things of the catalogue, other ones for each kind, of which there are enough.
async fn items(network: &Network, kind: &str) -> Result<Vec<QuoteItem>, Failure> {
    let one = |number: &str, quantity| vec![QuoteItem { number: number.to_string(), quantity }];
    match kind {
        "prepaid-download" => return Ok(one(DOWNLOAD, 1)),
        // At most ten ticks.
        "prepaid-metered" => return Ok(one(METERED, 10)),
        _ => {}
    }
    let Some(Service::Merchant(merchant)) = network.services.get("merchant") else {
        return Err(Failure::input("merchant", "there is none"));
    };
    let page = merchant.catalogue(None, 200, None, warifu_merchant::Language::Ja).await?;
    let place = KINDS.iter().position(|known| *known == kind).unwrap_or_default();
    let enough = page.items.iter().filter(|item| item.stock >= 5);
    Ok(enough
        .skip(place * 7)
        .step_by(3)
        .zip([2, 1])
        .map(|(item, quantity)| QuoteItem { number: item.number.clone(), quantity })
        .collect())
}

/// What a party's own records say of an order.
pub async fn view(network: &Network, name: &str, id: OrderId) -> Result<Option<View>, Failure> {
    Ok(match network.services.get(name) {
        Some(Service::Issuer(issuer)) => issuer.view(&id).await?,
        Some(Service::Merchant(merchant)) => merchant.view(&id).await?,
        Some(Service::Carrier(carrier)) => carrier.view(&id).await?,
        Some(Service::Observer(observer)) => observer.view(&id).await?,
        None if name == "center" => network.center.settlement().view(&id).await?,
        Some(Service::Center(_) | Service::Registry(_) | Service::Broker(_)) | None => None,
    })
}
