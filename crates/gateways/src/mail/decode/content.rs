//! A mail's subject and text.

use super::charset;
use mail_parser::{
    Encoding, HeaderName, Message, MessagePart, MimeHeaders, PartType,
    decoders::{base64::base64_decode, quoted_printable::quoted_printable_decode},
};

/// More HTML than this is no answer.
const MOST_HTML: usize = 512 * 1024;
/// Lines of HTML are broken here, as text programs do.
const HTML_WIDTH: usize = 300;

/// Stands for content that no text says: a picture, an encrypted part.
const ATTACHMENT: &str = "[attachment]";
/// Stands for a mail without a text.
const NO_TEXT: &str = "[no text]";
/// Stands for HTML that is too much to read.
const TOO_LONG: &str = "[too long]";

/// The subject. Japanese programs have put it in without saying the charset.
pub(super) fn subject(message: &Message<'_>) -> String {
    let field = message.headers().iter().find(|header| header.name == HeaderName::Subject);
    let raw = field.and_then(|field| {
        let (from, to) = (field.offset_start() as usize, field.offset_end() as usize);
        message.raw_message.get(from..to)
    });
    match raw {
        Some(raw) if raw.iter().any(|byte| !byte.is_ascii() || *byte == 0x1b) => {
            charset::decode(raw, None).split_whitespace().collect::<Vec<_>>().join(" ")
        }
        _ => message.subject().unwrap_or_default().to_string(),
    }
}

/// The text for a reader without HTML; where the mail has only HTML, that as text, with `> ` before
/// what it quotes.
pub(super) fn text(message: &Message<'_>) -> String {
    let texts = parts(message, &message.text_body);
    let mut text = joined(&texts);
    if text.trim().is_empty() {
        text = joined(&parts(message, &message.html_body));
    }
    if texts.is_empty() {
        return NO_TEXT.to_string();
    }
    if text.trim().is_empty() && message.attachment_count() > 0 {
        return ATTACHMENT.to_string();
    }
    text
}

fn joined(parts: &[String]) -> String {
    parts.join("\n").replace("\r\n", "\n")
}

fn parts(message: &Message<'_>, ids: &[u32]) -> Vec<String> {
    let read = |id: &u32| {
        let part = message.part(*id)?;
        match &part.body {
            PartType::Text(parsed) => {
                Some(unicode(message, part).unwrap_or_else(|| parsed.to_string()))
            }
            PartType::Html(parsed) => {
                Some(plain(&unicode(message, part).unwrap_or_else(|| parsed.to_string())))
            }
            _ => None,
        }
    };
    ids.iter().filter_map(read).collect()
}

/// The part's bytes, decoded by us: the parser trusts the declared charset.
fn unicode(message: &Message<'_>, part: &MessagePart<'_>) -> Option<String> {
    let (from, to) = (part.raw_body_offset() as usize, part.raw_end_offset() as usize);
    let raw = message.raw_message.get(from..to)?;
    let bytes = match part.encoding {
        Encoding::None => raw.to_vec(),
        Encoding::QuotedPrintable => quoted_printable_decode(raw)?,
        Encoding::Base64 => base64_decode(raw)?,
    };
    let declared = part.content_type().and_then(|kind| kind.attribute("charset"));
    Some(charset::decode(&bytes, declared))
}

fn plain(html: &str) -> String {
    if html.len() > MOST_HTML {
        return TOO_LONG.to_string();
    }
    let config = html2text::config::plain_no_decorate().raw_mode(true).no_table_borders();
    let text = config.string_from_read(html.as_bytes(), HTML_WIDTH);
    text.unwrap_or_else(|_| NO_TEXT.to_string())
}
