//! Sessions: what one side makes of the messages that reach it.
use crate::{
    case::Case,
    common::forge,
    meetings::{INITIATOR, Meeting, RESPONDER, meet},
    network::{hybrid, kps},
};
use serde_json::{Value, json};
use warifu_protocol::{AtFault, Reason, jwe};
use zeroize::Zeroizing;

const SENDER: AtFault = AtFault::Sender;

pub fn cases() -> Vec<Case> {
    [kps(), hybrid()].into_iter().flat_map(|made| meet(made).sessions()).collect()
}

impl Meeting {
    fn session(&self, name: &str, about: &str, side: &str, messages: Value) -> Case {
        let input = json!({
            "side": side,
            "hello": self.hello,
            "initiator_random": hex::encode(INITIATOR),
            "responder_random": hex::encode(RESPONDER),
            "challenge": self.challenge,
            "confirm": self.confirm,
            "expected": self.made.cast.merchant.id(),
            "messages": messages,
        });
        let terminal = if side == "initiator" { "holder" } else { "merchant" };
        Case::new("session", &self.name(name), about, (self.made.name(), terminal), input)
            .steps(self.steps())
    }

    fn sessions(mut self) -> Vec<Case> {
        let mut ask = |text: &str| self.holder.session.ask(Zeroizing::new(text.into())).1;
        let questions = [ask("two teas"), ask("and a cup"), ask("please")];
        let answer =
            |seq, text: &str| self.merchant.session.answer(seq, Zeroizing::new(text.into()));
        let (first, second) = (answer(0, "1980 JPY"), answer(1, "2980 JPY"));
        // The keys in `steps` are those of the messages.
        let steps = self.steps();
        for (token, key) in
            [(&questions[0], "initiator_session_key"), (&first, "responder_session_key")]
        {
            let key = hex::decode(steps[key].as_str().unwrap()).unwrap().try_into().unwrap();
            let pieces = jwe::split(token, AtFault::Own, "session").unwrap();
            jwe::decrypt(&pieces, &key, AtFault::Own, "session").unwrap();
        }
        let asked = |tokens: &[&String]| {
            json!(tokens.iter().map(|token| json!({"token": token})).collect::<Vec<_>>())
        };
        let answered = |seq: u64, token: &str| json!([{"token": token, "answers": seq}]);
        let heard = |seq: u64, text: &str| json!({"accepted": {"seq": seq, "text": text}});
        let [one, two, three] = &questions;
        let header = |from: &str, to: &str| {
            let text = forge::header(one).replacen(from, to, 1);
            let rest = one.split_once('.').unwrap().1;
            format!("{}.{rest}", warifu_protocol::encode::b64(text.as_bytes()))
        };
        let (far, other) = (header(r#""seq":0"#, r#""seq":9"#), {
            let sid = self.challenge.session.to_string();
            header(&sid, &warifu_types::Nonce([9; 32]).to_string())
        });
        let typ = header("warifu-session+jwe", "warifu-part+jwe");
        let more = header(r#"{"alg""#, r#"{"zip":"DEF","alg""#);
        let tag = one.rsplit_once('.').unwrap();
        let changed = if tag.1.starts_with('A') { "B" } else { "A" };
        let tag = format!("{}.{changed}{}", tag.0, &tag.1[1..]);
        use Reason::*;
        let mut cases = vec![
            self.session("in_order", "Three questions.", "responder", asked(&[one, two, three]))
                .accepted(json!([heard(0, "two teas"), heard(1, "and a cup"), heard(2, "please")])),
            self.session(
                "out_of_order",
                "Questions that overtook each other.",
                "responder",
                asked(&[three, one, two]),
            )
            .accepted(json!([
                heard(2, "please"),
                heard(0, "two teas"),
                heard(1, "and a cup")
            ])),
            self.session("answer", "An answer.", "initiator", answered(0, &first))
                .accepted(json!([heard(0, "1980 JPY")])),
        ];
        for (name, about, side, messages, reason, field) in [
            (
                "session_seq_replayed",
                "One question twice.",
                "responder",
                asked(&[one, one]),
                Replayed,
                "session.seq",
            ),
            (
                "session_seq_replayed_later",
                "One question again after others.",
                "responder",
                asked(&[one, two, three, one]),
                Replayed,
                "session.seq",
            ),
            (
                "session_answer_to_another",
                "The answer to another question.",
                "initiator",
                answered(0, &second),
                Replayed,
                "session.seq",
            ),
            (
                "session_question_reflected",
                "The initiator's own question.",
                "initiator",
                answered(0, one),
                SealedWrong,
                "session",
            ),
            (
                "session_answer_reflected",
                "The responder's own answer.",
                "responder",
                asked(&[&first]),
                SealedWrong,
                "session",
            ),
            (
                "session_seq_altered",
                "Another number than the tag was made over.",
                "responder",
                asked(&[&far]),
                SealedWrong,
                "session",
            ),
            (
                "session_sid_altered",
                "Another session's name.",
                "responder",
                asked(&[&other]),
                Mismatch,
                "session.sid",
            ),
            (
                "session_typ_another",
                "Another type.",
                "responder",
                asked(&[&typ]),
                Mismatch,
                "session.sid",
            ),
            (
                "session_header_unknown",
                "A header parameter that the format does not know.",
                "responder",
                asked(&[&more]),
                Malformed,
                "session.zip",
            ),
            (
                "session_tag_altered",
                "One character of the tag.",
                "responder",
                asked(&[&tag]),
                SealedWrong,
                "session",
            ),
        ] {
            cases.push(self.session(name, about, side, messages).refused(reason, SENDER, field));
        }
        cases
    }
}
