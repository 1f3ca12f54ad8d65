//! The letters in Japanese.

use super::{Labels, Occasion, Phrases};

pub(super) const LABELS: Labels = Labels {
    order: "注文番号",
    service: "内容",
    provider: "提供者",
    quantity: "数量",
    price: "合計金額",
    place: "場所",
    date: "日時",
    link: "ページで承認または取消をなさる場合",
    until: "受付期限",
    colon: "：",
};

const HOW_TO_ANSWER: &[&str] = &[
    "ご注文を承認なさる場合は、このメールをそのまま返信してください。",
    "ご不要の場合は「キャンセル」とだけ書いて返信してください。何もなさらなければ注文されません。",
];

pub(super) fn phrases(occasion: &Occasion<'_>) -> Phrases {
    let (subject, news, advice): (_, _, &[&str]) = match occasion {
        Occasion::Confirmation(_) => (
            "ご注文の確認のお願い",
            "下記のご注文を承りました。承認をいただいてから提供者へ発注いたします。",
            HOW_TO_ANSWER,
        ),
        Occasion::Reminder(_) => (
            "【再送】ご注文の確認のお願い",
            "下記のご注文は、まだ承認をいただいておりません。",
            HOW_TO_ANSWER,
        ),
        Occasion::AskedAgain(_) => (
            "もう一度ご返信ください",
            "いただいた返信からは、ご注文を承認なさるかどうかが分かりませんでした。まだ発注しておりません。",
            HOW_TO_ANSWER,
        ),
        Occasion::Expired => (
            "ご注文の受付期限が過ぎました",
            "期限までにご返信がありませんでした。発注はされず、ご請求もありません。",
            &["よろしければ、あらためてご注文ください。"],
        ),
        Occasion::Approved => (
            "ご注文の承認を承りました",
            "承認のご返信をいただきましたので、提供者へ発注いたします。",
            &["お心当たりがない場合は、至急ご連絡ください。"],
        ),
        Occasion::Cancelled => (
            "ご注文を取り消しました",
            "ご希望により、ご注文を取り消しました。ご請求はありません。",
            &[],
        ),
        Occasion::CardRefused => (
            "ご注文を承れませんでした",
            "ご登録のカードが承認されませんでした。発注はされず、ご請求もありません。",
            &["ご登録の内容をご確認のうえ、あらためてご注文ください。"],
        ),
        Occasion::Declined => (
            "提供者がご注文をお受けできませんでした",
            "提供者がご注文をお受けできないとのことです。ご請求はありません。",
            &["ほかの提供者へのご注文をご検討ください。"],
        ),
        Occasion::Silent => (
            "提供者から回答がありませんでした",
            "期限までに提供者から回答がなかったため、ご注文を終了しました。ご請求はありません。",
            &["ほかの提供者へのご注文をご検討ください。"],
        ),
        Occasion::Served => (
            "ご注文のサービスが提供されました",
            "提供者から、サービスを提供したとの連絡がありました。代金はご利用明細に記載されます。",
            &["お気づきの点がありましたら、ご連絡ください。"],
        ),
    };
    Phrases { subject, news, advice }
}
