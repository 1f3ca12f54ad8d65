//! One letter as text and as HTML, from the same parts.

use super::{Answering, Facts, Labels, Language, Letter, Occasion, Phrases};

pub(super) fn letter(
    language: Language,
    labels: &Labels,
    phrases: &Phrases,
    facts: &Facts<'_>,
    occasion: &Occasion<'_>,
) -> Letter {
    let rows = rows(labels, facts);
    let answering = occasion.answering();
    Letter {
        subject: format!("{} ({})", phrases.subject, one_line(facts.order)),
        text: text(labels, phrases, &rows, answering),
        html: html(language, labels, phrases, &rows, answering),
    }
}

/// A letter about no order: what has happened, what can be done, and a page.
pub(super) fn note(
    language: Language,
    (subject, news): (&str, &str),
    advice: &[String],
    link: &str,
) -> Letter {
    let mut text = format!("{news}\n");
    let mut html = head(language, subject, news);
    for advice in advice {
        text.push_str(&format!("\n{advice}\n"));
        html.push_str(&format!("<p>{}</p>\n", escaped(advice)));
    }
    let link = one_line(link);
    text.push_str(&format!("\n{link}\n"));
    let link = escaped(&link);
    html.push_str(&format!("<p><a href=\"{link}\">{link}</a></p>\n</body></html>\n"));
    Letter { subject: subject.to_string(), text, html }
}

fn rows(labels: &Labels, facts: &Facts<'_>) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        (labels.order, one_line(facts.order)),
        (labels.service, one_line(facts.service)),
        (labels.provider, one_line(facts.provider)),
    ];
    if facts.quantity > 1 {
        rows.push((labels.quantity, facts.quantity.to_string()));
    }
    rows.push((labels.price, facts.price.to_string()));
    rows.extend(facts.place.map(|place| (labels.place, one_line(place))));
    rows.extend(facts.date.map(|date| (labels.date, one_line(date))));
    rows
}

fn text(
    labels: &Labels,
    phrases: &Phrases,
    rows: &[(&str, String)],
    answering: Option<&Answering<'_>>,
) -> String {
    let mut text = format!("{}\n\n", phrases.news);
    for (label, value) in rows {
        text.push_str(&format!("{label}{}{value}\n", labels.colon));
    }
    if let Some(answering) = answering {
        text.push_str(&format!("{}{}{}\n", labels.until, labels.colon, one_line(answering.until)));
    }
    for advice in phrases.advice {
        text.push_str(&format!("\n{advice}\n"));
    }
    if let Some(answering) = answering {
        text.push_str(&format!(
            "\n{}{}\n{}\n",
            labels.link,
            labels.colon.trim_end(),
            one_line(answering.link)
        ));
    }
    text
}

fn html(
    language: Language,
    labels: &Labels,
    phrases: &Phrases,
    rows: &[(&str, String)],
    answering: Option<&Answering<'_>>,
) -> String {
    let mut html = head(language, phrases.subject, phrases.news);
    html.push_str("<table>\n");
    let row = |label: &str, value: &str| {
        format!("<tr><th align=\"left\">{}</th><td>{}</td></tr>\n", escaped(label), escaped(value))
    };
    for (label, value) in rows {
        html.push_str(&row(label, value));
    }
    if let Some(answering) = answering {
        html.push_str(&row(labels.until, &one_line(answering.until)));
    }
    html.push_str("</table>\n");
    for advice in phrases.advice {
        html.push_str(&format!("<p>{}</p>\n", escaped(advice)));
    }
    if let Some(answering) = answering {
        let link = escaped(&one_line(answering.link));
        let label = escaped(labels.link);
        html.push_str(&format!(
            "<p>{label}{}<br><a href=\"{link}\">{link}</a></p>\n",
            labels.colon
        ));
    }
    html.push_str("</body></html>\n");
    html
}

fn head(language: Language, subject: &str, news: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{}</title></head><body>\n<p>{}</p>\n",
        language.tag(),
        escaped(subject),
        escaped(news),
    )
}

/// What others wrote, on one line: it can neither add a header nor pretend to be a paragraph of ours.
fn one_line(text: &str) -> String {
    let visible = text
        .chars()
        .map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c });
    visible.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
