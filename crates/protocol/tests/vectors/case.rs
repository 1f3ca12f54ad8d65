//! One vector: an input, and what a correct implementation makes of it.
use serde_json::{Value, json};
use std::collections::BTreeMap;
use warifu_protocol::{AtFault, ProtocolError, Reason};

pub struct Case {
    pub kind: String,
    pub name: String,
    pub about: String,
    /// Whose terminal judges it: network and name within it.
    pub terminal: (String, String),
    pub now: u64,
    /// What this terminal has otherwise than its network's file says.
    pub with: Value,
    pub input: Value,
    pub expected: Value,
    /// Values on the way to the outcome, for whoever looks for a mistake.
    pub steps: Value,
}

impl Case {
    pub fn new(kind: &str, name: &str, about: &str, terminal: (&str, &str), input: Value) -> Case {
        Case {
            kind: kind.into(),
            name: name.into(),
            about: about.into(),
            terminal: (terminal.0.into(), terminal.1.into()),
            now: crate::common::NOW.0,
            with: Value::Null,
            input,
            expected: Value::Null,
            steps: Value::Null,
        }
    }

    pub fn accepted(self, outcome: Value) -> Case {
        Case { expected: json!({"accepted": outcome}), ..self }
    }

    pub fn refused(self, reason: Reason, at_fault: AtFault, field: &str) -> Case {
        Case { expected: refused(&ProtocolError::new(at_fault, reason, field.to_string())), ..self }
    }

    pub fn at(self, now: u64) -> Case {
        Case { now, ..self }
    }

    pub fn with(self, with: Value) -> Case {
        Case { with, ..self }
    }

    pub fn steps(self, steps: Value) -> Case {
        Case { steps, ..self }
    }

    /// Writes `@holder` for the holder's credential, and so on: they stand in the network's file.
    pub fn shorten(&mut self, credentials: &BTreeMap<String, String>) {
        if self.kind != "credential" {
            let short = |text: &str| {
                let known = credentials.iter().find(|(_, token)| *token == text);
                known.map(|(name, _)| format!("@{name}"))
            };
            replace(&mut self.input, &short);
            replace(&mut self.expected, &short);
        }
    }

    /// Undoes [`Case::shorten`].
    pub fn spell_out(&mut self, credentials: &BTreeMap<String, String>) {
        let long = |text: &str| text.strip_prefix('@').map(|name| credentials[name].clone());
        replace(&mut self.input, &long);
        replace(&mut self.expected, &long);
    }

    pub fn json(&self) -> Value {
        assert!(!self.expected.is_null(), "{} says nothing", self.name);
        let mut json = json!({
            "about": self.about,
            "network": self.terminal.0,
            "terminal": self.terminal.1,
            "now": self.now,
            "input": self.input,
            "expected": self.expected,
        });
        for (name, value) in [("with", &self.with), ("steps", &self.steps)] {
            if !value.is_null() {
                json[name] = value.clone();
            }
        }
        json
    }

    pub fn read(path: &str, text: &str) -> Case {
        let (kind, name) = path.strip_suffix(".json").unwrap().split_once('/').unwrap();
        let json: Value = serde_json::from_str(text).unwrap();
        let word = |field: &str| json[field].as_str().unwrap();
        Case {
            now: json["now"].as_u64().unwrap(),
            with: json["with"].clone(),
            expected: json["expected"].clone(),
            steps: json["steps"].clone(),
            ..Case::new(
                kind,
                name,
                word("about"),
                (word("network"), word("terminal")),
                json["input"].clone(),
            )
        }
    }
}

pub fn refused(error: &ProtocolError) -> Value {
    json!({"refused": {
        "reason": error.reason.code(),
        "at_fault": error.at_fault.to_string(),
        "field": error.field,
    }})
}

fn replace(value: &mut Value, with: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(other) = with(text) {
                *text = other;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, with)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, with)),
        _ => {}
    }
}
