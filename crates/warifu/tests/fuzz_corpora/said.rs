//! Seeds of what is said: between services, by mail and fax servers, on the card network.

use crate::corpora::{self, seed};
use serde_json::{Value, json};
use warifu_gateways::card_network::message::{Message, MessageType};

const HASH: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub fn seeds() {
    questions();
    answers();
    private_line();
    card_network();
    mails();
    connections();
}

fn wire(name: &str, value: &Value) {
    seed("wire", name, value.to_string());
}

fn questions() {
    let items = json!([{"number": "T-100", "quantity": 2}]);
    let quote = json!({"items": items, "currency": "JPY", "language": "ja", "form": HASH});
    let quote = json!({"op": "quote", "body": quote});
    corpora::seeds("wire", "quote", quote.to_string());
    // An order that was sealed for another target.
    let sealed = include_str!("../../../../fuzz/corpus/sealed_order/good_kps_only");
    let sealed: Value = serde_json::from_str(sealed).unwrap();
    wire("good_order", &json!({"op": "order", "body": {"sealed": sealed}}));
    let card = json!({"number": "WyJB", "expiry": "WyJC"});
    let authorize = json!({"sealed": sealed, "request": "a.b.c", "card": card});
    wire("good_authorize_with_card", &json!({"op": "authorize", "body": authorize}));
    let goods = json!({"order": HASH, "item": "T-100", "offset": 0, "length": 262_144});
    wire("good_goods", &json!({"op": "goods", "body": goods}));
    wire("good_share", &json!({"op": "share", "body": {"group": 3, "epoch": 2}}));
    let registration = json!({
        "member": "B-000001", "code": "0000-0000", "holder_name": "山田花子",
        "card_number": "4111111111111111", "card_expiry": "2030-12", "issuer": "domain:card.example",
    });
    wire("good_register_card", &json!({"op": "register_card", "body": registration}));
    wire("bad_operation_unknown", &json!({"op": "sell", "body": goods}));
    wire("bad_question_as_array", &json!(["goods", goods]));
    wire("bad_body_as_array", &json!({"op": "goods", "body": [HASH, "T-100", 0, 1]}));
    let negative = json!({"order": HASH, "item": "T-100", "offset": -1, "length": 1});
    wire("bad_offset_negative", &json!({"op": "goods", "body": negative}));
}

fn answers() {
    let problem = json!({
        "type": "/problems/wrong_digest", "title": "…", "status": 422, "code": "wrong_digest",
        "field": "order.fields.amount", "at_fault": "holder",
    });
    wire("good_problem", &problem);
    wire("good_answer_no", &json!({"problem": problem}));
    let amount = json!({"minor": 30, "currency": "JPY"});
    wire("good_answer_yes", &json!({"ok": {"tick": 3, "amount": amount}}));
    let notices = json!({"answers": [{"ok": {"order": HASH}}, {"problem": problem}]});
    wire("good_answer_notices", &json!({"ok": notices}));
    wire("bad_answer_both", &json!({"ok": {"tick": 3, "amount": amount}, "problem": problem}));
    wire("bad_problem_status", &json!({"type": "x", "title": "", "status": 70_000, "code": "x"}));
    let form = json!({"credential": "a.b.c", "form": "a.b.c", "credentials": {"issuer": "a.b.c"}});
    wire("good_form", &form);
    let item = json!({
        "number": "T-100", "name": "煎茶", "kind": "food", "prices": [amount], "stock": 3,
        "goods": "later",
    });
    let merchant = "domain:shop.example";
    let page =
        json!({"merchant": merchant, "forms": {"minimal": form}, "items": [item], "next": null});
    wire("good_catalogue", &page);
}

fn private_line() {
    let reference = "0123456789abcdefghjkmnpqrstvwxyz";
    wire("good_code", &json!({"member": "B-000001", "code_hash": HASH, "until": 1_800_000_000}));
    let yes = json!({"reference": reference, "issuer": "domain:card.example"});
    wire("good_authenticate_yes", &json!({"yes": yes}));
    wire("good_authenticate_no", &json!({"no": {"reason": "no_card"}}));
    wire("bad_authenticate_reason", &json!({"no": {"reason": "dislike"}}));
    let dispatch =
        json!({"reference": reference, "number": "000000000000", "provider": "name:和布の宿"});
    wire("good_dispatch", &dispatch);
    wire("good_sheet", &json!({"state": "handed_over"}));
    wire("bad_sheet_state", &json!({"state": "lost"}));
    let resolve = |minor: i64| {
        json!({
            "reference": reference, "merchant": "domain:inn.example", "order": HASH,
            "amount": {"minor": minor, "currency": "JPY"},
        })
    };
    wire("good_resolve", &resolve(19_800));
    wire("bad_resolve_negative", &resolve(-1));
    let sheet = json!({
        "number": "00000000000", "holder_name": "山田花子", "card_number": "4111111111111111",
        "card_expiry": "2030-12",
    });
    wire("good_card_post", &sheet);
    wire(
        "good_order_wish",
        &json!({"service": "P-000001/N-1", "quantity": 2, "date": "2026-12-24"}),
    );
    wire(
        "bad_order_wish_card",
        &json!({"service": "P-1/N", "quantity": 2, "card": "4111111111111111"}),
    );
}

fn card_network() {
    let mut message = Message::new(MessageType::Authorization);
    for (field, text) in [
        (2, "4111111111111111"),
        (3, "000000"),
        (4, "000000019800"),
        (7, "1224120000"),
        (11, "000001"),
        (14, "3012"),
        (37, "W00000000000"),
        (42, "INN0001        "),
        (49, "392"),
        (67, "01"),
    ] {
        message.set(field, text).unwrap();
    }
    let frame = message.frame().unwrap();
    corpora::seeds("iso8583", "authorization", &*frame);
    seed("iso8583", "good_two", [&frame[..], &frame[..]].concat());
    let mut longer = frame.to_vec();
    longer.push(b'0');
    longer[1] += 1;
    seed("iso8583", "bad_trailing", &longer);
    seed("iso8583", "bad_length", [0xff, 0xff, b'0']);
    let text = String::from_utf8(frame.to_vec()).unwrap();
    seed("iso8583", "bad_amount", text.replacen("000000019800", "0000000198 0", 1));
    seed("iso8583", "bad_type", text.replacen("0100", "0199", 1));
}

fn mails() {
    let mail = |headers: &str, text: &[u8]| {
        let head =
            format!("From: Hanako <hanako@example.jp>\r\nSubject: Re: 00000\r\n{headers}\r\n");
        [head.as_bytes(), text].concat()
    };
    let charset = |name: &str| format!("Content-Type: text/plain; charset={name}\r\n");
    seed("mail", "good_yes", mail(&charset("utf-8"), "はい\r\n> quoted\r\n".as_bytes()));
    seed("mail", "good_iso_2022_jp", mail(&charset("iso-2022-jp"), b"\x1b$B$O$$\x1b(B\r\n"));
    seed("mail", "good_shift_jis", mail(&charset("shift_jis"), b"\x82\xcd\x82\xa2\r\n"));
    let html = "Content-Type: text/html; charset=utf-8\r\n";
    let page = "<html><body><p>は&#12356;</p><blockquote>quoted</blockquote></body></html>";
    seed("mail", "good_html", mail(html, page.as_bytes()));
    seed("mail", "good_no", mail(&charset("utf-8"), "取消\r\n".as_bytes()));
    seed("mail", "bad_automatic", mail("Auto-Submitted: auto-replied\r\n", b"yes\r\n"));
    seed("mail", "bad_report", mail("Content-Type: multipart/report\r\n", b"yes\r\n"));
    seed("mail", "bad_unclear", mail("", b"When does it begin?\r\n"));
    seed("mail", "bad_another_author", b"From: taro@example.jp\r\n\r\nyes\r\n");
    seed("mail", "bad_no_header", b"\x00\xff");
    seed("mail", "bad_empty", b"");
}

fn connections() {
    let address = "confirm+abcdefghijklmnop1234@order.example";
    let begin = format!("LHLO mx\r\nMAIL FROM:<hanako@example.jp>\r\nRCPT TO:<{address}>\r\n");
    let mail = "DATA\r\nFrom: hanako@example.jp\r\n\r\nはい\r\n..\r\n.\r\n";
    corpora::seeds("lmtp", "mail", format!("{begin}{mail}QUIT\r\n"));
    seed("lmtp", "good_two_mails", format!("{begin}{mail}{begin}{mail}"));
    seed("lmtp", "bad_ehlo", format!("{}{mail}", begin.replace("LHLO", "EHLO")));
    seed("lmtp", "bad_recipient", format!("{}{mail}", begin.replace("order.", "other.")));
    let large = mail.replace("はい", &"x".repeat(2_000));
    seed("lmtp", "bad_too_large", format!("{begin}{large}"));
    let login = "220 host server (HylaFAX (tm) Version 6.0.7) ready.\r\n331 Password required.\r\n";
    let state = "213 DONE\r\n213 1\r\n213 1\r\n213 \r\n213 000\r\n";
    let passive = "227 Entering passive mode (127,0,0,1,180,231)\r\n";
    seed("fax", "good_state", format!("{login}230 User logged in.\r\n{passive}{state}"));
    seed("fax", "good_lines", "220-Hello\r\nmore\r\n220 ready\r\n");
    seed("fax", "bad_unended", "220-Hello\r\nmore\r\n");
    seed("fax", "bad_code", "999 ready\r\n");
    seed("fax", "bad_no_code", "ready\r\n");
    seed("fax", "bad_empty", "");
}
