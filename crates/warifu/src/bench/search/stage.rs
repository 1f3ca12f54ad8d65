//! A broker over SQLite on a loopback port, with its providers' services.

use super::corpus::{self, PROVIDERS};
use crate::{Failure, bench::stage, setup::Place};
use async_trait::async_trait;
use std::{net::SocketAddr, path::Path, sync::Arc};
use tokio::net::TcpListener;
use warifu_broker::{Broker, Import, ProviderApplication, RegistryLine, Settings};
use warifu_ports::mail::{MailError, MailOut, OutgoingMail};
use warifu_protocol::suite::Suite;
use warifu_store::{OsEntropy, SystemClock, search::MemoryIndex};
use warifu_types::Identifier;
use warifu_wire::{
    CallError, Party,
    private_line::{
        AuthenticateAnswer, AuthenticateQuestion, CodeQuestion, DispatchAnswer, DispatchQuestion,
        LineDone, NumberQuestion, VoidAnswer,
    },
};

/// Starts the broker; its workers run as they do in a service.
pub async fn start(folder: &Path) -> Result<SocketAddr, Failure> {
    let opened = Place::new(&folder.join("broker"), None).create()?;
    let terminal = stage::Stage::new(Suite::Kps)?.holder;
    let party = Party::new(terminal, Arc::new(SystemClock), Arc::new(OsEntropy), None);
    let settings = Settings::new("order.example", "https://order.example");
    let index = MemoryIndex::new().map_err(|error| Failure::input("search", error.to_string()))?;
    let outside = (Arc::new(Nobody) as Arc<_>, Arc::new(index) as Arc<_>);
    let broker = Broker::new(party, opened.port(), settings, Arc::new(Nobody), outside).await?;
    for provider in 0..PROVIDERS {
        enter(&broker, provider).await?;
    }
    broker.spawn_worker(crate::serve::WORK_EVERY);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let routes = warifu_broker::routes(broker);
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "listener");
        }
    });
    Ok(address)
}

/// A provider with its share of the services.
async fn enter(broker: &Broker, provider: usize) -> Result<(), Failure> {
    let application = ProviderApplication {
        provider: Identifier::parse(&format!("domain:inn-{provider}.example"))?,
        name: format!("旅館 {provider}"),
        url: format!("https://inn-{provider}.example"),
        mail: "desk@inn.example".to_string(),
        by_reference: false,
    };
    let number = broker.apply(application).await?;
    broker.admit_provider(&number).await?;
    let file = corpus::file(provider);
    let imported = broker.import(&number, Import::Csv(file.as_bytes())).await?;
    imported.map_err(|_| Failure::input("benchmark", "its file has faults"))?;
    Ok(())
}

/// A registry and a mail server that nobody asks while services are searched.
struct Nobody;

fn nobody<T>() -> Result<T, CallError> {
    Err(CallError::Network("the benchmark has none".to_string()))
}

#[async_trait]
impl MailOut for Nobody {
    async fn send(&self, _: &OutgoingMail) -> Result<(), MailError> {
        Err(MailError::Unreachable("the benchmark has none".to_string()))
    }
}

#[async_trait]
impl RegistryLine for Nobody {
    async fn code(&self, _: &CodeQuestion) -> Result<LineDone, CallError> {
        nobody()
    }

    async fn authenticate(
        &self,
        _: &AuthenticateQuestion,
    ) -> Result<AuthenticateAnswer, CallError> {
        nobody()
    }

    async fn dispatch(&self, _: &DispatchQuestion) -> Result<DispatchAnswer, CallError> {
        nobody()
    }

    async fn void(&self, _: &NumberQuestion) -> Result<VoidAnswer, CallError> {
        nobody()
    }
}
