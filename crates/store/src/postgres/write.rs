//! What a transaction writes: one statement for each table, all sent together.

use super::{
    ledger::slices,
    link::{Link, Params},
    pages::Pages,
};
use crate::{
    drafts::Drafts,
    ledger::{Held, Pending, bound_number, kind_columns},
};
use tokio_postgres::{Error, binary_copy::BinaryCopyInWriter, types::Type};
use warifu_ledger::{StoredTransfer, TransferId};
use warifu_ports::StoreError;

const ACTION: &str = "write a transaction";

const PUT_DOCUMENTS: &str = "INSERT INTO documents
    SELECT * FROM UNNEST($1::bytea[], $2::bytea[], $3::bytea[])
    ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value";
const DELETE_DOCUMENTS: &str = "DELETE FROM documents
    USING UNNEST($1::bytea[], $2::bytea[]) AS gone (collection, key)
    WHERE documents.collection = gone.collection AND documents.key = gone.key";
const INSERT_ACCOUNTS: &str = "INSERT INTO ledger_accounts
    SELECT * FROM UNNEST($1::bigint[], $2::bytea[], $3::smallint[], $4::smallint[])";
const READ_PAGES: &str = "SELECT page, balances FROM ledger_pages WHERE page = ANY($1)";
const PUT_PAGES: &str = "INSERT INTO ledger_pages SELECT * FROM UNNEST($1::bigint[], $2::bytea[])
    ON CONFLICT (page) DO UPDATE SET balances = excluded.balances";
/// Copied, not inserted: the server need not take twelve arrays apart.
const COPY_TRANSFERS: &str = "COPY ledger_transfers FROM STDIN BINARY";
const TRANSFER: [Type; 12] = [
    Type::BYTEA,
    Type::BYTEA,
    Type::BYTEA,
    Type::INT8,
    Type::INT2,
    Type::INT2,
    Type::BYTEA,
    Type::BOOL,
    Type::INT4,
    Type::BYTEA,
    Type::BYTEA,
    Type::BYTEA,
];
const INSERT_RESOLUTIONS: &str = "INSERT INTO ledger_resolutions
    SELECT * FROM UNNEST($1::bytea[], $2::bytea[])";
const RAISE_VERSION: &str = "UPDATE ledger_version SET version = version + 1";

/// The statements of every transaction, prepared before the first is sent.
const ALWAYS: [&str; 7] = [
    PUT_DOCUMENTS,
    DELETE_DOCUMENTS,
    INSERT_ACCOUNTS,
    PUT_PAGES,
    COPY_TRANSFERS,
    INSERT_RESOLUTIONS,
    RAISE_VERSION,
];

/// Writes everything; says whether the ledger is among it. The statements travel together, and
/// each is checked to have met every row, before the caller commits.
pub(super) fn all(
    link: &Link,
    pending: &Pending<'_>,
    pages: &mut Pages,
    drafts: &Drafts,
) -> Result<bool, StoreError> {
    let changed = !pending.changed.is_empty() || !pending.transfers.is_empty();
    let whole = link.wait(ACTION, async {
        for sql in ALWAYS {
            link.statement(sql).await?;
        }
        let known = read_pages(link, pages, &pending.changed).await?;
        let written = pages.write(&pending.changed);
        let (puts, deletes, created, balances, transfers, resolutions, version) = tokio::join!(
            put_documents(link, drafts),
            delete_documents(link, drafts),
            insert_accounts(link, &pending.created),
            put_pages(link, pages, written),
            copy_transfers(link, pending.transfers),
            insert_resolutions(link, &pending.resolutions),
            raise_version(link, changed),
        );
        // The first error is the cause, those after it say that the transaction is broken.
        Ok([known, puts?, deletes?, created?, balances?, transfers?, resolutions?, version?])
    })?;
    if whole.iter().all(|whole| *whole) {
        Ok(changed)
    } else {
        Err(StoreError::Corrupt { collection: "the database".to_string() })
    }
}

/// Executes a statement, if there is anything to do, and says whether it met `count` rows.
async fn execute(
    link: &Link,
    sql: &'static str,
    count: usize,
    params: Params<'_>,
) -> Result<bool, Error> {
    if count == 0 {
        return Ok(true);
    }
    let statement = link.statement(sql).await?;
    Ok(link.client().execute(&statement, params).await? == count as u64)
}

async fn put_documents(link: &Link, drafts: &Drafts) -> Result<bool, Error> {
    let mut columns: [Vec<&[u8]>; 3] = [const { Vec::new() }; 3];
    for (collection, key, draft) in drafts.iter() {
        let Some(sealed) = draft else { continue };
        for (column, value) in
            columns.iter_mut().zip([collection.as_bytes(), key.as_bytes(), sealed.as_slice()])
        {
            column.push(value);
        }
    }
    let [collections, keys, values] = columns;
    execute(link, PUT_DOCUMENTS, keys.len(), &[&collections, &keys, &values]).await
}

/// A document that a job made and another removed again is not there to be removed.
async fn delete_documents(link: &Link, drafts: &Drafts) -> Result<bool, Error> {
    let removed = drafts.iter().filter(|(_, _, draft)| draft.is_none());
    let (collections, keys): (Vec<_>, Vec<_>) =
        removed.map(|(collection, key, _)| (collection.as_bytes(), key.as_bytes())).unzip();
    execute(link, DELETE_DOCUMENTS, keys.len(), &[&collections, &keys]).await.map(|_| true)
}

async fn insert_accounts(link: &Link, created: &[&Held]) -> Result<bool, Error> {
    let numbers: Vec<i64> = created.iter().map(|held| held.number).collect();
    let accounts = || created.iter().map(|held| held.state.account);
    let ids: Vec<_> = accounts().map(|account| account.id.0.to_be_bytes()).collect();
    let currencies: Vec<i16> = accounts().map(|of| of.currency.numeric().cast_signed()).collect();
    let bounds: Vec<i16> = accounts().map(|account| bound_number(account.limit)).collect();
    let params: Params<'_> = &[&numbers, &slices(&ids), &currencies, &bounds];
    execute(link, INSERT_ACCOUNTS, created.len(), params).await
}

/// `false` if a page does not have its length.
async fn read_pages(link: &Link, pages: &mut Pages, changed: &[&Held]) -> Result<bool, Error> {
    let unknown = pages.unknown(changed);
    if unknown.is_empty() {
        return Ok(true);
    }
    let statement = link.statement(READ_PAGES).await?;
    let mut whole = true;
    for row in link.client().query(&statement, &[&unknown]).await? {
        whole &= pages.keep(row.try_get(0)?, row.try_get(1)?);
    }
    Ok(whole)
}

async fn put_pages(link: &Link, pages: &Pages, written: Vec<i64>) -> Result<bool, Error> {
    let balances: Vec<&[u8]> = written.iter().map(|page| pages.bytes(*page)).collect();
    execute(link, PUT_PAGES, written.len(), &[&written, &balances]).await
}

async fn copy_transfers(link: &Link, transfers: &[StoredTransfer]) -> Result<bool, Error> {
    if transfers.is_empty() {
        return Ok(true);
    }
    let statement = link.statement(COPY_TRANSFERS).await?;
    let rows = BinaryCopyInWriter::new(link.client().copy_in(&statement).await?, &TRANSFER);
    tokio::pin!(rows);
    let bytes = |id: Option<TransferId>| id.map(|id| id.0.to_be_bytes());
    for stored in transfers {
        let transfer = &stored.transfer;
        let (kind, hold) = kind_columns(transfer.kind);
        let user_data = (transfer.user_data != 0).then(|| transfer.user_data.to_be_bytes());
        rows.as_mut()
            .write(&[
                &transfer.id.0.to_be_bytes().as_slice(),
                &transfer.debit.0.to_be_bytes().as_slice(),
                &transfer.credit.0.to_be_bytes().as_slice(),
                // The rules keep it within the range; the table's CHECK refuses what wraps round.
                &transfer.amount.cast_signed(),
                &transfer.currency.numeric().cast_signed(),
                &kind,
                &bytes(hold).as_ref().map(<[u8; 16]>::as_slice),
                &transfer.linked,
                &i32::from(transfer.code),
                &user_data.as_ref().map(<[u8; 16]>::as_slice),
                &bytes(stored.previous_debit).as_ref().map(<[u8; 16]>::as_slice),
                &bytes(stored.previous_credit).as_ref().map(<[u8; 16]>::as_slice),
            ])
            .await?;
    }
    Ok(rows.finish().await? == transfers.len() as u64)
}

async fn insert_resolutions(
    link: &Link,
    resolutions: &[(TransferId, TransferId)],
) -> Result<bool, Error> {
    let holds: Vec<_> = resolutions.iter().map(|(hold, _)| hold.0.to_be_bytes()).collect();
    let by: Vec<_> = resolutions.iter().map(|(_, by)| by.0.to_be_bytes()).collect();
    execute(link, INSERT_RESOLUTIONS, holds.len(), &[&slices(&holds), &slices(&by)]).await
}

async fn raise_version(link: &Link, changed: bool) -> Result<bool, Error> {
    execute(link, RAISE_VERSION, usize::from(changed), &[]).await
}
