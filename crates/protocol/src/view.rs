//! What one party could read of an order, and what stayed sealed to it.

use crate::{sealed::OpenedOrder, status::State, value::FieldValue};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use warifu_types::{FieldName, OrderId};

/// A party's view of an order, as its own records keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// The order.
    pub order: OrderId,
    /// The disclosure rule's name.
    pub rule: String,
    /// The fields that the party opened.
    pub fields: BTreeMap<FieldName, FieldValue>,
    /// The fields that stayed sealed to it.
    pub sealed: Vec<FieldName>,
    /// How far the trade has come here.
    pub state: State,
}

impl View {
    /// The view of an order that was just opened.
    pub fn of(opened: &OpenedOrder, state: State) -> View {
        View {
            order: opened.claims.jti,
            rule: opened.form.form.rule.name.clone(),
            fields: opened.fields.clone(),
            sealed: opened.sealed_fields().into_iter().cloned().collect(),
            state,
        }
    }
}
