//! The letter with which a member makes a device known.

use super::{Language, Letter, render};

/// Writes the letter; `until` is the end of the link's time, as the member reads it.
pub fn device_letter(language: Language, link: &str, until: &str) -> Letter {
    let (subject, news, advice) = match language {
        Language::English => (
            "Logging in from a new device",
            "Somebody, perhaps you, wants to log in with your membership number from a device that \
             we do not know.",
            [
                format!(
                    "If it is you, open this page on that device and press its button; then log in \
                     with your password. The page is good until {until}."
                ),
                "If it is not you, do nothing: without your password this mail lets nobody in."
                    .to_string(),
            ],
        ),
        Language::Japanese => (
            "新しい端末からのログインについて",
            "お客様の会員番号で、まだ登録のない端末からログインしようとしている方がいます。",
            [
                format!(
                    "ご本人の場合は、その端末で次のページを開いてボタンを押し、パスワードでログイン\
                     してください。ページの期限は{until}です。"
                ),
                "お心当たりがない場合は、何もなさらないでください。パスワードがなければ、このメール\
                 だけではログインできません。"
                    .to_string(),
            ],
        ),
    };
    render::note(language, (subject, news), &advice, link)
}
